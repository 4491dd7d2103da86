"""A month of judged data for the bureau's pages: two works with three stations, made by formulas, the same every time."""

from datetime import datetime, timedelta
from pathlib import Path

from farwatch.domain.review import CITY
from farwatch.storage.database import Pool

STACK, WATER, QUIET = "88888880000001", "88888880000002", "88888880000003"

_PARTS = dict(
    part.split("\n", 1)
    for part in Path(__file__).with_name("bureau_month.sql").read_text("utf-8").split("\n-- part: ")[1:]
)


async def a_month(pool: Pool, now: datetime) -> datetime:
    """Judged hours since the begin of the month before `now`'s, minutes of today; returns when that month began."""
    today = now.astimezone(CITY).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    hour = now.replace(minute=0, second=0, microsecond=0)
    places = {
        "$STACK": STACK,
        "$WATER": WATER,
        "$QUIET": QUIET,
        "$now": now.isoformat(),
        "$day": today.isoformat(),
    }
    city = _PARTS["city"]
    for name, value in places.items():
        city = city.replace(name, f"'{value}'")
    await pool.execute(city)
    await pool.execute(_PARTS["hours"], begin, hour, [STACK, WATER], today)
    await pool.execute(_PARTS["days"])
    await pool.execute(_PARTS["minutes"], today, now - timedelta(minutes=1), [STACK, WATER])
    await pool.execute(_PARTS["latest"])
    await _revise(pool, today - timedelta(hours=10))
    return begin


async def _revise(pool: Pool, ts: datetime) -> None:
    """An hour's SO2 that was over the limit, then sent again as maintenance, then lower."""
    for table, value, flag, after, revision in (
        ("reading_revisions", 61.2, "N", 62, 0),
        ("reading_revisions", 61.2, "M", 190, 1),
        ("readings", 30.5, "N", 300, 2),
    ):
        await pool.execute(
            f"INSERT INTO {table} (channel_id, kind, ts, value, converted, flag, received_at, late, revision)"
            " SELECT id, 'hour', $2::timestamptz, $3::float8, $3::float8 * 1.1, $4, $2::timestamptz"
            " + make_interval(mins => $5::int), $5::int > 90, $6 FROM channels"
            " WHERE mn = $1 AND code = 'a21026'", STACK, ts, value, flag, after, revision,
        )  # fmt: skip
    await pool.execute(
        "INSERT INTO review_revisions SELECT r.* FROM reviews r JOIN channels c ON c.id = r.channel_id"
        " WHERE c.mn = $1 AND c.code = 'a21026' AND r.kind = 'hour' AND r.ts = $2", STACK, ts,
    )  # fmt: skip
    await pool.execute("UPDATE review_revisions SET verdict = 'over', judged_value = 67.3")
    await pool.execute(
        "UPDATE reviews r SET revision = 1, reviewed_at = r.reviewed_at + interval '4 hours' FROM channels c"
        " WHERE c.id = r.channel_id AND c.mn = $1 AND c.code = 'a21026' AND r.kind = 'hour' AND r.ts = $2", STACK, ts,
    )  # fmt: skip
