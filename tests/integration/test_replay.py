"""A lively day, recorded by the real intake and review under a clock that is wound on, and judged again from its rows."""

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from detectors.sensors.judge import LimitJudge
from farwatch.domain.reading import ReadingKind
from farwatch.domain.review import Mark, period_of
from farwatch.storage import marks
from farwatch.storage.database import Pool, transaction
from farwatch.storage.leases import Lease
from ingest.delivery import Delivery
from ingest.intake import Intake
from server.replay import replay
from server.roles.review import REVIEWER
from tests.support.city import settle
from tests.support.review import HandClock, make_reviews, review_all
from tests.support.service import Service

CODES = ("a21026", "a21002", "a19001")
STEP = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

Said = tuple[datetime, str, bytes]
"""When it is sent, topic and payload."""


def said(at: datetime, mn: str, kind: str, ts: datetime, values: dict[str, float], **more: object) -> Said:
    body = {"ts": ts.isoformat(), "values": values} | more
    return at, f"farwatch/v1/{mn}/{kind}", orjson.dumps(body)


def the_day(start: datetime) -> Iterator[Said]:
    """Three stations: MN1 sends ten-minute values, hours and what went wrong with them; MN2 real time; MN3 only hours, some
    much later."""
    dice = random.Random(3)
    for n in range(24 * 6):
        ts = start + n * STEP
        so2 = 40 + 8 * math.sin(n / 9) + dice.random() + (45 if 30 <= n < 45 else 0)
        flags = {"a21026": "M"} if 60 <= n < 64 else {}
        values = {
            "a21026": so2,
            "a21002": 33.0 if n > 80 else 30 + dice.random(),
            "a19001": 8 + dice.random(),
        }
        yield said(ts + STEP, "MN1", "min", ts, values, flags=flags)
        for k in range(10):
            at = ts + k * MINUTE
            high = 70 <= n < 73
            yield said(
                at + timedelta(seconds=1), "MN2", "rtd", at, {"a21026": (130 if high else 20) + dice.random()}
            )
    for h in range(24):
        ts = start + timedelta(hours=h)
        mean = 41 + 8 * math.sin(h * 6 / 9) + (45 if h in (5, 6) else 0)
        yield said(
            ts + timedelta(minutes=61), "MN1", "hour", ts, {"a21026": mean, "a21002": 31.0, "a19001": 8.4}
        )
        if h in (5, 20):
            again = ts + timedelta(minutes=85 if h == 5 else 200)
            yield said(again, "MN1", "hour", ts, {"a21026": 30.0}, flags={"a21026": "M"} if h == 5 else {})
        late = timedelta(hours=5) if 8 <= h < 12 else timedelta(minutes=62)
        yield said(ts + late, "MN3", "hour", ts, {"a21026": 55.0 + h if h % 5 == 0 else 20.0 + h})
    yield said(start + timedelta(hours=24, minutes=5), "MN3", "day", start, {"a21026": 52.0})


@pytest.fixture
async def city(pool: Pool, database_url: str) -> None:
    await settle(database_url, stations=3, codes=CODES, limit=50)
    await pool.execute(
        "INSERT INTO limits (channel_id, kind, limit_value, converted, warn_share, valid_from)"
        " SELECT id, kind, 50, false, 1, '2020-01-01' FROM channels, unnest(ARRAY['hour', 'day']) AS kind WHERE code = 'a21026'"
    )
    await pool.execute("INSERT INTO leases VALUES ('intake', 1, 'test', now())")


