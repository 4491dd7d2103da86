"""A real mosquitto on a free loopback port, with persistence, that can be stopped and started again."""

import itertools
import random
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

PROGRAM = shutil.which("mosquitto") or (
    "/usr/sbin/mosquitto" if Path("/usr/sbin/mosquitto").exists() else None
)
needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed here")


_ports = itertools.count(random.randrange(10_000, 30_000))


def free_port() -> int:
    """Below the ports that the system gives to whoever asks for any, and in a row from a place by chance: nobody else takes it
    before it is used, not even a test beside this one."""
    for port in _ports:
        with suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port
    raise AssertionError("there is always a next one")


ENOUGH = "max_inflight_messages 4096\nmax_queued_messages 0\n"


class Mosquitto:
    """Anonymous on loopback, for tests of what is ours; the shipped configuration has tests of its own."""

    def __init__(self, folder: Path, limits: str = ENOUGH, autosave_s: int = 1) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        user = "user root\n" if Path("/root").owner() == "root" else ""
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            f"{limits}autosave_interval {autosave_s}\nset_tcp_nodelay true\n{user}log_dest none\n"
        )

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert PROGRAM
        self._process = subprocess.Popen([PROGRAM, "-c", str(self._folder / "mosquitto.conf")])
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("mosquitto did not start")

    def stop(self) -> None:
        """SIGTERM: it saves its sessions and messages."""
        if self._process:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        """kill -9: what came since the last save is gone."""
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None
