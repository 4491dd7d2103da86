"""The secret behind visit codes and warnings' links: made once, the same for every process over this data folder."""

import os
import secrets
from pathlib import Path

KEY_BYTES = 32
FILE = "keys/visit.key"


class VisitKeyError(Exception):
    """The file is there and is no key; the message is for the operator and holds nothing of it."""


def path_in(data_dir: Path) -> Path:
    return data_dir / FILE


def ensure(data_dir: Path) -> bytes:
    """Reads the key, or makes it, readable by its owner only. Of two processes that make it at once, one is first and both read
    that one. Raises VisitKeyError or OSError."""
    path = path_in(data_dir)
    if not path.exists():
        _make(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise VisitKeyError(
            f"{path} is not a key of {KEY_BYTES} bytes: move it away, and open visit codes are void"
        )
    return key


def _make(path: Path) -> None:
    """Whole or not at all: the name appears once the bytes are on the disk, and never replaces another's."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            return
    finally:
        fresh.unlink(missing_ok=True)
