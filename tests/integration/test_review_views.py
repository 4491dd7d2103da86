"""A month's register of a thousand channels is read in pages, each of them soon."""

import time
from datetime import UTC, datetime, timedelta

from farwatch.storage import review_views
from farwatch.storage.database import Pool
from farwatch.storage.review_views import Wanted

SINCE, UNTIL = datetime(2026, 10, 31, 16, tzinfo=UTC), datetime(2026, 11, 30, 16, tzinfo=UTC)
WITHIN_S = 0.5
_CITY = """
INSERT INTO enterprises (id, name, lat, lon) VALUES ('e', 'e', 0, 0);
INSERT INTO stations (mn, enterprise, name, lat, lon, medium) SELECT 'm' || i, 'e', 's', 0, 0, 'air' FROM generate_series(1, 200) i;
INSERT INTO channels (mn, code, unit) SELECT 'm' || i, 'c' || j, 'x' FROM generate_series(1, 200) i, generate_series(1, 5) j;
"""
_REVIEWS = """
INSERT INTO reviews (channel_id, kind, ts, verdict, reason, expected, received, valid, judged_value, limit_value, late, reviewed_at)
SELECT c.id, 'hour', ts, CASE WHEN hashint4(c.id * 31 + n::int) % 40 = 0 THEN 'over' ELSE 'ok' END, 'device_mean',
  60, 60, 60, 12, 10, false, ts
FROM channels c, generate_series($1::timestamptz, $2::timestamptz, interval '3 hours') WITH ORDINALITY AS t (ts, n)
"""


async def test_each_page_comes_soon_however_often_and_whatever_is_asked_and_none_is_left_out(
    pool: Pool,
) -> None:
    await pool.execute(_CITY)
    await pool.execute(_REVIEWS, SINCE - timedelta(days=10), UNTIL)
    await pool.execute("ANALYZE")
    wanted = Wanted(since=SINCE, until=UNTIL)
    slowest, seen, before = 0.0, 0, None
    while True:
        began = time.perf_counter()
        rows = await review_views.over(pool, wanted, before, 500)
        slowest = max(slowest, time.perf_counter() - began)
        seen += len(rows)
        if len(rows) < 500:
            break
        before = (rows[-1]["ts"], rows[-1]["kind"], rows[-1]["channel_id"])

    total = await pool.fetchval(
        "SELECT count(*) FROM reviews WHERE verdict = 'over' AND ts >= $1 AND ts < $2", SINCE, UNTIL
    )
    assert seen == total > 5000
    assert slowest < WITHIN_S


async def test_the_register_is_read_from_its_index_alone_with_the_longest_source_that_the_registry_takes(
    pool: Pool,
) -> None:
    await pool.execute(_CITY)
    await pool.execute(_REVIEWS, SINCE, UNTIL)
    hanzi = "".join(chr(0x4E00 + i) for i in range(500))
    await pool.execute("UPDATE reviews SET limit_source = $1, limit_value = 9 WHERE verdict = 'over'", hanzi)
    await pool.execute("VACUUM ANALYZE reviews")
    plan = await pool.fetch(f"EXPLAIN {review_views._OVER}", SINCE, UNTIL, *[None] * 7, 100_000)
    assert "Index Only Scan using reviews_over" in "\n".join(row[0] for row in plan)
