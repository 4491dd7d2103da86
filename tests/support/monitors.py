"""Monitors that publish fast, keep what is not acknowledged over any outage, and know when all of it was."""

import contextlib
import json
import time
from collections.abc import Iterable
from datetime import datetime

import paho.mqtt.client as paho


def message(ts: datetime, values: dict[str, float]) -> bytes:
    return json.dumps({"ts": ts.isoformat(), "values": values}).encode()


class FastPublisher:
    """A thread with a persistent session; `publish` queues, `finish` waits until the broker has acknowledged all."""

    def __init__(self, port: int) -> None:
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, "test-monitors", clean_session=False)
        self._client.max_inflight_messages_set(500)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._sent: list[paho.MQTTMessageInfo] = []

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        self._sent += [self._client.publish(topic, payload, qos=1) for topic, payload in messages]

    def finish(self, within_s: float = 60) -> None:
        give_up_at = time.monotonic() + within_s
        for info in self._sent:
            while not info.is_published():
                if time.monotonic() > give_up_at:
                    raise TimeoutError("the broker did not acknowledge everything")
                time.sleep(0.01)
        self._client.disconnect()
        self._client.loop_stop()

    def close(self) -> None:
        with contextlib.suppress(ValueError):
            self._client.disconnect()
        self._client.loop_stop()
