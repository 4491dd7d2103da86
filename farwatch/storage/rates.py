"""Transmission and validity counted from the reviews of hours. Drills never count."""

from datetime import datetime

from farwatch.domain.rates import Rates
from farwatch.storage.database import Pool

# Of each registered channel with a limit: the hours since that limit is in force, and what the reviews say of them.
_HOURS = """
WITH watched AS (
  SELECT c.id, c.mn, c.code, greatest($1, min(l.valid_from)) AS since
  FROM channels c JOIN stations s USING (mn) JOIN limits l ON l.channel_id = c.id
  WHERE c.active AND c.registered AND s.active AND NOT s.drill AND (l.limit_value IS NOT NULL OR l.lower_value IS NOT NULL)
    AND l.valid_from < $2 AND (l.valid_to IS NULL OR l.valid_to > $1)
  GROUP BY c.id, c.mn, c.code
), judged AS (
  SELECT w.id, count(*) FILTER (WHERE r.received > 0 OR r.device_value IS NOT NULL) AS sent,
    count(*) FILTER (WHERE r.verdict = ANY($3)) AS valid,
    count(*) FILTER (WHERE r.verdict <> ALL($3) AND (r.device_flag = 'F' OR EXISTS (
      SELECT FROM marks m WHERE m.mn = w.mn AND m.label = 'stopped' AND m.withdrawn_at IS NULL
        AND (m.code IS NULL OR m.code = w.code) AND m.from_at <= r.ts AND m.to_at >= r.ts + interval '1 hour'))) AS stopped
  FROM watched w JOIN reviews r ON r.channel_id = w.id AND r.kind = 'hour' AND r.ts >= w.since AND r.ts < $2
  GROUP BY w.id
)
SELECT w.mn, sum(floor(extract(epoch FROM $2 - w.since) / 3600))::bigint AS expected,
  coalesce(sum(j.sent), 0)::bigint AS sent, coalesce(sum(j.valid), 0)::bigint AS valid,
  coalesce(sum(j.stopped), 0)::bigint AS stopped
FROM watched w LEFT JOIN judged j USING (id) GROUP BY w.mn ORDER BY w.mn
"""
VALID = ("ok", "over", "below", "no_limit", "not_converted")
"""The verdicts of a period that was valid."""


async def of_stations(pool: Pool, since: datetime, until: datetime) -> dict[str, Rates]:
    """By MN, over the hours of [since, until), which must be past; stations without a limited channel are left out."""
    rows = await pool.fetch(_HOURS, since, until, list(VALID))
    return {
        r["mn"]: Rates(expected=r["expected"], sent=r["sent"], valid=r["valid"], stopped=r["stopped"])
        for r in rows
    }
