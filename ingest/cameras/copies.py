"""Copies of clips that browsers cannot play: one at a time, in a child process, behind everything else a worker does.

The rows are the queue: the copy over which its maker was killed is made by the next. Whoever has the bytes may make it, for
cameras of all shares.
"""

import asyncio
import json
import logging
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from farwatch.runtime.processes import terminate
from farwatch.storage import evidence
from farwatch.storage.blobs import BlobStore, why_not_kept
from farwatch.storage.database import CONNECT_TIMEOUT_S, Connection, Pool
from farwatch.storage.evidence import DueCopy
from ingest.cameras import metrics

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
DEADLINE_S = 900.0
"""By the wall clock: a child that yields to everybody may wait long on a busy machine. Its CPU time has its own limit."""
TRIES_AFTER_S = (0.0, 5.0, 30.0, 120.0)
"""Pauses before each try: a machine without room for a child process may have it again in a while."""
MOST_SAID_BYTES = 1000
CODE = Path(__file__).parents[2]


class _HinderedError(Exception):
    """The machine let no child begin, or ended it: that tells nothing of the clip."""


@dataclass(frozen=True, slots=True)
class _Made:
    sha256: str
    sm3: str
    size_bytes: int
    meta: dict[str, object]


class Copyist:
    """`run` makes due copies until it is cancelled; raises PASSING_ERRORS of the database.

    While the disk has no room for clips no copies are made either: they wait.
    """

    def __init__(self, pool: Pool, blobs: BlobStore, deadline_s: float = DEADLINE_S) -> None:
        self._pool = pool
        self._blobs = blobs
        self._deadline_s = deadline_s

    async def run(self) -> NoReturn:
        while True:
            _, is_short = await asyncio.to_thread(self._blobs.room)
            if is_short or not await self.make_one():
                await asyncio.sleep(LOOK_EVERY_S)

    async def make_one(self) -> bool:
        """False when there is none to make."""
        async with self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
            due = await evidence.claim_copy(connection)
            if due is None:
                return False
            await _settle(connection, due, await self._make(due))
        return True

    async def _make(self, due: DueCopy) -> _Made | str:
        """The copy, or why there is none: `copy_failed`, `copy_too_slow`, or the disk's reason."""
        for pause_s in TRIES_AFTER_S:
            await asyncio.sleep(pause_s)
            try:
                return await self._try(due)
            except _HinderedError as hindered:
                log.warning("no copy of clip %s for now: %s", due.original, hindered)
        return "copy_failed"

    async def _try(self, due: DueCopy) -> _Made | str:
        try:
            with self._blobs.scratch(".mp4") as target:
                said = await self._child(self._blobs.path(due.sha256), target)
                if isinstance(said, str):
                    return said
                size_bytes = target.stat().st_size
                kept = await asyncio.to_thread(self._blobs.put_file, target)
                return _Made(kept.sha256, kept.sm3, size_bytes, said)
        except OSError as error:
            log.warning("the copy of clip %s could not be kept: %s", due.original, error)
            return why_not_kept(error)

    async def _child(self, source: Path, target: Path) -> dict[str, object] | str:
        """What the child says of its copy, or why there is none. Raises _HinderedError."""
        process = await _begin(source, target)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._deadline_s):
                said = await process.stdout.read(MOST_SAID_BYTES)
                await process.wait()
        except TimeoutError:
            return "copy_too_slow"
        finally:
            await terminate(process, grace_s=0)
        if process.returncode == -signal.SIGKILL:  # not by us, and its own limits end it in other ways
            raise _HinderedError("its maker was killed")
        if process.returncode != 0:
            log.warning("no copy of a clip: its maker ended with %s", process.returncode)
            return "copy_failed"
        return dict(json.loads(said))


async def _begin(source: Path, target: Path) -> asyncio.subprocess.Process:
    """The child gets nothing of our environment, and ends with us."""
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ingest.cameras.copying", str(source.absolute()), str(target.absolute()), cwd=CODE, env={},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        raise _HinderedError(f"its maker does not start: {error}") from error


async def _settle(connection: Connection, due: DueCopy, made: _Made | str) -> None:
    async with connection.transaction():
        if isinstance(made, str):
            metrics.EVIDENCE_LOST.labels(made).inc()
            await evidence.mark_lost(connection, due.id, made)
        else:
            await evidence.mark_stored(
                connection, due.id, sha256=made.sha256, sm3=made.sm3, size_bytes=made.size_bytes,
                captured_at=due.captured_at, meta=made.meta,
            )  # fmt: skip
