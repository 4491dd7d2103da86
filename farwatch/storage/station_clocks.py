"""How far each station's clock was from ours when it was measured last."""

from collections.abc import Mapping

from farwatch.domain.reading import ClockOffset
from farwatch.storage.database import Connection, Pool


async def save(connection: Connection, offsets: Mapping[str, ClockOffset]) -> None:
    """One row a station, in the caller's transaction."""
    if not offsets:
        return
    rows = sorted(offsets.items())
    await connection.execute(
        "INSERT INTO station_clocks AS c (mn, offset_s, spread_s, measured_at)"
        " SELECT * FROM unnest($1::text[], $2::float8[], $3::float8[], $4::timestamptz[])"
        " ON CONFLICT (mn) DO UPDATE SET offset_s = excluded.offset_s, spread_s = excluded.spread_s,"
        " measured_at = excluded.measured_at",
        [mn for mn, _ in rows],
        [offset.offset_s for _, offset in rows],
        [offset.spread_s for _, offset in rows],
        [offset.measured_at for _, offset in rows],
    )


async def load(connection: Connection | Pool) -> dict[str, ClockOffset]:
    """By MN."""
    rows = await connection.fetch("SELECT mn, offset_s, spread_s, measured_at FROM station_clocks")
    return {r["mn"]: ClockOffset(r["offset_s"], r["spread_s"], r["measured_at"]) for r in rows}
