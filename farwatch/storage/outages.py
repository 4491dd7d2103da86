"""Outages are rows: what was down from when to when. Time that a message spent waiting for us is not its sender's delay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.storage.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Outage:
    started_at: datetime
    ended_at: datetime


async def record_since_last_beat(connection: Connection, name: str, longer_than: timedelta) -> None:
    """When the service's last heartbeat is older than `longer_than`, that silence becomes an outage row that ends now."""
    await connection.execute(
        "INSERT INTO outages (what, started_at, ended_at) SELECT name, at, clock_timestamp() FROM heartbeats"
        " WHERE name = $1 AND clock_timestamp() - at > $2",
        name,
        longer_than,
    )


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
