"""`farwatch serve` as a real process tree, to be watched and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.waiting import until


class Service:
    """The production command with the settings of a test."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._log = folder / "serve.log"
        folder.mkdir(parents=True, exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("FARWATCH_")}
        self.data_dir = folder / "data"
        self.environment = (
            inherited
            | {f"FARWATCH_{k.upper()}": v for k, v in settings.items()}
            | {"FARWATCH_DATA_DIR": str(self.data_dir)}
        )
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A `farwatch` command that ends by itself."""
        return subprocess.run(
            [sys.executable, "-m", "server.cli", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def start(self, roles: str) -> None:
        self.start_command("serve", "--roles", roles)

    def start_command(self, *arguments: str) -> None:
        """A `farwatch` command that goes on until it is stopped."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", *arguments],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """The parent's."""
        assert self._process
        return self._process.pid

    def stop(self, within_s: float = 10) -> int:
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(within_s)
        self._process = None
        return code

    def stop_if_running(self) -> None:
        if self._process and self._process.poll() is None:
            self.stop()

    def kill_parent(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait(10)
        self._process = None

    def pid_of(self, role: str) -> int | None:
        """The child that runs the role now."""
        return next((pid for pid, command in self._children() if "role" in command and role in command), None)

    def shares(self) -> dict[str, int]:
        """The children that watch shares of the cameras now: `i/n` -> pid."""
        return {
            command[command.index("--share") + 1]: pid
            for pid, command in self._children()
            if "role" in command and "--share" in command
        }

    def _children(self) -> Iterator[tuple[int, list[str]]]:
        assert self._process
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().decode().split("\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == self._process.pid:
                yield int(entry.name), command

    def kill_role(self, role: str, within_s: float = 15) -> None:
        """kill -9, as a crash would be; waits for a role that is just being started again."""
        give_up_at = time.monotonic() + within_s
        while (pid := self.pid_of(role)) is None:
            if time.monotonic() > give_up_at:
                raise AssertionError(f"role {role} does not run")
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)

    async def says(self, text: str) -> None:
        """Waits for the text in its log."""

        async def log() -> str:
            return self.log

        await until(log, lambda seen: text in seen)

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""
