"""Jobs beside the clocks that failed for reasons that nobody foresaw, by PostgreSQL's clock."""

from farwatch.storage.database import Connection, Pool

STEADY_AFTER_S = 60.0
"""A job that has run for so long since it was begun again is well."""


async def note(connection: Connection | Pool, job: str, error: str, *, again_in_s: float) -> None:
    await connection.execute(
        "INSERT INTO job_failures VALUES ($1, clock_timestamp(), clock_timestamp() + make_interval(secs => $3), $2)"
        " ON CONFLICT (job) DO UPDATE SET failed_at = excluded.failed_at, again_at = excluded.again_at, error = excluded.error",
        job,
        error,
        again_in_s,
    )


async def failing(connection: Connection | Pool) -> list[str]:
    """The jobs that wait to be begun again, or have just been."""
    rows = await connection.fetch(
        "SELECT job FROM job_failures WHERE again_at > clock_timestamp() - make_interval(secs => $1) ORDER BY job",
        STEADY_AFTER_S,
    )
    return [row["job"] for row in rows]
