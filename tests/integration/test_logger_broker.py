"""A station that wraps HJ 212 in MQTT, over a real broker: it is answered and asked under its own topic."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from farwatch.domain.device import Command
from farwatch.storage import device_commands
from farwatch.storage.database import Pool
from simulators.logger_device import LoggerDevice, LoggerIdentity
from tests.support.city import settle
from tests.support.loggers import upload
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


async def test_a_command_goes_down_to_a_station_behind_the_broker(
    pool: Pool, database_url: str, broker: Mosquitto, tmp_path: Path
) -> None:
    await settle(database_url, stations=1)
    service = Service(tmp_path / "service", database_url=database_url, mqtt_url=broker.url)
    service.start("intake")
    now = datetime.now(UTC)  # noqa: TID251
    device = LoggerDevice(LoggerIdentity(mn="MN1", dialect=2025, password="121212"))
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, "MN1")

    def on_message(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        for frame in device.heard(message.payload, now):
            client.publish("hj212/MN1/up", frame, qos=1)

    client.on_message = on_message
    try:
        await service.says("connected to the broker")
        client.connect("127.0.0.1", broker.port)
        client.subscribe("hj212/MN1/down", qos=1)
        client.loop_start()
        client.publish("hj212/MN1/up", upload("MN1", now, 1.0, dialect=2025, pw="121212"), qos=1)
        number = await device_commands.add(pool, "MN1", Command.GET_CLOCK, {}, "amy")

        async def state() -> tuple[str, str]:
            (command,) = await device_commands.of_station(pool, "MN1", 1, before=number + 1)
            return command.state, str(command.way)

        await until(state, lambda seen: seen == ("done", "mqtt"))
    finally:
        await asyncio.to_thread(client.loop_stop)
        service.stop()
