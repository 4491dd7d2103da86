"""The clips of one camera: collected while its frames come, cut when their end has come."""

import asyncio
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from farwatch.domain.finding import Finding
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState, evidence_id
from ingest.cameras import metrics
from ingest.cameras.clips import MEDIA_TYPE, keep
from ingest.cameras.desk import ClipLost, ClipStored
from ingest.cameras.recording import MOST_AT_ONCE, Recording, begin
from ingest.cameras.ring import Ring
from ingest.cameras.workshop import Workshop
from ingest.rtsp.frames import CodedFrame, StreamDescription


class Filming:
    """`run` cuts what is done for as long as it runs, apart from reading and looking; `end` cuts what there is."""

    def __init__(self, camera: str, workshop: Workshop) -> None:
        self._camera = camera
        self._workshop = workshop
        self._recordings: list[Recording] = []
        self._news = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return len(self._recordings) >= MOST_AT_ONCE

    @property
    def is_filming(self) -> bool:
        return bool(self._recordings)

    def begin(
        self,
        ring: Ring,
        description: StreamDescription,
        finding: Finding,
        found_at: datetime,
        short: str | None,
    ) -> None:
        """`short`: why nothing comes after what the ring holds."""
        clip_id = evidence_id(finding.id, EvidenceKind.CLIP)
        recording = begin(ring, description, clip_id=clip_id, finding=finding, found_at=found_at)
        if short is not None:
            recording.stop(short)
        self._recordings.append(recording)
        self._tell()

    def take(self, frame: CodedFrame) -> None:
        for recording in self._recordings:
            recording.add(frame)
        self._tell()

    def finding_ended(self, finding: UUID) -> None:
        for recording in self._recordings:
            if recording.finding_id == finding:
                recording.stop()
        self._tell()

    def stop(self, short: str) -> None:
        """No more frames come for what is being collected."""
        for recording in self._recordings:
            recording.stop(short)
        self._tell()

    async def run(self) -> NoReturn:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._cut_what_is_done()

    async def end(self, short: str) -> None:
        self.stop(short)
        await self._cut_what_is_done()

    def _tell(self) -> None:
        if any(recording.is_done for recording in self._recordings):
            self._news.set()

    async def _cut_what_is_done(self) -> None:
        for recording in [recording for recording in self._recordings if recording.is_done]:
            # One whose cutting is cancelled is cut again at the end.
            self._workshop.desk.submit(await self._cut(recording))
            self._recordings.remove(recording)

    async def _cut(self, recording: Recording) -> ClipStored | ClipLost:
        footage = recording.footage
        if footage is None:
            return ClipLost(recording.clip_id, recording.short or "no_frames")
        kept = await asyncio.get_running_loop().run_in_executor(
            self._workshop.hands, keep, footage, self._workshop.blobs
        )
        if isinstance(kept, str):
            metrics.EVIDENCE_LOST.labels(kept).inc()
            return ClipLost(recording.clip_id, kept)
        copy = Evidence(
            id=evidence_id(recording.finding_id, EvidenceKind.CLIP_COPY), kind=EvidenceKind.CLIP_COPY,
            state=EvidenceState.PENDING, media_type=MEDIA_TYPE, finding_id=recording.finding_id,
            derived_from=recording.clip_id, camera=self._camera, captured_at=kept.began_at,
        )  # fmt: skip
        return ClipStored(
            recording.clip_id, kept.sha256, kept.sm3, kept.size_bytes, kept.began_at, kept.meta,
            copy if kept.needs_copy else None,
        )  # fmt: skip
