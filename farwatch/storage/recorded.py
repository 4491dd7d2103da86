"""What was recorded, for judging it again: readings in the order in which they came, findings as they were found."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from farwatch.domain.finding import Param
from farwatch.domain.judging import OpenOnsets
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.storage.database import Connection

SORTED_WITHIN_S = 1800.0
"""A day of a large city is some hundred million rows to put in order."""

_COLUMNS = (
    "channel_id, kind, ts, value, converted, minimum, maximum, amount, flag, received_at, late, revision"
)
_WANTED = "kind = ANY($1) AND ts >= $2 AND ts < $3"
_BATCHES = f"""
SELECT c.mn, c.code, r.* FROM (
  SELECT {_COLUMNS} FROM readings WHERE {_WANTED} UNION ALL SELECT {_COLUMNS} FROM reading_revisions WHERE {_WANTED}
) AS r JOIN channels c ON c.id = r.channel_id JOIN stations s ON s.mn = c.mn
WHERE c.active AND s.active AND ($4::text IS NULL OR c.mn = $4) ORDER BY r.received_at, r.ts, r.channel_id, r.revision
"""


async def batches(
    connection: Connection, kinds: tuple[ReadingKind, ...], since: datetime, until: datetime, mn: str | None
) -> AsyncIterator[list[Reading]]:
    """Every content of every reading with an event time in [since, until), as it was taken: what was received at the same
    moment was one batch. In the caller's transaction, a few rows at a time."""
    batch: list[Reading] = []
    async for r in connection.cursor(
        _BATCHES, [str(kind) for kind in kinds], since, until, mn, prefetch=2000, timeout=SORTED_WITHIN_S
    ):
        if batch and batch[-1].received_at != r["received_at"]:
            yield batch
            batch = []
        batch.append(
            Reading(
                mn=r["mn"], code=r["code"], kind=ReadingKind(r["kind"]), ts=r["ts"], value=r["value"],
                received_at=r["received_at"], converted=r["converted"], minimum=r["minimum"], maximum=r["maximum"],
                amount=r["amount"], flag=r["flag"], late=r["late"],
            )
        )  # fmt: skip
    if batch:
        yield batch


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFinding:
    """A row of findings, as far as a replay compares it."""

    id: UUID
    rule: str
    tier: str
    station: str
    code: str | None
    onset_at: datetime
    ended_at: datetime | None
    late: bool
    severity: int
    reason_key: str
    reason_params: Mapping[str, Param]


_FINDINGS = """
SELECT id, rule, tier, station, code, onset_at, ended_at, late, severity, reason_key, reason_params FROM findings
WHERE station IS NOT NULL AND (starts_with(rule, 'limit_') OR starts_with(rule, 'data_')) AND ($1::text IS NULL OR station = $1)
"""


async def findings_between(
    connection: Connection, since: datetime, until: datetime, mn: str | None
) -> list[RecordedFinding]:
    """Of the rules about values, with onsets in [since, until)."""
    rows = await connection.fetch(
        f"{_FINDINGS} AND onset_at >= $2 AND onset_at < $3 ORDER BY onset_at, id", mn, since, until
    )
    return [RecordedFinding(**r) for r in rows]


async def findings_standing(connection: Connection, at: datetime, mn: str | None) -> list[RecordedFinding]:
    """Of the rules about values: begun before `at`, not ended before it."""
    rows = await connection.fetch(
        f"{_FINDINGS} AND onset_at < $2 AND (ended_at IS NULL OR ended_at > $2) ORDER BY onset_at, id", mn, at
    )
    return [RecordedFinding(**r) for r in rows]


def onsets_of(standing: list[RecordedFinding]) -> OpenOnsets:
    return {(f.rule, f.tier, f.station, f.code or "", f.late): f.onset_at for f in standing}
