"""What the intake remembers and forgives: its own silence, the broker's repeats, restarts, back-fills."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from detectors.sensors.judge import LimitJudge
from farwatch.storage import leases
from farwatch.storage.database import Pool
from farwatch.storage.leases import Lease
from ingest.delivery import Delivery
from ingest.intake import Intake
from tests.support.city import settle
from tests.support.monitors import message


class FakeClock:
    """Starts now, because the rows are stamped by PostgreSQL's clock."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)  # noqa: TID251
        self.monotonic_s = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.monotonic_s


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def lease(database_url: str) -> AsyncIterator[Lease]:
    await settle(database_url, stations=1, codes=("a21026",))
    async with leases.hold(database_url, "intake", "test") as held:
        yield held


@pytest.fixture
def intake(pool: Pool, lease: Lease, clock: FakeClock) -> Intake:
    return Intake(pool, lease, LimitJudge(), clock)


def says(ts: datetime, value: float, kind: str = "rtd") -> Delivery:
    return Delivery(f"farwatch/v1/MN1/{kind}", message(ts, {"a21026": value}), 1, 1, 1)


def curve(start: datetime, *values: float) -> list[Delivery]:
    """A value each 5 s."""
    return [says(start + timedelta(seconds=5 * n), value) for n, value in enumerate(values)]


async def silent_since(pool: Pool, at: datetime) -> None:
    await pool.execute("UPDATE heartbeats SET at = $1 WHERE name = 'intake'", at)


async def late(pool: Pool) -> list[bool]:
    return [r["late"] for r in await pool.fetch("SELECT late FROM readings ORDER BY ts, kind")]


async def found(pool: Pool) -> list[tuple[str, bool, bool]]:
    rows = await pool.fetch("SELECT tier, late, ended_at FROM findings ORDER BY onset_at, tier")
    return [(r["tier"], r["late"], r["ended_at"] is not None) for r in rows]


async def test_what_waited_while_nothing_could_come_in_is_not_late(
    pool: Pool, intake: Intake, clock: FakeClock
) -> None:
    """Be it the broker, the database or this process that was away: no beat was written meanwhile."""
    await intake.resume()
    await silent_since(pool, clock.at - timedelta(minutes=40))
    clock.monotonic_s += 2400
    await intake.take(
        [says(clock.at - timedelta(minutes=35), 1.0), says(clock.at - timedelta(minutes=56), 1.0)]
    )
    assert await late(pool) == [True, False]


async def test_a_mean_is_only_excused_from_the_end_of_its_period_on(
    pool: Pool, intake: Intake, clock: FakeClock
) -> None:
    await intake.resume()
    await silent_since(pool, clock.at - timedelta(minutes=140))
    await pool.execute(
        "INSERT INTO outages (what, started_at, ended_at) VALUES ('intake', $1, $2)",
        clock.at - timedelta(minutes=140), clock.at - timedelta(minutes=90),
    )  # fmt: skip
    await pool.execute("UPDATE heartbeats SET at = clock_timestamp() WHERE name = 'intake'")
    await intake.resume()
    await intake.take([says(clock.at - timedelta(minutes=130), 1.0, "hour")])
    assert await late(pool) == [True]


async def test_a_restart_in_the_middle_of_an_exceedance_finds_nothing_again(
    pool: Pool, lease: Lease, clock: FakeClock
) -> None:
    start = clock.at - timedelta(minutes=5)
    for n in range(5):
        intake = Intake(pool, lease, LimitJudge(), clock)
        await intake.resume()
        await intake.take(curve(start + timedelta(seconds=15 * n), 150.0, 150.0, 150.0))
    assert await found(pool) == [("early", False, False), ("violation", False, False)]


