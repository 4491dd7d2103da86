"""When each station was heard last, and which are known to be silent."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.storage.database import Connection

# Of a city where all speak nobody is fetched: thousands of rows each time would hold up the readings.
_IN_QUESTION = """
WITH voices AS (
  SELECT s.mn, s.enterprise, heard.heard_at, f.silent_since, f.gateway_silent_since, f.gateway_returned_at,
    CASE WHEN split_part(s.source, '/', 2) IN ('', '32', '128') THEN split_part(s.source, '/', 1) ELSE '' END AS address
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
), doubtful AS (
  SELECT enterprise, address FROM voices
  WHERE heard_at < $3 OR silent_since IS NOT NULL OR gateway_silent_since IS NOT NULL
)
SELECT mn, heard_at, silent_since, gateway_silent_since, gateway_returned_at FROM voices
WHERE enterprise IN (SELECT enterprise FROM doubtful) OR address IN (SELECT address FROM doubtful WHERE address <> '')
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


async def in_question(
    connection: Connection, rule: str, gateway_rule: str, heard_before: datetime
) -> list[Heard]:
    """Active stations that were heard once but not since `heard_before`, or are known to be silent, and all that share an
    enterprise or an address with one of them; a station that was never commissioned is not among them."""
    rows = await connection.fetch(_IN_QUESTION, rule, gateway_rule, heard_before)
    return [Heard(**row) for row in rows]
