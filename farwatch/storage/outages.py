"""Outages are rows: what was down from when to when. Time that a message spent waiting for us is not its sender's delay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.storage.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Outage:
    started_at: datetime
    ended_at: datetime


_RECORD = """
WITH silence AS (SELECT name, at FROM heartbeats WHERE name = $1 AND clock_timestamp() - at > $2), longer AS (
  UPDATE outages o SET ended_at = clock_timestamp() FROM silence s
  WHERE o.what = s.name AND o.ended_at BETWEEN s.at - interval '1 s' AND s.at RETURNING o.id
)
INSERT INTO outages (what, started_at, ended_at)
SELECT name, at, clock_timestamp() FROM silence WHERE NOT EXISTS (SELECT FROM longer)
"""


async def record_since_last_beat(connection: Connection, name: str, longer_than: timedelta) -> None:
    """When the service's last heartbeat is older than `longer_than`, that silence becomes an outage row that ends now. One
    that began where another ended is its going on: a way in that still works looks again and again."""
    await connection.execute(_RECORD, name, longer_than)


async def of(connection: Connection | Pool, name: str, since: datetime) -> list[Outage]:
    rows = await connection.fetch(
        "SELECT started_at, ended_at FROM outages WHERE what = $1 AND ended_at >= $2 ORDER BY started_at",
        name,
        since,
    )
    return [Outage(r["started_at"], r["ended_at"]) for r in rows]


def overlap(outages: Sequence[Outage], start: datetime, end: datetime) -> timedelta:
    """How much of [start, end] lies in the outages, which do not overlap each other."""
    total = timedelta(0)
    for o in outages:
        total += max(timedelta(0), min(end, o.ended_at) - max(start, o.started_at))
    return total
