"""kill -9 of the service and of PostgreSQL, and restarts of the broker, at random under load: each reading is there once.

`make torture` strikes 20 times each, under ten times the load; here a few, with the same dice. FARWATCH_TORTURE_SEED repeats a run.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
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

BLOWS = int(os.environ.get("FARWATCH_TORTURE", "4"))
SEED = int(os.environ.get("FARWATCH_TORTURE_SEED", "0")) or random.randrange(1, 10**6)
STATIONS = int(os.environ.get("FARWATCH_TORTURE_STATIONS", "20"))
"""Messages in each round."""
pytestmark = [needs_mosquitto, pytest.mark.process, pytest.mark.timeout(180 + 20 * BLOWS)]

CODES = tuple(f"a{k}" for k in range(10))
ROUND_S, SPAN = 0.05, timedelta(minutes=10)
OVER = range(30, 60)
"""In these hundredths of the load MN1 is at three times its limit, over minutes of event time."""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def strike_service(rig: Rig, dice: random.Random) -> str:
    victim = dice.choice(["intake", "intake", "engine", "review", "database"])
    if victim == "database":
        rig.postgres.kill()
        rig.postgres.start()
    else:
        rig.service.kill_role(victim)
    return victim


def restart_broker(rig: Rig, dice: random.Random) -> str:
    rig.broker.stop()
    time.sleep(dice.random() / 2)
    rig.broker.start()
    return "broker"


def rounds(blows: int) -> int:
    """Enough for two seconds a blow."""
    return max(200, int(blows * 2 / ROUND_S))


def load(count: int, start: datetime) -> Iterator[list[tuple[str, bytes]]]:
    """One message of ten values of every station a round."""
    for i in range(count):
        ts = start + SPAN * i / count
        values = {code: 10.0 + (i + k) % 9 for k, code in enumerate(CODES)}
        over = {**values, "a0": 150.0} if 100 * i // count in OVER else values
        yield [
            (f"farwatch/v1/MN{n}/rtd", message(ts, over if n == 1 else values))
            for n in range(1, STATIONS + 1)
        ]


@pytest.mark.parametrize("strike", [strike_service, restart_broker])
async def test_each_reading_is_there_once_whatever_is_struck(
    rig: Rig, strike: Callable[[Rig, random.Random], str]
) -> None:
    dice = random.Random(SEED)
    url = rig.postgres.url()
    await migrate(url, url)
    await settle(url, stations=STATIONS, codes=CODES)
    rig.service.start("intake,engine,review")
    await rig.service.says("connected to the broker")
    monitors = FastPublisher(rig.broker.port)
    count = rounds(BLOWS)
    at = sorted(dice.sample(range(count // 20, count), BLOWS))
    struck: list[str] = []
    began_s = time.monotonic()
    for i, messages in enumerate(load(count, datetime.now(UTC) - SPAN)):  # noqa: TID251
        monitors.publish(messages)
        if i in at:
            struck.append(strike(rig, dice))
        time.sleep(ROUND_S)  # the load takes its time on purpose, so that the blows fall while it runs
    monitors.finish()
    took_s = time.monotonic() - began_s
    print(f"seed {SEED}: struck {struck}; {count * STATIONS / took_s:.0f} messages/s")  # noqa: T201

    values = count * STATIONS * len(CODES)
    expected = {
        "readings": values, "counted": values, "revisions": 0, "dead_letters": 0, "findings": 2, "ended": 2, "tasks": 1,
        "matters": 1, "opened": 1, "accept_deadlines": 1, "unnumbered": 0,
    }  # fmt: skip
    async with open_pool(url) as pool:

        async def look() -> dict[str, int]:
            return {k: v for k, v in (await facts(pool)).items() if k in expected}

        await until(look, lambda seen: seen == expected, within_s=120)
        async with pool.acquire() as connection:
            assert await first_broken_link(connection) is None
