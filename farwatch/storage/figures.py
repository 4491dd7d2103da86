"""Figures of a day for the wall. Drills never count."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.storage.database import Pool

ACCEPT_TARGET_S = 300
ARRIVE_TARGET_S = 600
REPORTING_WITHIN_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Since `since`; `open` is now. Shares are of the tasks that were answered, or whose time is up; null when there are none.

    Response is from t1 to the acceptance. A station reports when one of its channels was heard in the last 15 minutes.
    """

    since: datetime
    opened: int
    open: int
    closed: int
    by_kind: dict[str, int]
    accepted_within_5min_share: float | None
    arrived_within_10min_share: float | None
    response_p50_s: float | None
    response_p90_s: float | None
    false_alarms: int
    readings: int
    cameras_online: int
    cameras_total: int
    stations_reporting: int
    stations_total: int


_TASKS = """
SELECT count(*) FILTER (WHERE opened_at >= $1) AS opened,
  count(*) FILTER (WHERE state <> 'closed') AS open,
  count(*) FILTER (WHERE closed_at >= $1) AS closed,
  count(*) FILTER (WHERE outcome = 'false_alarm' AND handled_at >= $1) AS false_alarms
FROM tasks WHERE drill_id IS NULL AND (state <> 'closed' OR opened_at >= $1 OR closed_at >= $1)
"""
_SHARES = """
SELECT avg((accept_s <= $2)::int) FILTER (WHERE accept_s IS NOT NULL OR age_s > $2)::float8 AS accepted,
  avg((arrive_s <= $3)::int) FILTER (WHERE arrive_s IS NOT NULL OR (age_s > $3 AND outcome IS NULL))::float8 AS arrived,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY accept_s) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY accept_s) AS p90
FROM (SELECT outcome, extract(epoch FROM accepted_at - opened_at)::float8 AS accept_s,
        extract(epoch FROM arrived_at - opened_at)::float8 AS arrive_s,
        extract(epoch FROM coalesce(closed_at, clock_timestamp()) - opened_at)::float8 AS age_s
      FROM tasks WHERE drill_id IS NULL AND opened_at >= $1) AS today
"""
_KINDS = """
SELECT m.kind, count(DISTINCT m.task_id) AS n FROM matters m JOIN tasks t ON t.id = m.task_id
WHERE t.drill_id IS NULL AND t.opened_at >= $1 GROUP BY m.kind ORDER BY m.kind
"""
# Counted as they are written (see readings.py), by the day in the city.
_READINGS = "SELECT readings FROM reading_counts WHERE day = ($1 AT TIME ZONE 'Asia/Shanghai')::date"
_CITY = """
SELECT (SELECT count(*) FROM cameras WHERE active AND NOT drill) AS cameras_total,
  (SELECT count(*) FROM stations WHERE active AND NOT drill) AS stations_total,
  (SELECT count(DISTINCT s.mn) FROM stations s JOIN channels c ON c.mn = s.mn JOIN latest_readings l ON l.channel_id = c.id
    WHERE s.active AND NOT s.drill AND l.received_at > clock_timestamp() - make_interval(secs => $1)) AS stations_reporting,
  (SELECT count(*) FROM cameras c JOIN camera_status x ON x.camera = c.id WHERE c.active AND NOT c.drill
    AND x.state IN ('online', 'resting') AND x.updated_at > clock_timestamp() - make_interval(secs => $2)) AS cameras_online
"""


async def since(pool: Pool, at: datetime, camera_stale_s: float) -> Figures:
    """`camera_stale_s`: a camera's state that is older counts as unknown. `readings` are those written that day."""
    async with pool.acquire() as connection:
        tasks = await connection.fetchrow(_TASKS, at)
        shares = await connection.fetchrow(_SHARES, at, ACCEPT_TARGET_S, ARRIVE_TARGET_S)
        kinds = await connection.fetch(_KINDS, at)
        city = await connection.fetchrow(_CITY, REPORTING_WITHIN_S, camera_stale_s)
        readings = await connection.fetchval(_READINGS, at)
    return Figures(
        since=at,
        **dict(tasks),
        by_kind={r["kind"]: r["n"] for r in kinds},
        accepted_within_5min_share=shares["accepted"],
        arrived_within_10min_share=shares["arrived"],
        response_p50_s=shares["p50"],
        response_p90_s=shares["p90"],
        readings=readings or 0,
        **dict(city),
    )
