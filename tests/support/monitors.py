"""Monitors that publish fast, keep what is not acknowledged over any outage, and know when all of it was."""

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
        self._client.on_publish = self._on_publish
        self._sent = 0
        self._acknowledged = 0
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _on_publish(self, *_: object) -> None:
        self._acknowledged += 1

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            self._client.publish(topic, payload, qos=1)
            self._sent += 1

    def finish(self, within_s: float = 60) -> None:
        give_up_at = time.monotonic() + within_s
        while self._acknowledged < self._sent:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"the broker acknowledged {self._acknowledged} of {self._sent}")
            time.sleep(0.005)
        self._client.disconnect()
        self._client.loop_stop()