async def test_what_the_broker_sends_again_after_a_long_outage_finds_nothing_again(
    pool: Pool, lease: Lease, clock: FakeClock
) -> None:
    start = clock.at - timedelta(minutes=5)
    story = curve(start, *[150.0] * 6, *[1.0] * 10)
    intake = Intake(pool, lease, LimitJudge(), clock)
    await intake.resume()
    await intake.take(story)
    before = await found(pool)
    assert before == [("early", False, True), ("violation", False, True)]
    await pool.execute(
        "UPDATE readings SET ts = ts - interval '9 h', received_at = received_at - interval '9 h'"
    )
    await pool.execute("UPDATE latest_readings SET ts = ts - interval '9 h'")
    await pool.execute(
        "UPDATE findings SET onset_at = onset_at - interval '9 h', ended_at = ended_at - interval '9 h'"
    )
    await silent_since(pool, clock.at - timedelta(hours=9))
    intake = Intake(pool, lease, LimitJudge(), clock)
    await intake.resume()
    await intake.take(curve(start - timedelta(hours=9) + timedelta(seconds=15), *[150.0] * 3, *[1.0] * 10))
    assert await late(pool) == [False] * 16
    assert await found(pool) == before


async def test_a_limit_that_came_while_the_service_was_away_is_found_to_be_exceeded(
    pool: Pool, lease: Lease, clock: FakeClock
) -> None:
    await pool.execute("UPDATE limits SET limit_value = NULL")
    intake = Intake(pool, lease, LimitJudge(), clock)
    await intake.resume()
    await intake.take(curve(clock.at - timedelta(seconds=60), *[150.0] * 6))
    assert await found(pool) == []
    await pool.execute("UPDATE limits SET limit_value = 50")
    intake = Intake(pool, lease, LimitJudge(), clock)
    await intake.resume()
    await intake.take(curve(clock.at - timedelta(seconds=30), 150.0))
    assert {tier for tier, _, _ in await found(pool)} == {"early", "violation"}


async def test_back_fills_are_found_once_and_each_stretch_by_itself(
    pool: Pool, lease: Lease, clock: FakeClock
) -> None:
    newer, older = clock.at - timedelta(hours=20), clock.at - timedelta(hours=30)
    intake = Intake(pool, lease, LimitJudge(), clock)
    await intake.resume()
    await intake.take(curve(newer, 60.0, 60.0, 60.0))
    assert await found(pool) == [("early", True, False)]
    await intake.take(curve(newer, 60.0, 60.0, 60.0)[1:])
    await intake.take(curve(older, 60.0, 60.0))
    assert await found(pool) == [("early", True, False)] * 2
    intake = Intake(pool, lease, LimitJudge(), clock)
    await intake.resume()
    await intake.take(curve(newer, 60.0, 60.0, 60.0)[1:])
    await intake.take(curve(older, 60.0, 60.0, 60.0)[1:])
    assert await found(pool) == [("early", True, False)] * 2


async def test_a_message_that_the_broker_repeats_an_hour_later_is_nothing_new(
    pool: Pool, intake: Intake, clock: FakeClock
) -> None:
    """Retained messages come with each new connection."""
    await intake.resume()
    retained = says(clock.at, 60.0)
    await intake.take([*curve(clock.at - timedelta(seconds=15), 60.0, 60.0, 60.0), retained])
    clock.at += timedelta(hours=1)
    await intake.take([retained])
    assert await found(pool) == [("early", False, False)]


async def test_what_the_database_refuses_costs_only_itself(
    pool: Pool, intake: Intake, clock: FakeClock
) -> None:
    await pool.execute("ALTER TABLE readings ADD CHECK (value <> 666)")
    await intake.resume()
    start = clock.at - timedelta(minutes=9)
    batch = curve(start, *[666.0 if n in (0, 40, 41, 99) else 60.0 for n in range(100)])
    await intake.take(batch)
    assert len(await late(pool)) == 96
    assert await found(pool) == [("early", False, False)]
    letters = await pool.fetch("SELECT payload, reason FROM dead_letters ORDER BY id")
    assert [(r["payload"], r["reason"]) for r in letters] == [
        (batch[n].payload, "poison") for n in (0, 40, 41, 99)
    ]


async def test_a_database_that_slept_for_months_takes_readings_at_once(
    pool: Pool, lease: Lease, clock: FakeClock
) -> None:
    partitions = await pool.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent IN ('readings'::regclass, 'reading_revisions'::regclass)"
    )
    if not partitions:
        pytest.skip("TimescaleDB makes its own chunks")
    for partition in partitions:
        await pool.execute(f"DROP TABLE {partition['name']}")
    intake = Intake(pool, lease, LimitJudge(), clock)
    await intake.resume()
    await intake.take([says(clock.at, 1.0)])
    assert await late(pool) == [False]
    assert await pool.fetchval("SELECT count(*) FROM dead_letters") == 0


