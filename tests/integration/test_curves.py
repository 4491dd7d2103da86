"""The readings around a finding, written down as its evidence."""

from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from farwatch.runtime.clock import SystemClock
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool
from ingest.curves import Curves
from tests.support.city import settle

HERE = "30, 120, 1, 'over_limit', '{}', '{}'"


@pytest.fixture
async def city(database_url: str) -> None:
    await settle(database_url, stations=1, codes=("a21026",))


async def find(pool: Pool, rule: str, *, onset_ago: timedelta, found_ago: timedelta, late: bool) -> None:
    finding = await pool.fetchval(
        "INSERT INTO findings (id, rule, kind, tier, fingerprint, station, code, lat, lon, severity, reason_key, reason_params,"
        f" detector, onset_at, found_at, late) VALUES (gen_random_uuid(), $1, 'exceedance', 'early', 'x', 'MN1', 'a21026', {HERE},"
        " now() - $2::interval, now() - $3::interval, $4) RETURNING id",
        rule, onset_ago, found_ago, late,
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO evidence (id, finding_id, kind, state, media_type)"
        " VALUES (gen_random_uuid(), $1, 'readings', 'pending', 'application/json')",
        finding,
    )


async def read_each(pool: Pool, every: timedelta, since_ago: timedelta) -> None:
    await pool.execute(
        "INSERT INTO readings (channel_id, kind, ts, value, flag, received_at, late, revision)"
        " SELECT (SELECT id FROM channels), 'rtd', ts, 60, 'N', now(), false, 0"
        " FROM generate_series(now() - $1::interval, now(), $2::interval) AS ts",
        since_ago, every,
    )  # fmt: skip


async def states(pool: Pool) -> list[str]:
    return [r["state"] for r in await pool.fetch("SELECT state FROM evidence")]


@pytest.mark.parametrize(
    ("rule", "found_ago_s", "state"),
    [
        ("limit_rtd", 5, "pending"),
        ("limit_rtd", 11, "stored"),
        ("limit_min", 60, "pending"),
        ("limit_min", 121, "stored"),
        ("limit_hour", 4, "stored"),
        ("limit_day", 4, "stored"),
    ],
)
async def test_a_curve_waits_for_what_follows_its_finding(
    pool: Pool, city: None, tmp_path: Path, rule: str, found_ago_s: int, state: str
) -> None:
    ago = timedelta(seconds=found_ago_s)
    await find(pool, rule, onset_ago=ago, found_ago=ago, late=False)
    await Curves(pool, BlobStore(tmp_path), SystemClock()).store_due()
    assert await states(pool) == [state]


async def test_the_curve_of_a_back_fill_is_as_long_as_any_other(
    pool: Pool, city: None, tmp_path: Path
) -> None:
    await read_each(pool, timedelta(minutes=1), timedelta(days=9))
    await find(pool, "limit_rtd", onset_ago=timedelta(days=5), found_ago=timedelta(minutes=1), late=True)
    blobs = BlobStore(tmp_path)
    await Curves(pool, blobs, SystemClock()).store_due()
    sha256 = await pool.fetchval("SELECT sha256 FROM evidence")
    assert 60 <= len(orjson.loads(blobs.path(sha256).read_bytes())["readings"]) <= 61


async def test_the_curve_of_a_data_fault_holds_both_channels_that_contradict_each_other(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    await settle(database_url, stations=1, codes=("a19001", "a21026"))
    await pool.execute(
        "INSERT INTO readings (channel_id, kind, ts, value, flag, received_at, late, revision)"
        " SELECT id, 'min', ts, 60, 'N', now(), false, 0"
        " FROM channels, generate_series(now() - interval '3 h', now(), '1 min') AS ts"
    )
    await find(pool, "data_oxygen_of_air", onset_ago=timedelta(hours=1), found_ago=timedelta(0), late=False)
    await pool.execute("""UPDATE findings SET reason_params = '{"other": "a19001"}'""")
    blobs = BlobStore(tmp_path)
    await Curves(pool, blobs, SystemClock()).store_due()
    told = orjson.loads(blobs.path(await pool.fetchval("SELECT sha256 FROM evidence")).read_bytes())
    assert (told["kind"], told["code"], told["beside"]["code"]) == ("min", "a21026", "a19001")
    assert len(told["readings"]) == len(told["beside"]["readings"]) >= 178


async def test_what_lasted_for_a_day_is_shown_by_hours(pool: Pool, city: None, tmp_path: Path) -> None:
    await pool.execute(
        "INSERT INTO readings (channel_id, kind, ts, value, flag, received_at, late, revision)"
        " SELECT (SELECT id FROM channels), 'hour', ts, 60, 'N', now(), false, 0"
        " FROM generate_series(now() - interval '3 days', now(), '1 h') AS ts"
    )
    await find(pool, "data_long_low", onset_ago=timedelta(days=1), found_ago=timedelta(0), late=False)
    blobs = BlobStore(tmp_path)
    await Curves(pool, blobs, SystemClock()).store_due()
    told = orjson.loads(blobs.path(await pool.fetchval("SELECT sha256 FROM evidence")).read_bytes())
    assert (told["kind"], len(told["readings"]) > 70, "beside" in told) == ("hour", True, False)
