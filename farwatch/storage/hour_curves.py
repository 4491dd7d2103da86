"""The city's hours as they were reviewed, as curves to compare."""

from datetime import datetime, timedelta

from farwatch.domain.review import HourCurve, Verdict
from farwatch.storage.database import Connection, Pool

_VALID = """
SELECT c.mn, c.code, array_agg(r.ts) AS at, array_agg(r.value) AS said
FROM channels c JOIN stations s USING (mn)
CROSS JOIN LATERAL (
  SELECT ts, coalesce(device_value, own_value) AS value FROM reviews
  WHERE channel_id = c.id AND kind = 'hour' AND ts >= $1 AND ts < $2 AND verdict <> ALL($3) OFFSET 0
) AS r
WHERE c.active AND s.active AND r.value IS NOT NULL GROUP BY c.id
"""
_NOT_VALID = [str(v) for v in (Verdict.INVALID, Verdict.MARKED, Verdict.MISSING)]


async def valid(connection: Connection | Pool, since: datetime, until: datetime) -> list[HourCurve]:
    """Of every active channel that has any, the valid hours of [since, until): the device's mean, else our own."""
    hours = round((until - since) / timedelta(hours=1))
    times = [since + timedelta(hours=n) for n in range(hours)]
    curves = []
    for r in await connection.fetch(_VALID, since, until, _NOT_VALID):
        said = dict(zip(r["at"], r["said"], strict=True))
        curves.append(HourCurve(r["mn"], r["code"], tuple(said.get(at) for at in times)))
    return curves
