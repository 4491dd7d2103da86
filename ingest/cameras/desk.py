"""What the cameras found becomes rows: in order, each with its evidence in one transaction, tried until it is in."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from farwatch.domain.finding import Finding, FindingEnded
from farwatch.storage import evidence
from farwatch.storage.database import DATA_ERRORS, PASSING_ERRORS, Connection, Pool, transaction
from farwatch.storage.evidence import Evidence
from farwatch.storage.findings import end_camera_findings, insert_findings
from ingest.cameras import metrics

log = logging.getLogger(__name__)

MOST_WAITING = 1000
"""Reports are a few hundred bytes each; this many is hours of a broken database in a busy city."""


@dataclass(frozen=True, slots=True)
class Found:
    finding: Finding
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class ClipStored:
    """`copy`: the pending row of one that browsers can play, where they cannot play the clip."""

    id: UUID
    sha256: str
    sm3: str
    size_bytes: int
    began_at: datetime
    meta: Mapping[str, object]
    copy: Evidence | None = None


@dataclass(frozen=True, slots=True)
class ClipLost:
    id: UUID
    reason: str


Report = Found | FindingEnded | ClipStored | ClipLost


class Desk:
    """A queue that refuses the newest when full: the earliest report of an event is the one that matters."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: asyncio.Queue[Report] = asyncio.Queue(MOST_WAITING)
        self._held: Report | None = None

    def submit(self, report: Report) -> None:
        if self._waiting.full():
            metrics.REFUSED_REPORTS.inc()
            log.error("the desk is full: %s refused", type(report).__name__)
            return
        self._waiting.put_nowait(report)

    @property
    def is_empty(self) -> bool:
        """Everything that was submitted is written."""
        return self._nothing_waits

    @property
    def is_refused(self) -> bool:
        """Whether the server that the bytes go to takes none of this worker's."""
        return False

    @property
    def _nothing_waits(self) -> bool:
        return self._held is None and self._waiting.empty()

    async def run(self) -> None:
        """Writes report after report; raises PASSING_ERRORS with the report still held for the next run."""
        while True:
            self._held = self._held or await self._waiting.get()
            await self._write_held()

    async def drain(self, timeout_s: float) -> None:
        """Writes what is left before the process ends, as far as time and database allow."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._nothing_waits:
                    self._held = self._held or self._waiting.get_nowait()
                    await self._write_held()
        except PASSING_ERRORS as error:
            log.warning("%d reports of cameras are not written: %s", self._waiting.qsize() + 1, error)

    async def _write_held(self) -> None:
        assert self._held is not None
        try:
            async with transaction(self._pool) as connection:
                await _write(connection, self._held)
        except DATA_ERRORS:
            metrics.REFUSED_REPORTS.inc()
            log.exception("a report that the database will never take")
        self._held = None


async def _write(connection: Connection, report: Report) -> None:
    match report:
        case Found(finding, pieces):
            await insert_findings(connection, [finding])
            for piece in pieces:
                await evidence.add(connection, piece)
        case FindingEnded():
            await end_camera_findings(connection, [report])
        case ClipStored(id_, sha256, sm3, size_bytes, began_at, meta, copy):
            is_new = await evidence.mark_stored(
                connection,
                id_,
                sha256=sha256,
                sm3=sm3,
                size_bytes=size_bytes,
                captured_at=began_at,
                meta=meta,
            )
            if is_new and copy is not None:
                await evidence.add(connection, copy)
        case ClipLost(id_, reason):
            await evidence.mark_lost(connection, id_, reason)
