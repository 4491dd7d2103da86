"""A real case in the database: a finding with its pictures and clip, deeds and a photo, its events numbered and sealed."""

import random
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerting.sealing import sealing
from farwatch.domain.finding import Finding
from farwatch.domain.place import Position
from farwatch.storage import evidence
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Connection, Pool, transaction
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState, evidence_id
from farwatch.storage.heartbeats import database_now
from farwatch.storage.sequencer import sequence_once
from tests.support.alerting import WORKS, NoLease, World, at, smoke

FENCE = NoLease()


def some_bytes(seed: str, count: int = 4000) -> bytes:
    return random.Random(seed).randbytes(count)


@dataclass
class RealCase:
    pool: Pool
    data_dir: Path
    finding: Finding = field(default_factory=smoke)

    def __post_init__(self) -> None:
        self.world = World(self.pool)
        (self.data_dir / "evidence").mkdir(parents=True, exist_ok=True)
        self.blobs = BlobStore(self.data_dir / "evidence")

    async def happen(self) -> None:
        """From the smoke to the closed case, its offer accepted by two taps; an hour and a half ago, and sealed. The still
        comes before anybody has a task."""
        await self.world.found(self.finding)
        await self.store(EvidenceKind.STILL, "image/jpeg")
        await self.world.settle()
        await self.store(EvidenceKind.CLIP, "video/mp4", count=12_000)
        await self.store(
            EvidenceKind.CLIP_COPY, "video/mp4", derived_from=evidence_id(self.finding.id, EvidenceKind.CLIP)
        )
        for s, deed in ((60, "accept"), (61, "accept"), (300, "arrive"), (900, "handle")):
            self.world.s = s
            note = "烟囱已关" if deed == "handle" else ""
            place = Position(WORKS.lat, WORKS.lon, 8.0) if deed == "arrive" else None
            await self.world.act("near", deed, note=note, position=place)
        await self.store(EvidenceKind.PHOTO, "image/jpeg", id=uuid.UUID(int=9), finding_id=None, task_id=1)
        for s, deed in ((1800, "verify"), (1860, "close")):
            self.world.s = s
            await self.world.act("centre", deed)
        await self.number(hours_ago=1.5)
        assert await self.seal()

    async def store(self, kind: EvidenceKind, media_type: str, *, count: int = 4000, **columns: Any) -> None:
        content = some_bytes(kind, count)
        digests = self.blobs.put_bytes(content)
        values = {
            "id": evidence_id(self.finding.id, kind), "finding_id": self.finding.id, "kind": kind,
            "state": EvidenceState.STORED, "media_type": media_type, "sha256": digests.sha256, "sm3": digests.sm3,
            "size_bytes": count, "captured_at": at(0), "meta": {"clock_offset_s": 0.2},
        }  # fmt: skip
        async with transaction(self.pool) as connection:
            await evidence.add(connection, Evidence(**{**values, **columns}))

    async def number(self, *, hours_ago: float = 0.0) -> None:
        """What waits goes into the log, as if it had been so long ago."""
        await self.pool.execute(
            "UPDATE event_queue SET at = clock_timestamp() - $1::interval", timedelta(hours=hours_ago)
        )
        while await sequence_once(self.pool, FENCE):
            pass

    async def seal(self, *, in_hours: float = 0.0) -> bool:
        async def now(connection: Connection) -> datetime:
            return await database_now(connection) + timedelta(hours=in_hours)

        key = await sealing.open_key(self.pool, FENCE, self.data_dir)
        return await sealing.seal_once(self.pool, FENCE, key, now) is not None
