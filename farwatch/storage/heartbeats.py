"""What each service last did, by PostgreSQL's clock."""

from datetime import datetime

from farwatch.domain.share import Share
from farwatch.storage.database import Connection, Pool


async def beat(connection: Connection | Pool, name: str) -> None:
    await connection.execute(
        "INSERT INTO heartbeats VALUES ($1, clock_timestamp()) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
        name,
    )


async def beat_share(connection: Connection | Pool, share: Share) -> None:
    """Of a share of the cameras, whose worker may be on another machine."""
    await connection.execute("SELECT camera_heartbeat($1)", str(share))


async def ages_s(connection: Connection | Pool) -> dict[str, float]:
    """Seconds since each service's last beat."""
    rows = await connection.fetch(
        "SELECT name, extract(epoch FROM clock_timestamp() - at)::float8 AS age FROM heartbeats"
    )
    return {r["name"]: r["age"] for r in rows}


async def database_now(connection: Connection | Pool) -> datetime:
    """PostgreSQL's clock: the one by which all clocks of a task run."""
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return now
