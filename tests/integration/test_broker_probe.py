"""The broker's limits, seen from outside, on a real mosquitto."""

from pathlib import Path

import pytest

from ingest.mqtt import PROBE_MESSAGES, probe
from tests.support.mosquitto import Mosquitto, needs_mosquitto

pytestmark = needs_mosquitto


async def test_a_broker_that_keeps_enough_gets_no_advice(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    limits = await probe(broker.url, "farwatch-intake")
    broker.stop()
    assert limits.in_flight == PROBE_MESSAGES
    assert limits.queued == PROBE_MESSAGES
    assert limits.advice is None


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ("max_inflight_messages 20\n", "max_inflight_messages"),
        ("max_inflight_messages 1000\nmax_queued_messages 100\n", "max_queued"),
    ],
)
async def test_a_broker_that_keeps_little_is_told_what_to_set(
    tmp_path: Path, settings: str, advice: str
) -> None:
    broker = Mosquitto(tmp_path, settings)
    broker.start()
    limits = await probe(broker.url, "farwatch-intake")
    broker.stop()
    assert advice in (limits.advice or "")
