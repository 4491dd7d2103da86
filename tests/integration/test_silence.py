"""A station falls silent and speaks again, over real rows."""

from datetime import UTC, datetime, timedelta

from detectors.sensors.silence import GATEWAY_RULE, RULE, judge_silence
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.storage import readings, voices
from farwatch.storage.database import Pool, transaction
from farwatch.storage.leases import Lease
from ingest.silence import SilenceWatch
from server.city import CityCache
from tests.support.city import settle

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


class HandClock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


async def heard(pool: Pool, at: datetime, mn: str = "MN1") -> None:
    reading = Reading(mn=mn, code="a21026", kind=ReadingKind.RTD, ts=at, value=1.0, received_at=at)
    async with transaction(pool) as connection:
        await readings.ensure_partitions(connection)
        await readings.insert(connection, await readings.channel_ids(connection), [reading])


async def silences(pool: Pool, rule: str = RULE) -> list[tuple[str, bool]]:
    rows = await pool.fetch(
        "SELECT station, ended_at IS NOT NULL AS over FROM findings WHERE rule = $1", rule
    )
    return [(r["station"], r["over"]) for r in rows]


async def test_a_station_that_falls_silent_is_found_once_and_its_silence_ends(
    pool: Pool, database_url: str
) -> None:
    await settle(database_url, stations=2)
    await pool.execute("INSERT INTO leases VALUES ('intake', 1, 'test', now())")
    clock, connected = HandClock(), True
    watch = SilenceWatch(
        pool, Lease("intake", 1), clock, rule=RULE, gateway_rule=GATEWAY_RULE, judge=judge_silence,
        city=CityCache(pool).current, is_connected=lambda: connected,
    )  # fmt: skip
    await heard(pool, START)
    await watch.look()
    clock.at = START + timedelta(hours=3)
    connected = False
    await watch.look()
    connected = True
    await watch.look()
    assert await silences(pool) == [], "while the broker was away nobody was silent"

    clock.at = START + timedelta(hours=6)
    await watch.look()
    await watch.look()
    assert await silences(pool) == [("MN1", False)], "MN2 has never spoken and is not accused"

    await heard(pool, clock.at)
    await watch.look()
    await watch.look()
    assert await silences(pool) == [("MN1", True)]


async def test_stations_that_fall_silent_with_their_gateway_are_one_finding(
    pool: Pool, database_url: str
) -> None:
    await settle(database_url, stations=2)
    await pool.execute("INSERT INTO leases VALUES ('intake', 1, 'test', now())")
    clock = HandClock()
    watch = SilenceWatch(
        pool, Lease("intake", 1), clock, rule=RULE, gateway_rule=GATEWAY_RULE, judge=judge_silence,
        city=CityCache(pool).current, is_connected=lambda: True,
    )  # fmt: skip
    await heard(pool, START)
    await heard(pool, START + timedelta(minutes=1), "MN2")
    await watch.look()
    clock.at = START + timedelta(hours=3)
    await watch.look()
    await watch.look()
    assert (await silences(pool), await silences(pool, GATEWAY_RULE)) == ([], [("MN1", False)])

    await heard(pool, clock.at, "MN2")
    clock.at += timedelta(minutes=5)
    await watch.look()
    await watch.look()
    assert (await silences(pool), await silences(pool, GATEWAY_RULE)) == ([], [("MN1", True)]), (
        "MN1 has time to return"
    )

    clock.at += timedelta(hours=2)
    await heard(pool, clock.at, "MN2")
    await watch.look()
    assert await silences(pool) == [("MN1", False)]


async def test_of_those_that_speak_only_who_shares_a_works_or_an_address_with_a_silent_one_is_looked_at(
    pool: Pool, database_url: str
) -> None:
    await settle(database_url, stations=4)
    await pool.execute("INSERT INTO enterprises (id, name, lat, lon) VALUES ('E2', 'mill', 30, 120)")
    await pool.execute("UPDATE stations SET enterprise = 'E2' WHERE mn IN ('MN3', 'MN4')")
    await pool.execute("UPDATE stations SET source = '10.0.0.1' WHERE mn = 'MN1'")
    await pool.execute("UPDATE stations SET source = '10.0.0.1/32' WHERE mn = 'MN3'")
    for n in range(1, 5):
        await heard(pool, START + timedelta(minutes=n), f"MN{n}")

    async def looked_at(before: datetime) -> list[str]:
        async with pool.acquire() as connection:
            found = await voices.in_question(connection, RULE, GATEWAY_RULE, before)
        return sorted(voice.mn for voice in found)

    assert await looked_at(START) == []
    assert await looked_at(START + timedelta(minutes=1.5)) == ["MN1", "MN2", "MN3"]
    await pool.execute("UPDATE stations SET source = '10.0.0.0/8' WHERE mn IN ('MN1', 'MN3')")
    assert await looked_at(START + timedelta(minutes=1.5)) == ["MN1", "MN2"]
