"""What the cameras of one process share."""

from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from farwatch.runtime.clock import Clock
from farwatch.storage.blobs import BlobStore
from ingest.cameras.desk import Desk
from ingest.cameras.faults import Faults
from ingest.rtsp.session import NOBODY_ASKS


@dataclass(frozen=True, slots=True)
class Workshop:
    """`threads` look at key frames, `bursts` at all frames of a camera, for which no other camera's key frame waits; `hands` do
    what waits for a disk; `serving` is entered while the loop works for this camera."""

    threads: Executor
    bursts: Executor
    hands: Executor
    blobs: BlobStore
    desk: Desk
    faults: Faults
    clock: Clock
    serving: AbstractContextManager[None] = NOBODY_ASKS
