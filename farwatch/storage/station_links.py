"""How each station was heard last over HJ 212, for the next start and for the people who look at the station."""

from collections.abc import Sequence

from farwatch.domain.device import StationLink, Way
from farwatch.storage.database import Connection, Pool


async def note(connection: Connection | Pool, links: Sequence[StationLink]) -> None:
    """One link a station; what is older than the row changes nothing, and stations that are unknown are left out."""
    await connection.execute(
        """INSERT INTO station_links AS l
           SELECT x.* FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
             AS x (mn, way, dialect, system, checksum, address, heard_at) JOIN stations USING (mn)
           ON CONFLICT (mn) DO UPDATE SET way = excluded.way, dialect = excluded.dialect, system = excluded.system,
             checksum = excluded.checksum, address = excluded.address, heard_at = excluded.heard_at
           WHERE l.heard_at <= excluded.heard_at""",
        [x.mn for x in links],
        [str(x.way) for x in links],
        [x.dialect for x in links],
        [x.system for x in links],
        [x.checksum for x in links],
        [x.address for x in links],
        [x.heard_at for x in links],
    )


async def load(connection: Connection | Pool) -> dict[str, StationLink]:
    """By MN."""
    rows = await connection.fetch(
        "SELECT mn, way, dialect, system, checksum, address, heard_at FROM station_links"
    )
    return {
        r["mn"]: StationLink(
            mn=r["mn"],
            way=Way(r["way"]),
            dialect=r["dialect"],
            system=r["system"],
            checksum=r["checksum"],
            address=r["address"],
            heard_at=r["heard_at"],
        )
        for r in rows
    }
