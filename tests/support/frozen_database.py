"""A database that stops answering without closing anything."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.embedded.postgres import EmbeddedPostgres


def backends(server: EmbeddedPostgres) -> list[int]:
    """The postmaster first, then all its children."""
    assert server.pid
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [server.pid, *(int(pid) for pid in children)]


@contextmanager
def frozen(server: EmbeddedPostgres) -> Iterator[None]:
    stopped = backends(server)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)
