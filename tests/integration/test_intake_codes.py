"""Codes that nobody registered: stored as they come, up to a number a station, by whichever way in."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from detectors.sensors.judge import LimitJudge
from farwatch.runtime.clock import SystemClock
from farwatch.storage import leases
from farwatch.storage.channels import MOST_HEARD_PER_STATION
from farwatch.storage.database import Pool
from ingest.delivery import Delivery
from ingest.intake import Intake
from tests.support.city import settle
from tests.support.monitors import message

CLOCK = SystemClock()


@pytest.fixture
async def intake(pool: Pool, database_url: str) -> AsyncIterator[Intake]:
    await settle(database_url, stations=2, codes=("a21026",))
    async with leases.hold(database_url, "intake", "test") as lease:
        made = Intake(pool, lease, LimitJudge(), CLOCK)
        await made.resume()
        yield made


def says(mn: str, values: dict[str, float], ago_s: float = 0) -> Delivery:
    ts = CLOCK.now() - timedelta(seconds=ago_s)
    return Delivery(f"farwatch/v1/{mn}/rtd", message(ts, values), 1, 1, 1)


async def heard(pool: Pool) -> dict[str, int]:
    rows = await pool.fetch("SELECT mn, count(*) AS n FROM channels WHERE NOT registered GROUP BY mn")
    return {r["mn"]: r["n"] for r in rows}


async def test_a_broken_device_makes_channels_up_to_a_number_and_its_neighbour_is_heard(
    pool: Pool, intake: Intake
) -> None:
    for part in range(3):
        await intake.take([says("MN1", {f"x{part}_{n}": 1.0 for n in range(150)})])
    await intake.take([says("MN1", {"a21026": 1.0, "x0_1": 2.0, "y": 3.0}), says("MN2", {"y": 3.0})])
    assert await heard(pool) == {"MN1": MOST_HEARD_PER_STATION, "MN2": 1}
    assert await pool.fetchval("SELECT count(*) FROM readings") == MOST_HEARD_PER_STATION + 2 + 1
    letters = await pool.fetch("SELECT source, reason, detail FROM dead_letters ORDER BY id")
    assert [(r["source"], r["reason"]) for r in letters] == [("MN1", "too_many_codes")] * 2
    assert letters[1]["detail"] == "y"


async def test_the_number_holds_over_restarts(pool: Pool, intake: Intake) -> None:
    for part in range(2):
        await intake.take([says("MN1", {f"x{part}_{n}": 1.0 for n in range(150)})])
    await intake.resume()
    await intake.take([says("MN1", {"y": 3.0})])
    assert await heard(pool) == {"MN1": MOST_HEARD_PER_STATION}


async def test_a_channel_that_the_registry_has_withdrawn_is_written_to_and_stays_withdrawn(
    pool: Pool, intake: Intake
) -> None:
    await pool.execute("UPDATE channels SET active = false WHERE mn = 'MN1'")
    await intake.resume()
    await intake.take([says("MN1", {"a21026": 150.0})])
    assert await pool.fetchval("SELECT count(*) FROM readings") == 1
    assert await pool.fetchval("SELECT count(*) FROM findings") == 0
    assert await pool.fetchval("SELECT active FROM channels WHERE mn = 'MN1'") is False


async def test_several_ways_in_at_once_take_turns(pool: Pool, intake: Intake) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(10):
            group.create_task(intake.take([says("MN1", {"new": float(n)}, ago_s=20.0 - n)]))
    assert await pool.fetchval("SELECT count(*) FROM readings") == 10
    assert await heard(pool) == {"MN1": 1}
