"""The demo's data folder: one owner at a time, readable by nobody else, with the passwords that were made once."""

import errno
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

STATE_FILE, LOCK_FILE = "demo.json", "demo.lock"
PASSWORD_BYTES = 9


class DemoError(Exception):
    """The demo cannot run like this; the message is one line for the person who started it."""


@dataclass(slots=True, kw_only=True)
class DemoState:
    """What a second start needs to go on where the first one was."""

    seed: int
    camera_port: int
    camera_password: str
    broker_passwords: dict[str, str]
    user_passwords: dict[str, str]
    hj212_port: int = 0
    settled: bool = False
    """The city is in the database and everybody can sign in."""


class DemoFolder:
    """Paths below the data folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.postgres, self.broker = self.root / "postgres", self.root / "broker"
        self.registry, self.loops = self.root / "registry", self.root / "loops"
        self.service, self.logs = self.root / "service", self.root / "logs"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes the folder and holds it. Raises DemoError when it cannot be used or somebody else holds it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.logs, self.service, self.loops):
                folder.mkdir(exist_ok=True, mode=0o700)
            lock = (self.root / LOCK_FILE).open("a+")
        except OSError as error:
            raise DemoError(f"the data folder {self.root} cannot be used: {error.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                raise DemoError(
                    f"a demo is already running on {self.root} (process {lock.read().strip()})"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def state(self, seed: int, users: list[str]) -> DemoState:
        """As an earlier start left it, or a new one with random passwords. Raises DemoError when it cannot be read."""
        try:
            kept = DemoState(**json.loads((self.root / STATE_FILE).read_text("utf-8")))
        except FileNotFoundError:
            if self.postgres.exists():
                raise DemoError(
                    f"{self.root} has a database but no {STATE_FILE}: give another --data"
                ) from None
            return self._new_state(seed, users)
        except (OSError, ValueError, TypeError):
            raise DemoError(
                f"{self.root / STATE_FILE} is damaged: remove {self.root} or give another --data"
            ) from None
        if kept.seed != seed:
            raise DemoError(
                f"{self.root} holds the city of seed {kept.seed}: give --seed {kept.seed} or another --data"
            )
        return kept

    def _new_state(self, seed: int, users: list[str]) -> DemoState:
        state = DemoState(
            seed=seed,
            camera_port=free_port(),
            hj212_port=free_port(),
            camera_password=secrets.token_urlsafe(PASSWORD_BYTES),
            broker_passwords={user: secrets.token_urlsafe(PASSWORD_BYTES) for user in ("farwatch", "city")},
            user_passwords={user: secrets.token_urlsafe(PASSWORD_BYTES) for user in users},
        )
        self.save(state)
        return state

    def save(self, state: DemoState) -> None:
        """Whole or not at all, for the owner only."""
        fresh = self.root / f"{STATE_FILE}.new"
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(state), indent=1), "utf-8")
        fresh.replace(self.root / STATE_FILE)


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def port_to_use(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises DemoError when nobody can listen there."""
    if port == 0:
        return free_port()
    try:
        free = is_free(host, port)
    except (OSError, OverflowError) as error:
        raise DemoError(f"cannot listen on {host}:{port}: {error}") from None
    if not free:
        raise DemoError(f"port {port} of {host} is in use: give another --port")
    return port


def is_free(host: str, port: int) -> bool:
    """Raises OSError when the host is no address of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        return True
