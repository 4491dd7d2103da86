"""When each station was heard last, and which are known to be silent."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Heard:
    """`silent_since` is the onset of the station's open finding of that rule, None when there is none."""

    mn: str
    heard_at: datetime
    silent_since: datetime | None


async def all_heard(connection: Connection, rule: str) -> list[Heard]:
    """Every active station that was ever heard; a station that was never commissioned is not among them."""
    rows = await connection.fetch(
        "SELECT s.mn, max(l.received_at) AS heard_at, max(f.onset_at) AS silent_since FROM stations s"
        " JOIN channels c USING (mn) JOIN latest_readings l ON l.channel_id = c.id"
        " LEFT JOIN findings f ON f.station = s.mn AND f.rule = $1 AND f.ended_at IS NULL"
        " WHERE s.active GROUP BY s.mn",
        rule,
    )
    return [Heard(r["mn"], r["heard_at"], r["silent_since"]) for r in rows]
