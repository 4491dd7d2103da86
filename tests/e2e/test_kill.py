"""kill -9 of each role and of PostgreSQL, and a broker restart, in the middle of 20,000 QoS 1 messages."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farwatch.storage.database import open_pool
from farwatch.storage.migration import migrate
from farwatch.storage.sequencer import first_broken_link
from tests.support.city import settle
from tests.support.monitors import FastPublisher, message
from tests.support.mosquitto import needs_mosquitto
from tests.support.rig import Rig, facts
from tests.support.waiting import until

pytestmark = [needs_mosquitto, pytest.mark.process, pytest.mark.timeout(240)]

STATIONS, EACH, CHUNK = 10, 2000, 500


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def story(start: datetime) -> list[tuple[str, bytes]]:
    """Every station each 0.4 s; MN1 is at three times its limit for two minutes in the middle."""
    messages = []
    for i in range(EACH):
        ts = start + timedelta(seconds=0.4 * i)
        for n in range(1, STATIONS + 1):
            over = n == 1 and 1000 <= i < 1300
            messages.append(
                (f"farwatch/v1/MN{n}/rtd", message(ts, {"a21026": 150.0 if over else 10.0 + i % 7}))
            )
    return messages


def strike(rig: Rig, chunk: int) -> None:
    """What goes wrong while the chunk is on its way."""
    match chunk:
        case 6 | 22:
            rig.service.kill_role("intake")
        case 10 | 24:
            rig.service.kill_role("engine")
        case 16:
            rig.service.kill_role("web")
        case 18:
            rig.service.kill_role("cameras")
        case 14 | 21:
            rig.postgres.kill()
            rig.postgres.start()
        case 30:
            rig.broker.stop()
            rig.broker.start()


async def test_each_reading_is_there_once_and_the_task_as_if_nothing_had_happened(rig: Rig) -> None:
    url = rig.postgres.url()
    await migrate(url, url)
    await settle(url, stations=STATIONS, codes=("a21026",))
    rig.service.start("intake,engine,web,cameras")
    await rig.service.says("connected to the broker")
    messages = story(datetime.now(UTC) - timedelta(seconds=0.4 * EACH))  # noqa: TID251
    monitors = FastPublisher(rig.broker.port)
    for chunk in range(len(messages) // CHUNK):
        monitors.publish(messages[chunk * CHUNK : (chunk + 1) * CHUNK])
        strike(rig, chunk)
        time.sleep(0.25)  # the load takes its time on purpose, so that the blows fall while it runs
    monitors.finish()

    async with open_pool(url) as pool:
        expected = {
            "readings": STATIONS * EACH, "revisions": 0, "dead_letters": 0, "findings": 2, "ended": 2, "tasks": 1, "matters": 1,
            "opened": 1, "found": 2, "accept_deadlines": 1, "unnumbered": 0,
        }  # fmt: skip

        async def look() -> dict[str, int]:
            return {k: v for k, v in (await facts(pool)).items() if k in expected}

        await until(look, lambda seen: seen == expected, within_s=60)
        async with pool.acquire() as connection:
            assert await first_broken_link(connection) is None
    assert all(rig.service.pid_of(role) for role in ("intake", "engine", "web", "cameras"))
