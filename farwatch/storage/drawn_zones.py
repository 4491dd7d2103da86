"""Which cameras have zones that were drawn in the console, so that an import of files does not wipe them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from farwatch.storage.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Drawn:
    by: str
    at: datetime


async def fetch(connection: Connection | Pool) -> dict[str, Drawn]:
    """By camera, who drew its zones last; a camera may have been drawn empty."""
    rows = await connection.fetch("SELECT camera, drawn_by, drawn_at FROM drawn_zones")
    return {r["camera"]: Drawn(r["drawn_by"], r["drawn_at"]) for r in rows}


async def of(connection: Connection | Pool, camera: str) -> Drawn | None:
    row = await connection.fetchrow("SELECT drawn_by, drawn_at FROM drawn_zones WHERE camera = $1", camera)
    return Drawn(row["drawn_by"], row["drawn_at"]) if row else None


async def note(connection: Connection, camera: str, *, by: str, at: datetime) -> None:
    await connection.execute(
        "INSERT INTO drawn_zones VALUES ($1, $2, $3)"
        " ON CONFLICT (camera) DO UPDATE SET drawn_by = excluded.drawn_by, drawn_at = excluded.drawn_at",
        camera, by, at,
    )  # fmt: skip


async def forget(connection: Connection, cameras: Sequence[str]) -> None:
    """From now on the files say what the zones of these are."""
    await connection.execute("DELETE FROM drawn_zones WHERE camera = ANY($1)", list(cameras))
