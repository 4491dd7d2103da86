"""Where a worker's evidence goes: into the store of this machine, or to the server of another."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from farwatch.runtime.clock import Clock
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool
from ingest.cameras.copies import Copyist
from ingest.cameras.desk import Desk
from ingest.cameras.sending import SendingDesk
from ingest.cameras.server_line import ServerAddress, ServerLine
from ingest.cameras.showing import show
from ingest.cameras.standing import Standing

UNFINISHED_FILE_AGE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Place:
    """`services` are to run beside the watching; their errors are PASSING_ERRORS of the database, which hold OSError."""

    blobs: BlobStore
    desk: Desk
    services: tuple[tuple[str, Callable[[], Awaitable[None]]], ...]


def here(pool: Pool, blobs: BlobStore, clock: Clock) -> Place:
    """Bytes stay where they are made; copies for browsers are made beside them. Blocks for a moment."""
    blobs.sweep(clock.now() - UNFINISHED_FILE_AGE)
    return Place(blobs, Desk(pool), (("cameras' copies", Copyist(pool, blobs).run),))


def away(
    pool: Pool,
    data_dir: Path,
    server: ServerAddress,
    cameras: Callable[[], Collection[str]],
    clock: Clock,
) -> Place:
    """Bytes wait in `data_dir/outgoing` until they are sent. `cameras` are those that are watched now. Blocks for a moment."""
    blobs = BlobStore(data_dir / "outgoing")
    old = clock.now() - UNFINISHED_FILE_AGE
    blobs.sweep(old)
    for sha256 in blobs.all():  # of a worker that was killed: its rows are given up
        blobs.remove(sha256, older_than=old)

    def line() -> ServerLine:
        return ServerLine(server)

    standing = Standing()
    desk = SendingDesk(pool, blobs, line, standing, clock)
    return Place(
        blobs,
        desk,
        (
            ("cameras' evidence", desk.send),
            ("cameras' pictures", lambda: show(data_dir, cameras, line, standing)),
        ),
    )
