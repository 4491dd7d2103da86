"""The desk of a share on another machine: a row promises, the bytes go to the server, then the row says `stored`.

A finding never waits for its pictures to be sent, and no thread that decodes waits for the network.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from farwatch.runtime.clock import Clock
from farwatch.storage.blobs import CHUNK_BYTES, BlobStore
from farwatch.storage.database import Pool
from farwatch.storage.evidence import Evidence, EvidenceState
from ingest.cameras import metrics
from ingest.cameras.desk import ClipLost, ClipStored, Desk, Found, Report
from ingest.cameras.server_line import SENDING_ERRORS, RefusedError, ServerLine
from ingest.cameras.standing import Standing

log = logging.getLogger(__name__)

MOST_UNSENT = 500
AT_ONCE = 2
SEND_WITHIN_S = 60.0
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 5.0


class SendingDesk(Desk):
    """What cannot be sent within SEND_WITHIN_S is lost as `upload_failed`, and so is the newest when MOST_UNSENT wait.

    `blobs` hold the bytes until they are sent, and no longer.
    """

    def __init__(
        self, pool: Pool, blobs: BlobStore, line: Callable[[], ServerLine], standing: Standing, clock: Clock
    ) -> None:
        super().__init__(pool)
        self._standing = standing
        self._blobs = blobs
        self._line = line
        self._clock = clock
        self._unsent: asyncio.Queue[_Unsent] = asyncio.Queue()
        self._bytes_wanted: Counter[str] = Counter()

    def submit(self, report: Report) -> None:
        match report:
            case Found(finding, pieces):
                super().submit(Found(finding, tuple(_promised(piece) for piece in pieces)))
                for piece in pieces:
                    if piece.state is EvidenceState.STORED:
                        self._send(_stored(piece))
            case ClipStored():
                self._send(report)
            case _:
                super().submit(report)

    @property
    def is_empty(self) -> bool:
        return self._nothing_waits and not self._bytes_wanted

    @property
    def is_refused(self) -> bool:
        return self._standing.is_refused

    async def send(self) -> NoReturn:
        """Sends until it is cancelled, the oldest first, some at once."""
        async with asyncio.TaskGroup() as group:
            for n in range(AT_ONCE):
                group.create_task(self._carry(), name=f"send {n}")
        raise AssertionError("the carriers do not end")

    async def drain(self, timeout_s: float) -> None:
        """What is not sent before the process ends is given up by the next one."""
        began_s = self._clock.monotonic()
        try:
            async with asyncio.timeout(timeout_s / 2), asyncio.TaskGroup() as group:
                carriers = [group.create_task(self._carry()) for _ in range(AT_ONCE)]
                await self._unsent.join()
                for carrier in carriers:
                    carrier.cancel()
        except TimeoutError:
            log.warning("%d pieces of evidence are not sent", self._bytes_wanted.total())
        await super().drain(timeout_s - (self._clock.monotonic() - began_s))

    def _send(self, piece: ClipStored) -> None:
        if self._bytes_wanted.total() >= MOST_UNSENT:
            self._lose(piece, "upload_failed")
            return
        self._bytes_wanted[piece.sha256] += 1
        self._unsent.put_nowait(_Unsent(piece, self._clock.monotonic() + SEND_WITHIN_S))

    def _lose(self, piece: ClipStored, reason: str) -> None:
        metrics.EVIDENCE_LOST.labels(reason).inc()
        super().submit(ClipLost(piece.id, reason))

    async def _carry(self) -> NoReturn:
        line = self._line()
        try:
            while True:
                unsent = await self._unsent.get()
                try:
                    await self._deliver(line, unsent)
                finally:
                    self._unsent.task_done()
        finally:
            line.close()

    async def _deliver(self, line: ServerLine, unsent: "_Unsent") -> None:
        try:
            reason = await self._sent(line, unsent)
        except asyncio.CancelledError:
            self._unsent.put_nowait(unsent)  # `drain` may have time for it
            raise
        self._settle(unsent.piece, reason)
        await self._forget(unsent.piece.sha256)

    def _settle(self, piece: ClipStored, reason: str | None) -> None:
        if reason is None:
            super().submit(piece)
        else:
            self._lose(piece, reason)

    async def _forget(self, sha256: str) -> None:
        self._bytes_wanted[sha256] -= 1
        if self._bytes_wanted[sha256] == 0:
            del self._bytes_wanted[sha256]
            try:
                await asyncio.to_thread(self._blobs.remove, sha256, older_than=self._clock.now())
            except OSError as error:
                log.warning("bytes that were sent cannot be removed: %s", error)

    async def _sent(self, line: ServerLine, unsent: "_Unsent") -> str | None:
        """None when the server has the bytes, else why they are lost."""
        piece, delay_s = unsent.piece, FIRST_RETRY_S
        while True:
            chunks = _Chunks(self._blobs.path(piece.sha256), unsent.until_s, self._clock)
            try:
                await asyncio.to_thread(line.put_evidence, piece.sha256, chunks, piece.size_bytes)
            except RefusedError as refused:
                self._standing.refused("evidence", refused)
                if not refused.is_passing:
                    return refused.key if refused.status == 507 else "upload_failed"
            except FileNotFoundError:
                log.exception("evidence is gone before it was sent")
                return "upload_failed"
            except SENDING_ERRORS as error:
                log.warning("evidence cannot be sent: %s: %s", type(error).__name__, error)
            else:
                self._standing.taken()
                return None
            if self._clock.monotonic() + delay_s > unsent.until_s:
                return "upload_failed"
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, LONGEST_RETRY_S)


@dataclass(frozen=True, slots=True)
class _Chunks:
    """Of a file, as often as they are asked for. Raises TimeoutError past `until_s`."""

    path: Path
    until_s: float
    clock: Clock

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                if self.clock.monotonic() > self.until_s:
                    raise TimeoutError("the server takes too long")
                yield chunk


@dataclass(frozen=True, slots=True)
class _Unsent:
    """`until_s` by the monotonic clock: later it is lost."""

    piece: ClipStored
    until_s: float


def _promised(piece: Evidence) -> Evidence:
    if piece.state is not EvidenceState.STORED:
        return piece
    return replace(piece, state=EvidenceState.PENDING, sha256=None, sm3=None, size_bytes=None)


def _stored(piece: Evidence) -> ClipStored:
    assert piece.sha256 is not None
    assert piece.sm3 is not None
    assert piece.size_bytes is not None
    assert piece.captured_at is not None
    return ClipStored(piece.id, piece.sha256, piece.sm3, piece.size_bytes, piece.captured_at, piece.meta)
