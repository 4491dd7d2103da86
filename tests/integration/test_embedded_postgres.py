"""The embedded server where a path is too long for a socket."""

from pathlib import Path

from server.embedded.postgres import LONGEST_SOCKET_PATH, EmbeddedPostgres


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
