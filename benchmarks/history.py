"""`make bench-history`: how fast a year of hours and a month of minutes of 1,000 channels answer those who look.

The rows are made in SQL, in the order in which they would have come: all channels of a minute, then the next minute. One hour
in a hundred is over its limit and has its review and finding. Each question is asked of channels and days at random, by the
functions that the API uses; "cold" is the first time after a restart of the server with, where we may, the system's cache empty.
Ends with one line of JSON, in milliseconds. The wanted: a day's curve in 50, a month's register in 500.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.house import Database, found_city, run
from farwatch.domain.reading import ReadingKind
from farwatch.domain.review import CITY
from farwatch.storage import curves, rates, review_views
from farwatch.storage.database import Connection, Pool, connect, open_pool

VALUES = 10
ASKED = 60
_READINGS = """
INSERT INTO readings (channel_id, kind, ts, value, converted, flag, received_at, late, revision)
SELECT c.id, $1, t, 20 + 10 * sin(extract(epoch FROM t) / 9000 + c.id), 22, 'N', t + $2::interval, false, 0
FROM generate_series($3::timestamptz, $4::timestamptz - $2::interval, $2::interval) t
  CROSS JOIN LATERAL (SELECT id FROM channels OFFSET 0) c
"""
_REVIEWS = """
INSERT INTO reviews (channel_id, kind, ts, verdict, reason, expected, received, valid, device_value, own_value, judged_value,
  limit_value, late, reviewed_at)
SELECT channel_id, kind, ts, CASE WHEN over THEN 'over' ELSE 'ok' END, 'hour_valid', 60, 60, 60, value, value,
  CASE WHEN over THEN 80 ELSE value END, 50, false, ts + interval '70 minutes'
FROM (SELECT *, hashint8((extract(epoch FROM ts)::bigint / 3600) * 7919 + channel_id) % 100 = 0 AS over FROM readings
  WHERE kind = 'hour' AND ts >= $1 AND ts < $2) r
"""
_FINDINGS = """
INSERT INTO findings (id, rule, kind, tier, fingerprint, station, code, enterprise, lat, lon, onset_at, severity, reason_key,
  reason_params, detector, late)
SELECT gen_random_uuid(), 'limit_hour', 'exceedance', 'violation', 'exceedance/' || c.mn || '/' || c.code, c.mn, c.code, 'E1', 30,
  120, r.ts, 2, 'over_limit', '{}', '{}', false FROM reviews r JOIN channels c ON c.id = r.channel_id WHERE r.verdict = 'over'
"""
Question = Callable[[Pool, random.Random], Awaitable[object]]


async def fill(connection: Connection, now: datetime, days: int, minute_days: int) -> None:
    """A month at a time, so that it can be followed."""
    began = time.perf_counter()
    await connection.execute("SET synchronous_commit = off; SELECT ensure_partitions(now())")
    for kind, step, span_days in (
        ("hour", timedelta(hours=1), days),
        ("min", timedelta(minutes=1), minute_days),
    ):
        since = now - timedelta(days=span_days)
        while since < now:
            until = min(now, since + timedelta(days=3 if kind == "min" else 30))
            await connection.execute(_READINGS, kind, step, since, until)
            if kind == "hour":
                await connection.execute(_REVIEWS, since, until)
            since = until
            say(f"{kind} up to {until:%Y-%m-%d}, {time.perf_counter() - began:.0f} s")
    await connection.execute(_FINDINGS)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    size = await connection.fetchval("SELECT pg_size_pretty(pg_database_size(current_database()))")
    say(f"{size} in {time.perf_counter() - began:.0f} s")


def questions(now: datetime, channels: int, days: int, minute_days: int) -> dict[str, Question]:
    def day(dice: random.Random, among: int) -> datetime:
        return now - timedelta(days=dice.randrange(1, among + 1))

    def curve(kind: ReadingKind, among: int, span: timedelta) -> Question:
        async def ask(pool: Pool, dice: random.Random) -> object:
            since = day(dice, among)
            return await curves.page(pool, dice.randrange(1, channels + 1), kind, since, since + span, 2000)

        return ask

    async def register_page(pool: Pool, dice: random.Random) -> object:
        return await review_views.over(pool, _month(day(dice, days)), None, 100)

    async def register_month(pool: Pool, dice: random.Random) -> object:
        return await review_views.over(pool, _month(day(dice, days)), None, 100_000)

    async def table(pool: Pool, dice: random.Random) -> object:
        since = day(dice, days)
        station = f"MN{dice.randrange(1, channels // VALUES + 1)}"
        return await review_views.table(pool, station, ReadingKind.HOUR, since, since + timedelta(days=1))

    async def hours_of_minutes(pool: Pool, dice: random.Random) -> object:
        since = now - timedelta(days=minute_days)
        return await curves.hours(pool, dice.randrange(1, channels + 1), ReadingKind.MIN, since, now)

    async def month_rates(pool: Pool, dice: random.Random) -> object:
        month = _month(day(dice, days))
        return await rates.of_stations(pool, month.since, month.until)

    return {
        "day_of_minutes": curve(ReadingKind.MIN, minute_days, timedelta(days=1)),
        "day_of_hours": curve(ReadingKind.HOUR, days, timedelta(days=1)),
        "month_of_hours": curve(ReadingKind.HOUR, days, timedelta(days=30)),
        "minutes_as_hours": hours_of_minutes,
        "station_day_table": table,
        "register_page": register_page,
        "register_month": register_month,
        "rates_month": month_rates,
    }


def _month(at: datetime) -> review_views.Wanted:
    since = at.astimezone(CITY).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return review_views.Wanted(since=since, until=(since + timedelta(days=32)).replace(day=1))


async def ask(pool: Pool, question: Question, times: int, dice: random.Random) -> list[float]:
    took_ms = []
    for _ in range(times):
        began = time.perf_counter()
        await question(pool, dice)
        took_ms.append(1000 * (time.perf_counter() - began))
    return sorted(took_ms)


def empty_system_cache() -> None:
    """Only root may; everybody else measures with what the system still holds."""
    try:
        Path("/proc/sys/vm/drop_caches").write_text("1")
    except OSError:
        say("the system's cache stays: 'cold' is a restarted server only")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def main(given: argparse.Namespace) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    dice = random.Random(7)
    with tempfile.TemporaryDirectory(prefix="farwatch-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        database = Database(folder, given.database_url, {"max_wal_size": "8GB"})
        database.start()
        try:
            url = await database.fresh("history")
            await found_city(url, stations=given.channels // VALUES, values=VALUES)
            connection = await connect(url, command_timeout_s=None)
            await fill(connection, now, given.days, given.minute_days)
            await connection.close()
            answers: dict[str, dict[str, float]] = {}
            for name, question in questions(now, given.channels, given.days, given.minute_days).items():
                database.stop()
                empty_system_cache()
                database.start()
                async with open_pool(url) as pool:
                    await pool.fetchval("SELECT count(*) FROM stations")
                    cold = await ask(pool, question, 1, dice)
                    warm = await ask(pool, question, ASKED, dice)
                answers[name] = {
                    "cold": round(cold[0], 1), "p50": round(statistics.median(warm), 1), "max": round(warm[-1], 1)
                }  # fmt: skip
                say(f"{name}: {answers[name]}")
        finally:
            database.stop()
    print(json.dumps({"us": {f"{name}_ms": answer for name, answer in answers.items()}, "rows": vars(given)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--days", type=int, default=365, help="of hours and their reviews")
    parser.add_argument("--minute-days", type=int, default=30)
    parser.add_argument("--database-url", default=None)
    run(main(parser.parse_args()))
