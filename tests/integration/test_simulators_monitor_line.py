"""Simulated monitors on a real broker: every station is heard, with its history, and silence is silence."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farwatch.domain.reading import ReadingKind
from ingest.delivery import Delivery
from ingest.mqtt import Subscription
from ingest.payloads import Measurement, decode
from simulators.city import make_city
from simulators.monitor_line import HISTORY_HOURS, HISTORY_MINUTES, MonitorLine
from simulators.timeline import At, FallsSilent
from tests.support.mosquitto import Mosquitto, needs_mosquitto
from tests.support.waiting import until

pytestmark = [needs_mosquitto, pytest.mark.process]
CITY = make_city(1, cameras_url="rtsp://127.0.0.1:1")
BEGINS_AT = datetime(2026, 3, 2, tzinfo=UTC)


class FastClock:
    """A second passes with every look; nobody waits for it."""

    def __init__(self) -> None:
        self._looks = 0

    def now(self) -> datetime:
        return BEGINS_AT + timedelta(seconds=self._looks)

    def monotonic(self) -> float:
        self._looks += 1
        return float(self._looks)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(tmp_path / "broker")
    made.start()
    yield made
    made.stop()


async def test_every_station_is_heard_with_its_history_and_a_silent_one_is_not(broker: Mosquitto) -> None:
    heard: list[Measurement] = []
    silent = CITY.stations_of("sewage")[0].mn

    async def take(deliveries: Sequence[Delivery]) -> list[None]:
        for d in deliveries:
            decoded = decode(d.topic, d.payload, BEGINS_AT + timedelta(days=1))
            assert not decoded.refusals
            heard.extend(decoded.measurements)
        return [None] * len(deliveries)

    async def live() -> set[str]:
        return {m.mn for m in heard if m.kind is ReadingKind.RTD}

    async def history() -> int:
        return sum(1 for m in heard if m.kind is not ReadingKind.RTD and m.ts < BEGINS_AT)

    async def connected() -> bool:
        return subscription.is_connected

    story = [At(0, FallsSilent(enterprise="sewage"), for_s=1700)]
    line = MonitorLine(CITY, story, FastClock(), seed=1, period_s=0.05)
    subscription = Subscription(broker.url, "listener", take)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(subscription.run_once())
        await until(connected, lambda is_connected: is_connected)
        sending = group.create_task(line.run_once(broker.url))
        await until(live, lambda mns: mns == {s.mn for s in CITY.stations} - {silent})
        await until(history, lambda count: count >= 12 * (HISTORY_HOURS + HISTORY_MINUTES - 2))
        sending.cancel()
        listening.cancel()
