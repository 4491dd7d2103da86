"""Up to which time a job over the whole city has looked."""

from datetime import datetime

from farwatch.storage.database import Connection, Pool


async def get(connection: Connection | Pool, job: str) -> datetime | None:
    """None: never."""
    at: datetime | None = await connection.fetchval("SELECT at FROM job_cursors WHERE job = $1", job)
    return at


async def put(connection: Connection, job: str, at: datetime) -> None:
    await connection.execute(
        "INSERT INTO job_cursors VALUES ($1, $2) ON CONFLICT (job) DO UPDATE SET at = excluded.at", job, at
    )
