"""When each station was heard last, and which are known to be silent."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.storage.database import Connection

_ALL_HEARD = """
SELECT s.mn, heard.heard_at, f.silent_since, f.gateway_silent_since, f.gateway_returned_at
FROM stations s
JOIN (SELECT c.mn, max(l.received_at) AS heard_at FROM channels c JOIN latest_readings l ON l.channel_id = c.id GROUP BY c.mn)
  AS heard USING (mn)
LEFT JOIN (
  SELECT station AS mn, max(onset_at) FILTER (WHERE rule = $1 AND ended_at IS NULL) AS silent_since,
    max(onset_at) FILTER (WHERE rule = $2 AND ended_at IS NULL) AS gateway_silent_since,
    max(ended_at) FILTER (WHERE rule = $2) AS gateway_returned_at
  FROM findings WHERE rule IN ($1, $2) AND (ended_at IS NULL OR rule = $2) GROUP BY station
) AS f USING (mn)
WHERE s.active
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """`silent_since` is the onset of the station's open finding of that rule, None when there is none; the gateway's
    likewise, and when its last one ended."""

    mn: str
    heard_at: datetime
    silent_since: datetime | None
    gateway_silent_since: datetime | None
    gateway_returned_at: datetime | None


async def all_heard(connection: Connection, rule: str, gateway_rule: str) -> list[Heard]:
    """Every active station that was ever heard; a station that was never commissioned is not among them."""
    return [Heard(**row) for row in await connection.fetch(_ALL_HEARD, rule, gateway_rule)]
