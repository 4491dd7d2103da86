"""The latest position of each officer, as his own page reported it. There are no tracks."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.place import Position
from farwatch.storage.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class OfficerPosition:
    """`claimed_at` is the phone's own time; `received_at` the database's, and the one that ages are measured from."""

    officer: str
    place: Position
    claimed_at: datetime
    received_at: datetime


async def put(connection: Connection | Pool, officer: str, place: Position, claimed_at: datetime) -> None:
    await connection.execute(
        "INSERT INTO officer_positions (officer, lat, lon, accuracy_m, claimed_at, received_at)"
        " VALUES ($1, $2, $3, $4, $5, clock_timestamp()) ON CONFLICT (officer) DO UPDATE SET lat = excluded.lat,"
        " lon = excluded.lon, accuracy_m = excluded.accuracy_m, claimed_at = excluded.claimed_at,"
        " received_at = excluded.received_at",
        officer,
        place.lat,
        place.lon,
        place.accuracy_m,
        claimed_at,
    )


async def latest(connection: Connection | Pool) -> dict[str, OfficerPosition]:
    """By officer, however old."""
    rows = await connection.fetch(
        "SELECT officer, lat, lon, accuracy_m, claimed_at, received_at FROM officer_positions"
    )
    return {
        r["officer"]: OfficerPosition(
            r["officer"], Position(r["lat"], r["lon"], r["accuracy_m"]), r["claimed_at"], r["received_at"]
        )
        for r in rows
    }
