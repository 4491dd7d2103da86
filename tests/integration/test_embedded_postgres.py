"""The embedded server after a kill -9, and where a path is too long for a socket."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server.embedded.postgres import LONGEST_SOCKET_PATH, EmbeddedPostgres
from tests.support.waiting import until


def socket_dir(server: EmbeddedPostgres) -> Path:
    return Path(server.url().partition("?host=")[2])


def test_a_kill_leaves_no_folder_behind_after_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * (LONGEST_SOCKET_PATH // 4 + 1))
    killed, next_one = EmbeddedPostgres(folder), EmbeddedPostgres(folder)
    killed.start()
    left = socket_dir(killed)
    killed.kill()
    assert left.is_dir()
    next_one.start()
    try:
        assert not left.exists()
        assert socket_dir(next_one).stat().st_mode & 0o777 == 0o700
    finally:
        next_one.stop()
    assert not socket_dir(next_one).exists()


async def test_it_starts_once_the_last_process_of_a_killed_server_has_gone(tmp_path: Path) -> None:
    killed, next_one = EmbeddedPostgres(tmp_path), EmbeddedPostgres(tmp_path)
    killed.start()
    assert killed.pid is not None
    lingering = int(Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()[0])
    os.kill(lingering, signal.SIGSTOP)
    os.kill(killed.pid, signal.SIGKILL)
    killed.stop()

    async def log() -> str:
        return (tmp_path / "postgres.log").read_text()

    with ThreadPoolExecutor(1) as threads:
        starting = threads.submit(next_one.start)
        try:
            await until(log, lambda said: "shared memory block" in said)
        finally:
            os.kill(lingering, signal.SIGCONT)
        starting.result(20)
    next_one.stop()
