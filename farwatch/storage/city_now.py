"""What the wall shows of the city besides the day's cases. Drills never count."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.storage.database import Pool

REPORTING_WITHIN_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class CityNow:
    """Now, but `readings` are those written that day. A station reports when one of its channels was heard in the last 15
    minutes."""

    readings: int
    cameras_online: int
    cameras_total: int
    stations_reporting: int
    stations_total: int


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


async def city_now(pool: Pool, day: datetime, camera_stale_s: float) -> CityNow:
    """`day` is any moment of it. `camera_stale_s`: a camera's state that is older counts as unknown."""
    async with pool.acquire() as connection:
        city = await connection.fetchrow(_CITY, REPORTING_WITHIN_S, camera_stale_s)
        return CityNow(readings=await connection.fetchval(_READINGS, day) or 0, **dict(city))
