"""kill -9 of the broker: what it had acknowledged and not saved may be gone. The loss is bounded by the autosave, seen as a gap
in the station's hours, and fetched again from a station that speaks HJ 212."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from farwatch.domain.reading import ReadingKind
from farwatch.storage.database import Pool, open_pool
from farwatch.storage.migration import migrate
from ingest.payloads import Measurement
from simulators.logger_device import LoggerDevice, LoggerIdentity, Manner
from tests.support.city import settle
from tests.support.mosquitto import needs_mosquitto
from tests.support.rig import Rig
from tests.support.waiting import until

pytestmark = [needs_mosquitto, pytest.mark.process, pytest.mark.timeout(180)]

CODES = ("a21002", "a21026")
AUTOSAVE_S = 1
"""As tests/support/mosquitto.py sets it; the shipped configuration has its own, larger one."""
PER_HOUR = 61 * len(CODES)


class Logger:
    """The simulated logger on the broker: what it sends is QoS 1, and it does what it is told on its own topic.

    It wants no acknowledgement of the platform's own (9014), so that only the broker answers for what it took.
    """

    def __init__(self, port: int) -> None:
        self.device = LoggerDevice(LoggerIdentity(mn="MN1", password=""), Manner(data_unanswered=True))
        self._lock = threading.Lock()
        self._acknowledged = self._sent = 0
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, "logger", clean_session=True)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("hj212/MN1/down", qos=1)
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _on_publish(self, *_: object) -> None:
        self._acknowledged += 1

    def _on_message(self, _client: object, _userdata: object, said: paho.MQTTMessage) -> None:
        with self._lock:
            answers = self.device.heard(said.payload, datetime.now(UTC))  # noqa: TID251
        self._publish(answers)

    def _publish(self, frames: list[bytes]) -> None:
        for frame in frames:
            self._client.publish("hj212/MN1/up", frame, qos=1)
            self._sent += 1

    def tell(self, hour: datetime) -> None:
        """The hour's minutes and its mean; returns when the broker has acknowledged all."""
        with self._lock:
            for measurement in measurements(hour):
                self._publish(self.device.measured(measurement, datetime.now(UTC)))  # noqa: TID251
        give_up_at = time.monotonic() + 20
        while self._acknowledged < self._sent:
            assert time.monotonic() < give_up_at, f"{self._acknowledged} of {self._sent}"
            time.sleep(0.005)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def measurements(hour: datetime) -> Iterator[Measurement]:
    for minute in range(60):
        ts = hour + timedelta(minutes=minute)
        values = {code: 10.0 + (minute * 7 + hour.hour * 3 + k) % 13 for k, code in enumerate(CODES)}
        yield Measurement("MN1", ReadingKind.MIN, ts, values)
    yield Measurement("MN1", ReadingKind.HOUR, hour, dict.fromkeys(CODES, 15.0))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


async def hours_there(pool: Pool) -> dict[datetime, int]:
    rows = await pool.fetch(
        "SELECT date_trunc('hour', ts, 'UTC') AS hour, count(*) AS n FROM readings GROUP BY 1 ORDER BY 1"
    )
    return {r["hour"]: r["n"] for r in rows}


async def test_what_the_broker_lost_is_a_gap_and_comes_back(rig: Rig) -> None:
    url = rig.postgres.url()
    await migrate(url, url)
    await settle(url, stations=1, codes=CODES)
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)  # noqa: TID251
    hours = [this_hour - timedelta(hours=n) for n in range(8, 1, -1)]
    rig.service.start("intake,review")
    await rig.service.says("connected to the broker")
    logger = Logger(rig.broker.port)
    async with open_pool(url) as pool:
        for hour in hours[:3]:
            logger.tell(hour)
        await until(lambda: hours_there(pool), lambda seen: sum(seen.values()) == 3 * PER_HOUR)
        rig.service.stop()  # so that what comes now waits in the broker

        logger.tell(hours[3])
        time.sleep(AUTOSAVE_S + 1.5)  # saved
        logger.tell(hours[4])
        rig.broker.kill()
        rig.broker.start()
        rig.service.start("intake,review")
        restarted_at = datetime.now(UTC)  # noqa: TID251
        logger.tell(hours[5])
        # A station is asked by the review of an hour that comes once it is known to speak again.
        await until(
            lambda: pool.fetchval("SELECT heard_at > $1 FROM station_links", restarted_at),
            lambda heard: heard is True,
        )
        logger.tell(hours[6])
        told = len(hours) * PER_HOUR
        seen = await until(lambda: hours_there(pool), lambda seen: seen.get(hours[-1], 0) == PER_HOUR)
        lost = told - sum(seen.values())
        print(f"kill -9 of the broker lost {lost} readings of {told}: those of the last {AUTOSAVE_S} s")  # noqa: T201
        assert seen.get(hours[3]) == PER_HOUR, "what was saved is not lost"

        await until(
            lambda: hours_there(pool), lambda seen: seen == dict.fromkeys(hours, PER_HOUR), within_s=60
        )
        commands = await pool.fetch("SELECT command, state FROM device_commands ORDER BY id")
        findings = {
            r["rule"] for r in await pool.fetch("SELECT rule FROM findings WHERE kind = 'data_fault'")
        }
    logger.stop()
    assert 0 < lost <= PER_HOUR
    assert "data_gap" in findings
    assert {"2061", "2051"} <= {r["command"] for r in commands}, (
        "both the hours and their minutes were asked for again"
    )
