"""Every way over the broker ends in the same rows: real broker, real database, real `farwatch serve --roles intake`."""

import queue
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import paho.mqtt.client as paho
import pytest

from farwatch.runtime.clock import SystemClock
from farwatch.storage.database import Pool
from ingest.hj212.content import time_text
from ingest.hj212.encode import encode
from ingest.hj212.framer import one
from ingest.hj212.packet import Packet, parse
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
    await settle(database_url, stations=1, codes=("a21026",))
    started = Service(tmp_path / "service", database_url=database_url, mqtt_url=broker.url)
    started.start("intake")
    await started.says("connected to the broker")
    yield started
    started.stop()


@pytest.fixture
def answers(broker: Mosquitto) -> Iterator[queue.Queue[bytes]]:
    """What the station MN1 hears."""
    heard: queue.Queue[bytes] = queue.Queue()
    logger = paho.Client(paho.CallbackAPIVersion.VERSION2, "MN1")
    logger.on_message = lambda _client, _data, said: heard.put(said.payload)
    logger.connect("127.0.0.1", broker.port)
    logger.subscribe("hj212/MN1/down", 1)
    logger.loop_start()
    yield heard
    logger.disconnect()
    logger.loop_stop()


async def count(pool: Pool, sql: str) -> int:
    return int(await pool.fetchval(sql) or 0)


async def test_each_way_in_says_the_same_and_a_frame_is_answered_once_it_is_a_row(
    pool: Pool, broker: Mosquitto, service: Service, answers: "queue.Queue[bytes]"
) -> None:
    start = SystemClock().now() - timedelta(seconds=30)
    times = [(start + timedelta(seconds=5 * n)).replace(microsecond=0) for n in range(4)]
    frame = encode(
        mn="MN1", cn="2011", st="31", pw="123456", qn=time_text(times[1], milliseconds=True), flag=5,
        content=f"DataTime={time_text(times[1])};a21026-Rtd=1.5,a21026-Flag=N",
    )  # fmt: skip
    keyed = {"DataTime": time_text(times[2]), "a21026-Rtd": "1.5", "a21026-Flag": "N"}
    senml = [{"n": "a21026", "u": "ug/m3", "v": 1500, "t": times[3].timestamp()}]
    monitors = FastPublisher(broker.port)
    monitors.publish(
        [
            ("farwatch/v1/MN1/rtd", message(times[0], {"a21026": 1.5})),
            ("hj212/MN1/up", frame),
            ("farwatch/v1/MN1/rtd", orjson.dumps(keyed)),
            ("senml/MN1", orjson.dumps(senml)),
        ]
    )
    monitors.finish()
    await until(lambda: count(pool, "SELECT count(*) FROM readings"), lambda n: n == 4)
    rows = await pool.fetch("SELECT ts, kind, value, flag, late FROM readings ORDER BY ts")
    assert [tuple(row) for row in rows] == [(ts, "rtd", 1.5, "N", False) for ts in times]
    answer = parse(one(answers.get(timeout=10)).segment)
    assert isinstance(answer, Packet)
    assert (answer.cn, answer.mn, answer.sent_at) == ("9014", "MN1", times[1])


async def test_a_frame_that_comes_again_is_answered_again_and_stored_once(
    pool: Pool, broker: Mosquitto, service: Service, answers: "queue.Queue[bytes]"
) -> None:
    at = SystemClock().now().replace(microsecond=0)
    frame = encode(
        mn="MN1", cn="2061", st="31", pw="123456", qn=time_text(at, milliseconds=True), flag=5,
        content=f"DataTime={time_text(at - timedelta(hours=1))};a21026-Avg=1.5,a21026-Flag=N",
    )  # fmt: skip
    monitors = FastPublisher(broker.port)
    monitors.publish([("hj212/MN1/up", frame)] * 3)
    monitors.finish()
    assert len({answers.get(timeout=10) for _ in range(3)}) == 1
    assert await count(pool, "SELECT count(*) FROM readings") == 1
    assert await count(pool, "SELECT count(*) FROM reading_revisions") == 0
