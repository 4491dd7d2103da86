"""The intake as the process it is: real broker, real database, real `farwatch serve --roles intake`."""

import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farwatch.storage.database import Pool
from tests.support.city import settle
from tests.support.monitors import FastPublisher, message
from tests.support.mosquitto import Mosquitto, needs_mosquitto
from tests.support.service import Service
from tests.support.waiting import until

pytestmark = [needs_mosquitto, pytest.mark.process]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    server = Mosquitto(tmp_path / "broker")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def service(tmp_path: Path, database_url: str, broker: Mosquitto) -> AsyncIterator[Service]:
    await settle(database_url, stations=3)
    started = Service(tmp_path / "service", database_url=database_url, mqtt_url=broker.url)
    started.start("intake")
    await started.says("connected to the broker")
    yield started
    started.stop()


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


async def count(pool: Pool, sql: str) -> int:
    return int(await pool.fetchval(sql) or 0)


async def test_a_message_becomes_readings_and_an_exceedance_its_findings(
    pool: Pool, broker: Mosquitto, service: Service
) -> None:
    monitors = FastPublisher(broker.port)
    start = now() - timedelta(seconds=30)
    monitors.publish(
        ("farwatch/v1/MN1/rtd", message(start + timedelta(seconds=5 * i), {"a21026": 150.0, "a21002": 10.0}))
        for i in range(4)
    )
    monitors.finish()
    await until(lambda: count(pool, "SELECT count(*) FROM readings"), lambda n: n == 8)
    tiers = [r["tier"] for r in await pool.fetch("SELECT tier FROM findings ORDER BY tier")]
    assert tiers == ["early", "violation"]
    await until(
        lambda: count(pool, "SELECT count(*) FROM evidence WHERE kind = 'readings' AND state = 'stored'"),
        lambda n: n == 2,
    )


async def test_ten_thousand_bad_payloads_are_all_kept_or_counted_and_the_next_good_one_is_taken(
    pool: Pool, broker: Mosquitto, service: Service
) -> None:
    dice = random.Random(7)
    topics = [
        "farwatch/v1/MN1/rtd",
        "farwatch/v1/MN2/hour",
        "farwatch/v1/NOBODY/rtd",
        "farwatch/v1/MN1/year",
        "farwatch/v1/\u00e9\U0001f4a9/min",
    ]
    good = message(now(), {"a21026": 10.0})
    bad: list[tuple[str, bytes]] = []
    for i in range(10_000):
        if dice.random() < 0.5:
            body = dice.randbytes(dice.randrange(0, 200))
        else:
            cut = bytearray(good)
            cut[dice.randrange(len(cut))] = dice.randrange(256)
            body = bytes(cut[: dice.randrange(1, len(cut))])
        bad.append((topics[i % len(topics)], body + b"#%d" % i))
    monitors = FastPublisher(broker.port)
    monitors.publish(bad)
    monitors.publish([("farwatch/v1/MN3/rtd", message(now(), {"a21026": 11.0}))])
    monitors.finish()
    await until(lambda: count(pool, "SELECT count(*) FROM readings"), lambda n: n == 1)
    assert await count(pool, "SELECT sum(total) FROM dead_letter_counts") == 10_000
    assert await count(pool, "SELECT count(*) FROM dead_letters") == 10_000


async def test_a_code_that_nobody_registered_is_kept_and_the_registry_stays_as_it_is(
    pool: Pool, broker: Mosquitto, service: Service
) -> None:
    version = await count(pool, "SELECT version FROM registry_version")
    monitors = FastPublisher(broker.port)
    monitors.publish([("farwatch/v1/MN1/rtd", message(now(), {"a21026": 1.0, "zz": 2.0}))])
    monitors.finish()
    await until(lambda: count(pool, "SELECT count(*) FROM readings"), lambda n: n == 2)
    heard = await pool.fetch("SELECT mn, code, active FROM channels WHERE NOT registered")
    assert [tuple(r) for r in heard] == [("MN1", "zz", True)]
    assert await count(pool, "SELECT version FROM registry_version") == version


async def test_another_value_for_the_same_time_is_a_revision_and_both_are_kept(
    pool: Pool, broker: Mosquitto, service: Service
) -> None:
    ts = now()
    monitors = FastPublisher(broker.port)
    monitors.publish(("farwatch/v1/MN1/rtd", message(ts, {"a21026": v})) for v in (1.0, 1.0, 2.0, 1.0))
    monitors.finish()
    await until(lambda: count(pool, "SELECT max(revision) FROM readings"), lambda n: n == 2)
    assert [
        r["value"] for r in await pool.fetch("SELECT value FROM reading_revisions ORDER BY revision")
    ] == [1.0, 2.0]
    assert await count(pool, "SELECT value FROM readings") == 1


async def test_a_second_service_stands_by_and_takes_over(
    pool: Pool, broker: Mosquitto, service: Service, database_url: str, tmp_path: Path
) -> None:
    epoch = "SELECT coalesce(max(epoch), 0) FROM leases WHERE role = 'intake'"
    await until(lambda: count(pool, epoch), lambda n: n == 1)
    second = Service(tmp_path / "second", database_url=database_url, mqtt_url=broker.url)
    second.start("intake")
    try:
        service.kill_parent()
        await until(lambda: count(pool, epoch), lambda n: n == 2, within_s=15)
        monitors = FastPublisher(broker.port)
        monitors.publish([("farwatch/v1/MN1/rtd", message(now(), {"a21026": 1.0}))])
        monitors.finish()
        await until(lambda: count(pool, "SELECT count(*) FROM readings"), lambda n: n == 1)
    finally:
        second.stop()
        service.start("intake")
