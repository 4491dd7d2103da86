"""What stations were asked for again, hour by hour, so that nothing is asked twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.domain.reading import ReadingKind
from farwatch.storage.database import Connection

HEARD_WITHIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Hours that were asked for since, how many commands that took today, and whether the station speaks HJ 212 now."""

    hours: frozenset[tuple[ReadingKind, datetime]]
    commands_today: int
    is_reachable: bool


async def asked(connection: Connection, mn: str, since: datetime, now: datetime) -> Asked:
    rows = await connection.fetch(
        "SELECT kind, ts, asked_at, command FROM review_fetches WHERE mn = $1 AND ts >= $2", mn, since
    )
    heard_at = await connection.fetchval("SELECT heard_at FROM station_links WHERE mn = $1", mn)
    return Asked(
        hours=frozenset((ReadingKind(r["kind"]), r["ts"]) for r in rows),
        commands_today=len({r["command"] for r in rows if r["asked_at"] > now - timedelta(days=1)}),
        is_reachable=heard_at is not None and heard_at > now - HEARD_WITHIN,
    )


async def note(
    connection: Connection,
    mn: str,
    kind: ReadingKind,
    hours: Sequence[datetime],
    *,
    command: int,
    reason: str,
    now: datetime,
) -> None:
    await connection.execute(
        "INSERT INTO review_fetches (mn, kind, ts, asked_at, reason, command)"
        " SELECT $1, $2, ts, $4, $5, $6 FROM unnest($3::timestamptz[]) AS t (ts) ON CONFLICT DO NOTHING",
        mn, str(kind), list(hours), now, reason, command,
    )  # fmt: skip