async def record(pool: Pool, start: datetime) -> None:
    clock = HandClock(start)
    reviews = await make_reviews(pool, clock, REVIEWER)
    intake = Intake(pool, Lease("intake", 1), LimitJudge(), clock)
    await intake.resume()
    sent = sorted(the_day(start))
    for n in range(27 * 6):
        until = start + (n + 1) * STEP
        while sent and sent[0][0] < until:
            clock.at = sent[0][0]
            batch = [s for s in sent[:40] if s[0] < min(until, clock.at + 2 * MINUTE)]
            del sent[: len(batch)]
            clock.at = batch[-1][0]
            await intake.take([Delivery(topic, payload, 1, 1, 1) for _, topic, payload in batch])
        clock.at = until
        if n == 12 * 6:
            # The intake is killed and starts again; a start-up is declared.
            intake = Intake(pool, Lease("intake", 1), LimitJudge(), clock)
            await intake.resume()
            since = start + timedelta(hours=5)
            mark = Mark(label="start_up", from_at=since, to_at=since + timedelta(hours=1), declared_at=until)
            async with transaction(pool) as connection:
                await marks.add(connection, "MN1", mark, by="bureau", note="", now=until)
        await review_all(reviews)


def yesterday() -> datetime:
    return period_of(ReadingKind.DAY, datetime.now(UTC) - timedelta(days=2)).ts  # noqa: TID251


async def test_a_recorded_day_judged_again_finds_the_same(city: None, pool: Pool) -> None:
    start = yesterday()
    await record(pool, start)
    until = start + timedelta(days=1)
    rules = {r["rule"] for r in await pool.fetch("SELECT DISTINCT rule FROM findings")}
    assert {"limit_rtd", "limit_min", "limit_hour", "limit_day", "data_mean_differs"} <= rules
    done = await replay(pool, LimitJudge(), REVIEWER, start, until)
    assert done.differences == []
    found = await pool.fetchval(
        "SELECT count(*) FROM findings WHERE onset_at >= $1 AND onset_at < $2", start, until
    )
    assert (done.findings, done.readings) == (
        found,
        await pool.fetchval(
            "SELECT count(*) FROM (SELECT ts, kind FROM readings UNION ALL SELECT ts, kind FROM reading_revisions) AS r"
            " WHERE kind IN ('rtd', 'min')"
        ),
    )
    # The value of the hour before is taken back within it.
    hour = await replay(pool, LimitJudge(), REVIEWER, start + 6 * HOUR, start + 7 * HOUR)
    assert (hour.differences, 0 < hour.findings < done.findings) == ([], True)
    one = await replay(pool, LimitJudge(), REVIEWER, start, until, "MN3")
    assert (one.differences, 0 < one.findings < done.findings) == ([], True)


async def test_the_command_tells_a_finding_that_is_not_what_the_rows_say(
    city: None, pool: Pool, database_url: str, tmp_path: Path
) -> None:
    start = yesterday()
    await record(pool, start)
    service = Service(tmp_path, database_url=database_url)
    span = ("replay", "--from", start.isoformat(), "--to", (start + timedelta(days=1)).isoformat())
    same = service.run(*span)
    assert (same.returncode, same.stdout) == (0, ""), same.stderr
    assert "0 differences" in same.stderr
    changed = await pool.fetchval(
        "UPDATE findings SET reason_params = reason_params || '{\"value\": 51.0}' WHERE id ="
        " (SELECT id FROM findings WHERE rule = 'limit_hour' ORDER BY onset_at LIMIT 1) RETURNING id"
    )
    dropped = await pool.fetchval("SELECT id FROM findings WHERE rule = 'limit_rtd' LIMIT 1")
    await pool.execute("DELETE FROM evidence WHERE finding_id = $1", dropped)
    await pool.execute("DELETE FROM findings WHERE id = $1", dropped)
    told = service.run(*span)
    assert told.stdout, told.stderr
    lines = [orjson.loads(line) for line in told.stdout.splitlines()]
    assert told.returncode == 1, told.stderr
    assert {(line["finding"], line["what"]) for line in lines} == {
        (str(changed), "params"),
        (str(dropped), "only_replayed"),
    }
    assert service.run("replay", "--from", "today", "--to", "tomorrow").returncode == 2
    nobody = service.run(*span, "--station", "MN33")
    assert (nobody.returncode, nobody.stderr) == (2, "farwatch: station 'MN33' is not in the registry\n")
