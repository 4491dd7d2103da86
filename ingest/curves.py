"""The evidence of a monitor's finding: the readings around it, as they stood when they were written down."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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

LONG_DATA = timedelta(hours=8)
"""What is wrong with data for longer is seen by hours."""

_DUE = """
SELECT e.id, f.id AS finding_id, f.rule, f.station, f.code, f.onset_at, f.found_at, f.reason_key, f.reason_params
FROM evidence e JOIN findings f ON f.id = e.finding_id LEFT JOIN unnest($1::text[], $2::interval[]) AS w (rule, wait) USING (rule)
WHERE e.state = 'pending' AND e.kind = 'readings' AND f.code IS NOT NULL
  AND (f.found_at < clock_timestamp() - w.wait OR starts_with(f.rule, 'data_'))
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
        curve = await self._curve(row)
        content = orjson.dumps(_document(row, curve), option=orjson.OPT_INDENT_2)
        kept = await asyncio.to_thread(self._blobs.put_bytes, content)
        async with transaction(self._pool) as connection:
            await evidence.mark_stored(
                connection, UUID(str(row["id"])), sha256=kept.sha256, sm3=kept.sm3, size_bytes=len(content),
                captured_at=row["found_at"], meta={"readings": len(curve.readings)},
            )  # fmt: skip

    async def _curve(self, row: Record) -> "_Curve":
        """The finding's own channel, and the one that contradicts it where its reason names one (`other`)."""
        for kind in _kinds(row):
            span = _span(row, kind)
            around = await readings.around(self._pool, row["station"], row["code"], kind, *span)
            if around:
                break
        params = row["reason_params"]
        other_station, other = params.get("other_station") or row["station"], params.get("other")
        if not other:
            return _Curve(kind, around)
        beside = await readings.around(self._pool, other_station, other, kind, *span)
        return _Curve(kind, around, other_station, other, beside)


@dataclass(frozen=True, slots=True)
class _Curve:
    kind: ReadingKind
    readings: list[Reading]
    other_station: str = ""
    other: str = ""
    beside: list[Reading] = field(default_factory=list)


def _kinds(row: Record) -> tuple[ReadingKind, ...]:
    """The kind that the rule judged; of data that lies or fails the first that there is."""
    if not row["rule"].startswith("data_"):
        return (ReadingKind(row["rule"].removeprefix("limit_")),)
    if row["found_at"] - row["onset_at"] > LONG_DATA:
        return ReadingKind.HOUR, ReadingKind.MIN, ReadingKind.RTD
    return ReadingKind.MIN, ReadingKind.HOUR, ReadingKind.RTD


def _span(row: Record, kind: ReadingKind) -> tuple[datetime, timedelta, timedelta]:
    """Around which time, and how much before and after it. What is found in a back-fill began long ago: not all of what
    followed is kept. What somebody did to a reading is shown around that reading (`at` of the reason)."""
    is_data = row["rule"].startswith("data_")
    told = row["reason_params"].get("at") if is_data else None
    at = datetime.fromisoformat(told) if told else row["onset_at"]
    longest = max(BEFORE[kind], LONG_DATA) if is_data else BEFORE[kind]
    return at, BEFORE[kind], min(row["found_at"] - at, longest) + AFTER[kind]


def _document(row: Record, curve: _Curve) -> dict[str, object]:
    document = {
        "finding": str(row["finding_id"]),
        "station": row["station"],
        "code": row["code"],
        "kind": curve.kind,
        "onset_at": row["onset_at"],
        "found_at": row["found_at"],
        "reason": {"key": row["reason_key"], "params": row["reason_params"]},
        "readings": _rows(curve.readings),
    }
    if curve.other:
        document["beside"] = {
            "station": curve.other_station,
            "code": curve.other,
            "readings": _rows(curve.beside),
        }
    return document


def _rows(around: list[Reading]) -> list[dict[str, object]]:
    return [
        {
            "ts": r.ts,
            "value": r.value,
            "converted": r.converted,
            "flag": r.flag,
            "received_at": r.received_at,
        }
        for r in around
    ]
