"""From a bureau's row in channels.csv to what a live value leads to."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from detectors.sensors.judge import LimitJudge
from farwatch.domain.review import Mark
from farwatch.runtime.clock import SystemClock
from farwatch.storage import leases, marks
from farwatch.storage.database import Pool, Record, transaction
from ingest.delivery import Delivery
from ingest.intake import Intake
from server.registry.commands import import_
from tests.support.monitors import message
from tests.unit.registry.sample import write_city

CLOCK = SystemClock()
AIR, WATER = "88888880000001", "88888880000002"
CHANNELS = f"""mn,code,unit,limit,limit_kind,lower,schedule,unverified,preset
{AIR},a21026,mg/m3,35,hour,,,,
{AIR},Leq,dB(A),,,,,,GB12348-2008/2
{AIR},LA,dB(A),40,rtd,,,,
{WATER},w01001,pH,,,,,,GB18918-2002/1A
{WATER},w01018,mg/L,,,,,0,GB18918-2002/1A
"""


@pytest.fixture
async def intake(pool: Pool, database_url: str, tmp_path: Path, data_dir: Path) -> AsyncIterator[Intake]:
    folder = write_city(tmp_path / "city", channels=CHANNELS)
    report = await import_(folder, pool, data_dir, prune=False, now=CLOCK.now() - timedelta(hours=1))
    assert report.exit_code == 0, report.lines
    async with leases.hold(database_url, "intake", "test") as lease:
        made = Intake(pool, lease, LimitJudge(), CLOCK)
        await made.resume()
        yield made


def says(mn: str, kind: str, values: Mapping[str, float], ago_s: float = 60) -> Delivery:
    ts = CLOCK.now() - timedelta(seconds=ago_s)
    return Delivery(f"farwatch/v1/{mn}/{kind}", message(ts, dict(values)), 1, 1, 1)


async def found(pool: Pool) -> list[Record]:
    rows: list[Record] = await pool.fetch(
        "SELECT code, rule, tier, reason_key, reason_params AS reason FROM findings ORDER BY code"
    )
    return rows


async def test_a_preset_limits_live_values_and_every_finding_says_what_its_number_rests_on(
    pool: Pool, intake: Intake
) -> None:
    await intake.take(
        [
            says(AIR, "rtd", {"LA": 90.0, "Leq": 90.0, "a21026": 40.0}),
            says(AIR, "min", {"Leq": 75.0}),
            says(WATER, "rtd", {"w01001": 5.5, "w01018": 99.0}),
        ]
    )
    rows = await found(pool)
    assert [(r["code"], r["rule"], r["tier"]) for r in rows] == [
        ("Leq", "limit_min", "early"),
        ("a21026", "limit_rtd", "early"),
        ("w01001", "limit_rtd", "early"),
    ]
    noise, gas, acid = (r["reason"] for r in rows)
    assert (noise["source"], noise["unverified"]) == ("GB 12348-2008 工业企业厂界 2类", True)
    assert noise["schedule"] in ("06:00-22:00", "22:00-06:00")
    assert (gas["limit"], gas["limit_kind"], gas["unverified"]) == (35.0, "hour", False)
    assert (rows[2]["reason_key"], acid["limit"], acid["value"]) == ("under_limit", 6.0, 5.5)


async def test_a_moment_far_above_the_days_mean_is_a_warning_that_names_the_day(
    pool: Pool, intake: Intake
) -> None:
    await intake.take([says(WATER, "rtd", {"w01018": 101.0}, ago_s=60 - 5 * i) for i in range(6)])
    (row,) = await found(pool)
    assert (row["tier"], row["reason"]["limit_kind"], row["reason"]["limit"]) == ("early", "day", 50.0)
    assert row["reason"]["unverified"] is False, "the row says that somebody compared it"


async def test_a_declared_mark_withholds_warnings_until_it_is_withdrawn(pool: Pool, intake: Intake) -> None:
    now = CLOCK.now()
    mark = Mark(
        label="启炉", from_at=now - timedelta(hours=1), to_at=now + timedelta(hours=1), declared_at=now
    )
    async with transaction(pool) as connection:
        mark_id = await marks.add(connection, AIR, mark, by="centre", note="", now=now)
    await intake.resume()
    await intake.take([says(AIR, "rtd", {"a21026": 60.0}, ago_s=30)])
    assert await found(pool) == []
    async with transaction(pool) as connection:
        await marks.withdraw(connection, AIR, mark_id, by="centre", now=CLOCK.now())
    await intake.resume()
    await intake.take([says(AIR, "rtd", {"a21026": 60.0}, ago_s=20)])
    assert [r["code"] for r in await found(pool)] == ["a21026"]
