"""Data that lies or fails, over real rows: found once by the review, ended when it is well, with its curve as evidence."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest

from detectors.sensors.quality import clones
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.runtime.clock import SystemClock
from farwatch.storage import job_cursors
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool
from farwatch.storage.leases import Lease
from ingest.curves import Curves
from ingest.review.clones import JOB, CloneWatch
from server.city import CityCache
from server.roles.review import REVIEWER
from tests.support.city import settle
from tests.support.review import HOUR, HandClock, a_reading, arrive, make_reviews, review_all

MINUTE, ONE_HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def city(pool: Pool, database_url: str) -> None:
    await settle(database_url, stations=2, codes=("a21026", "a19001"), limit=500)
    await pool.execute("INSERT INTO leases VALUES ('review', 1, 'test', now())")


def minutes(since: datetime, hours: int, *, flat: bool) -> list[Reading]:
    """Sulfur dioxide, noisy or flat, and honest oxygen."""
    rng = random.Random(since.isoformat())
    rows = []
    for n in range(hours * 60):
        value = 41.3 if flat else round(41.3 + rng.gauss(0, 2), 2)
        rows.append(a_reading(since + n * MINUTE, value, ReadingKind.MIN))
        rows.append(
            a_reading(since + n * MINUTE, round(9 + rng.gauss(0, 0.3), 2), ReadingKind.MIN, code="a19001")
        )
    return rows


async def found(pool: Pool, rule: str) -> list[tuple[str, str, datetime, datetime | None]]:
    rows = await pool.fetch(
        "SELECT station, code, onset_at, ended_at FROM findings WHERE rule = $1 ORDER BY found_at", rule
    )
    return [tuple(r) for r in rows]  # type: ignore[misc]


async def test_a_constant_value_is_found_once_however_often_it_is_reviewed_and_ends_when_it_moves(
    city: None, pool: Pool, tmp_path: Path
) -> None:
    since = HOUR - 6 * ONE_HOUR
    clock = HandClock(HOUR + timedelta(minutes=11))
    reviews = await make_reviews(pool, clock, REVIEWER)
    await arrive(pool, minutes(since, 6, flat=True))
    await review_all(reviews)
    assert await found(pool, "data_constant") == [("MN1", "a21026", since, None)]

    clock.at += ONE_HOUR
    await arrive(pool, minutes(HOUR, 1, flat=True))
    await pool.execute("UPDATE review_due SET seq = seq + 1")
    await review_all(reviews)
    for hour in (HOUR - ONE_HOUR, HOUR):
        await pool.execute("INSERT INTO review_due VALUES ('MN1', 'hour', $1, $1)", hour)
    await review_all(reviews)
    assert await found(pool, "data_constant") == [("MN1", "a21026", since, None)]

    clock.at += ONE_HOUR
    await arrive(pool, minutes(HOUR + ONE_HOUR, 1, flat=False))
    await review_all(reviews)
    ended = HOUR + ONE_HOUR
    assert await found(pool, "data_constant") == [("MN1", "a21026", since, ended)]
    await pool.execute("INSERT INTO review_due VALUES ('MN1', 'hour', $1, $1)", HOUR)
    await review_all(reviews)
    assert await found(pool, "data_constant") == [("MN1", "a21026", since, ended)], "an old hour, seen again"

    blobs = BlobStore(tmp_path)
    await Curves(pool, blobs, SystemClock()).store_due()
    told = orjson.loads(blobs.path(await pool.fetchval("SELECT sha256 FROM evidence")).read_bytes())
    flat = [r["value"] for r in told["readings"]]
    assert (told["reason"]["key"], told["kind"]) == ("data_constant", "min")
    assert flat.count(41.3) >= 6 * 60, "the whole time in which it did not move"


async def test_a_reading_over_its_limit_that_is_sent_again_as_maintenance_is_found(
    city: None, pool: Pool
) -> None:
    await pool.execute(
        "INSERT INTO limits (channel_id, kind, limit_value, converted, warn_share, valid_from)"
        " SELECT id, 'hour', 50, false, 1, '2020-01-01' FROM channels WHERE mn = 'MN1' AND code = 'a21026'"
    )
    await pool.execute("UPDATE registry_version SET version = version + 1")
    clock = HandClock(HOUR + ONE_HOUR + timedelta(seconds=2))
    reviews = await make_reviews(pool, clock, REVIEWER)
    await arrive(pool, [a_reading(HOUR, 80.0)])
    await review_all(reviews)
    assert await found(pool, "data_remarked") == []
    clock.at += timedelta(minutes=20)
    await arrive(pool, [a_reading(HOUR, 80.0, flag="M", after_s=1100)])
    await review_all(reviews)
    [(_, code, onset_at, ended_at)] = await found(pool, "data_remarked")
    assert (code, onset_at, ended_at) == ("a21026", HOUR + ONE_HOUR + timedelta(seconds=1100), None)
    [row] = await pool.fetch("SELECT tier, late, reason_params FROM findings WHERE rule = 'data_remarked'")
    params = row["reason_params"]
    assert (row["tier"], row["late"], params["value"], params["flag"]) == ("violation", False, 80.0, "M")


async def test_a_clone_of_another_outlet_is_found_by_the_hourly_job(city: None, pool: Pool) -> None:
    rng = random.Random(4)
    since = HOUR - 24 * ONE_HOUR
    said = [round(40 + rng.gauss(0, 3), 2) for _ in range(24)]
    clock = HandClock(HOUR + timedelta(minutes=15))
    reviews = await make_reviews(pool, clock, REVIEWER)
    rows = [a_reading(since + n * ONE_HOUR, v, mn=mn) for n, v in enumerate(said) for mn in ("MN1", "MN2")]
    await arrive(pool, rows)
    await review_all(reviews)
    watch = CloneWatch(
        pool, Lease("review", 1), clock, rule=clones.RULE, judge=clones.judge, city=CityCache(pool).current
    )
    await watch.look()
    clock.at += timedelta(minutes=15)
    await watch.look()
    await watch.look()
    assert await found(pool, "data_clone") == [("MN2", "a21026", since - ONE_HOUR, None)], (
        "found by the first look, and once"
    )
    assert await job_cursors.get(pool, JOB) == HOUR
    assert await pool.fetchval("SELECT count(*) FROM evidence") >= 1
