"""What the cameras of one process share."""

from concurrent.futures import Executor
from dataclasses import dataclass

from farwatch.runtime.clock import Clock
from farwatch.storage.blobs import BlobStore
from ingest.cameras.desk import Desk
from ingest.cameras.faults import Faults


@dataclass(frozen=True, slots=True)
class Workshop:
    """`hands` do what waits for a disk, which must not keep `threads` from looking."""

    threads: Executor
    hands: Executor
    blobs: BlobStore
    desk: Desk
    faults: Faults
    clock: Clock
