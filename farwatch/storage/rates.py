"""Transmission and validity counted from the reviews of hours. Drills never count."""

from datetime import datetime

from farwatch.domain.rates import Rates
from farwatch.storage.database import Pool

# Of each registered channel with a limit: the hours at whose start a limit was in force, and what the reviews say of them. Hours
# that were declared stopped need no review: nobody reviews what a station that stands still did not send.
_HOURS = """
WITH watched AS (
  SELECT c.id, c.mn, c.code, range_agg(tstzrange(l.valid_from, l.valid_to)) * tstzmultirange(tstzrange($1, $2)) AS spans
  FROM channels c JOIN stations s USING (mn) JOIN limits l ON l.channel_id = c.id
  WHERE c.active AND c.registered AND s.active AND NOT s.drill AND (l.limit_value IS NOT NULL OR l.lower_value IS NOT NULL)
    AND l.valid_from < $2 AND (l.valid_to IS NULL OR l.valid_to > $1)
  GROUP BY c.id, c.mn, c.code
), called AS (
  SELECT w.id, sum(ceil(extract(epoch FROM upper(s)) / 3600) - ceil(extract(epoch FROM lower(s)) / 3600)) AS hours
  FROM watched w, unnest(w.spans) AS s GROUP BY w.id
), said AS (
  SELECT w.id, r.ts, r.received > 0 OR r.device_value IS NOT NULL AS sent, r.verdict = ANY($3) AS valid, r.device_flag
  FROM watched w JOIN reviews r ON r.channel_id = w.id AND r.kind = 'hour' AND r.ts >= $1 AND r.ts < $2
  WHERE w.spans @> r.ts
), declared AS (
  SELECT w.id, w.spans, range_agg(tstzrange(m.from_at, m.to_at)) * tstzmultirange(tstzrange($1, $2)) AS still
  FROM watched w JOIN marks m ON m.mn = w.mn AND (m.code IS NULL OR m.code = w.code)
  WHERE m.label = 'stopped' AND m.withdrawn_at IS NULL AND m.from_at < $2 AND m.to_at > $1 GROUP BY w.id, w.spans
), stood AS (
  SELECT d.id, h.ts FROM declared d, unnest(d.still) AS s, generate_series(
    to_timestamp(ceil(extract(epoch FROM lower(s)) / 3600) * 3600), upper(s) - interval '1 hour', interval '1 hour') AS h (ts)
  WHERE d.spans @> h.ts
  UNION SELECT id, ts FROM said WHERE device_flag = 'F'
), judged AS (
  SELECT id, count(*) FILTER (WHERE sent) AS sent, count(*) FILTER (WHERE valid) AS valid FROM said GROUP BY id
), resting AS (
  SELECT id, count(*) AS stopped FROM stood LEFT JOIN said USING (id, ts) WHERE valid IS NOT TRUE GROUP BY id
)
SELECT w.mn, sum(c.hours)::bigint AS expected, coalesce(sum(j.sent), 0)::bigint AS sent,
  coalesce(sum(j.valid), 0)::bigint AS valid, coalesce(sum(r.stopped), 0)::bigint AS stopped
FROM watched w JOIN called c USING (id) LEFT JOIN judged j USING (id) LEFT JOIN resting r USING (id)
GROUP BY w.mn ORDER BY w.mn
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
