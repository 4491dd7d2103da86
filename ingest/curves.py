"""The evidence of a monitor's finding: the readings around it, as they stood when they were written down."""

import asyncio
from datetime import timedelta
from uuid import UUID

import orjson

from farwatch.domain.reading import Reading, ReadingKind
from farwatch.runtime.clock import Clock
from farwatch.storage import evidence, readings
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool, Record, transaction

BEFORE = {
    "rtd": timedelta(minutes=30),
    "min": timedelta(hours=2),
    "hour": timedelta(days=2),
    "day": timedelta(days=30),
}
AFTER = {
    "rtd": timedelta(seconds=10),
    "min": timedelta(minutes=2),
    "hour": timedelta(seconds=3),
    "day": timedelta(seconds=3),
}
"""How much of the curve is kept before the onset, and how long is waited for what follows the finding."""

_DUE = """
SELECT e.id, f.id AS finding_id, f.rule, f.station, f.code, f.onset_at, f.found_at, f.reason_key, f.reason_params
FROM evidence e JOIN findings f ON f.id = e.finding_id
JOIN unnest($1::text[], $2::interval[]) AS w (rule, wait) ON w.rule = f.rule
WHERE e.state = 'pending' AND e.kind = 'readings' AND f.found_at < clock_timestamp() - w.wait
ORDER BY f.found_at LIMIT 50
"""
_WAITS = ([f"limit_{kind}" for kind in AFTER], list(AFTER.values()))


class Curves:
    """Stores pending curves; a crash leaves them pending, and the next round finds them."""

    def __init__(self, pool: Pool, blobs: BlobStore, clock: Clock) -> None:
        self._pool = pool
        self._blobs = blobs
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self.store_due()
            await asyncio.sleep(1.0)

    async def store_due(self) -> None:
        """One round."""
        for row in await self._pool.fetch(_DUE, *_WAITS):
            await self._store(row)

    async def _store(self, row: Record) -> None:
        kind = ReadingKind(row["rule"].removeprefix("limit_"))
        # What is found in a back-fill began long ago: no more of it is kept than before the onset.
        after = min(row["found_at"] - row["onset_at"], BEFORE[kind]) + AFTER[kind]
        around = await readings.around(
            self._pool, row["station"], row["code"], kind, row["onset_at"], BEFORE[kind], after
        )
        content = orjson.dumps(_document(row, kind, around), option=orjson.OPT_INDENT_2)
        sha256 = await asyncio.to_thread(self._blobs.put_bytes, content)
        async with transaction(self._pool) as connection:
            await evidence.mark_stored(
                connection, UUID(str(row["id"])), sha256=sha256, size_bytes=len(content),
                captured_at=row["found_at"], meta={"readings": len(around)},
            )  # fmt: skip


def _document(row: Record, kind: ReadingKind, around: list[Reading]) -> dict[str, object]:
    return {
        "finding": str(row["finding_id"]),
        "station": row["station"],
        "code": row["code"],
        "kind": kind,
        "onset_at": row["onset_at"],
        "found_at": row["found_at"],
        "reason": {"key": row["reason_key"], "params": row["reason_params"]},
        "readings": [
            {
                "ts": r.ts,
                "value": r.value,
                "converted": r.converted,
                "flag": r.flag,
                "received_at": r.received_at,
            }
            for r in around
        ],
    }
