"""Channels as they are heard: those that nobody registered, and what each has said last."""

from collections.abc import Collection, Mapping
from datetime import datetime

from farwatch.domain.reading import ReadingKind
from farwatch.storage.database import Connection, Pool

Channel = tuple[str, str]
"""MN and code."""

MOST_HEARD_PER_STATION = 300
"""So that a broken device cannot make channels without end."""


async def heard_counts(connection: Connection | Pool) -> dict[str, int]:
    """How many channels of each station were only heard, never registered."""
    rows = await connection.fetch("SELECT mn, count(*) AS n FROM channels WHERE NOT registered GROUP BY mn")
    return {r["mn"]: r["n"] for r in rows}


async def note_heard(
    connection: Connection, units: Mapping[Channel, str], heard_at: datetime
) -> dict[Channel, int]:
    """Makes the channels that are not there, with their units, and gives the ids of all of them.

    One that the registry has withdrawn keeps its row and stays withdrawn: it is written to, and neither shown nor judged.
    """
    if not units:
        return {}
    wanted = sorted(units)
    mns, codes = [mn for mn, _ in wanted], [code for _, code in wanted]
    await connection.execute(
        "INSERT INTO channels (mn, code, unit, registered, first_heard_at)"
        " SELECT mn, code, unit, false, $4 FROM unnest($1::text[], $2::text[], $3::text[]) AS w (mn, code, unit)"
        " ON CONFLICT (mn, code) DO NOTHING",
        mns,
        codes,
        [units[channel] for channel in wanted],
        heard_at,
    )
    rows = await connection.fetch(
        "SELECT c.mn, c.code, c.id FROM channels c"
        " JOIN unnest($1::text[], $2::text[]) AS w (mn, code) ON w.mn = c.mn AND w.code = c.code",
        mns,
        codes,
    )
    return {(r["mn"], r["code"]): r["id"] for r in rows}


async def newest(
    connection: Connection, channels: Collection[tuple[int, ReadingKind]]
) -> dict[tuple[int, ReadingKind], datetime]:
    """The event time of the newest reading of each channel (by id) and kind that has any; never in the future."""
    if not channels:
        return {}
    rows = await connection.fetch(
        "SELECT channel_id, kind, ts FROM latest_readings"
        " JOIN unnest($1::int[], $2::text[]) AS w (channel_id, kind) USING (channel_id, kind)",
        [channel_id for channel_id, _ in channels],
        [str(kind) for _, kind in channels],
    )
    return {(r["channel_id"], ReadingKind(r["kind"])): r["ts"] for r in rows}