async def test_a_clock_ten_minutes_ahead_is_measured_shown_and_allowed_for(
    pool: Pool, intake: Intake, lease: Lease, clock: FakeClock
) -> None:
    await intake.resume()
    await silent_since(pool, clock.at)
    for _ in range(20):
        clock.at += timedelta(seconds=30)
        await intake.take([says(clock.at + timedelta(minutes=10), 1.0)])
    row = await pool.fetchrow("SELECT offset_s, spread_s, measured_at FROM station_clocks WHERE mn = 'MN1'")
    assert (row["offset_s"], row["spread_s"]) == (-600, 0)
    refused = await pool.fetchval("SELECT count(*) FROM dead_letters WHERE reason = 'time_in_future'")
    assert refused == 11
    assert await late(pool) == [False] * 9
    again = Intake(pool, lease, LimitJudge(), clock)
    await again.resume()
    clock.at += timedelta(seconds=30)
    await again.take(
        [says(clock.at + timedelta(minutes=10), 1.0), says(clock.at + timedelta(minutes=16), 1.0)]
    )
    assert len(await late(pool)) == 10


async def test_a_clock_half_an_hour_behind_makes_nothing_late(
    pool: Pool, intake: Intake, clock: FakeClock
) -> None:
    await intake.resume()
    await silent_since(pool, clock.at)
    for _ in range(12):
        clock.at += timedelta(seconds=30)
        await intake.take([says(clock.at - timedelta(minutes=30), 1.0)])
    assert await late(pool) == [True] * 11 + [False]


async def test_an_exceedance_that_comes_out_of_order_is_found_and_starts_no_clock(
    pool: Pool, intake: Intake, clock: FakeClock
) -> None:
    await intake.resume()
    await intake.take([says(clock.at - timedelta(seconds=5), 1.0)])
    for _ in range(2):
        await intake.take([says(clock.at - timedelta(seconds=10), 150.0)])
    assert await found(pool) == [("early", True, False)]


async def test_a_revision_is_judged_anew_whichever_way_it_goes(
    pool: Pool, intake: Intake, clock: FakeClock
) -> None:
    await intake.resume()
    at = clock.at - timedelta(seconds=60)
    await intake.take([says(at, 1.0)])
    for _ in range(2):
        await intake.take([says(at, 150.0)])
    assert await found(pool) == [("early", True, False)]
    await intake.take([says(clock.at, 150.0)])
    await intake.take([says(clock.at, 1.0)])
    assert await found(pool) == [("early", True, False), ("early", False, False)]
    assert await pool.fetchval("SELECT count(*) FROM reading_revisions") == 2


async def test_a_repeat_within_a_batch_or_after_a_restart_finds_nothing_again(
    pool: Pool, lease: Lease, clock: FakeClock
) -> None:
    story = curve(clock.at - timedelta(seconds=60), *[150.0] * 6)
    for _ in range(2):
        intake = Intake(pool, lease, LimitJudge(), clock)
        await intake.resume()
        for _ in range(2):
            await intake.take([*story, *story])
    assert await found(pool) == [("early", False, False), ("violation", False, False)]
    assert await pool.fetchval("SELECT count(*) FROM reading_revisions") == 0


async def test_after_a_clock_that_was_ahead_is_set_the_live_judgement_goes_on(
    pool: Pool, intake: Intake, clock: FakeClock
) -> None:
    await intake.resume()
    await intake.take([says(clock.at + timedelta(minutes=4), 1.0)])
    clock.at += timedelta(seconds=10)
    await intake.take([says(clock.at, 150.0)])
    assert await found(pool) == [("early", False, False)]


async def test_an_outage_of_one_way_in_is_one_row_however_often_the_other_looks(
    pool: Pool, intake: Intake, clock: FakeClock
) -> None:
    await intake.resume()
    for _ in range(3):
        await pool.execute(
            "UPDATE heartbeats SET at = at - interval '10 s'; UPDATE outages SET started_at = started_at - interval '10 s',"
            " ended_at = ended_at - interval '10 s'"
        )
        clock.monotonic_s += 10
        await intake.take([says(clock.at, 1.0)])
    lengths = await pool.fetch("SELECT extract(epoch FROM ended_at - started_at)::int AS s FROM outages")
    assert [row["s"] for row in lengths] == [30]
