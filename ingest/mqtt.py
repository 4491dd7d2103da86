"""The MQTT shell: a persistent session with manual acknowledgement, the one place that knows aiomqtt.

aiomqtt alone acknowledges a message before anybody stored it. Here a message is acknowledged when its batch is
committed, in arrival order, and only on the connection that delivered it: packet ids are used again after a reconnect.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

import aiomqtt
from paho.mqtt.client import MQTTMessage

from ingest.delivery import Delivery, next_turn
from ingest.metrics import MQTT_CONNECTED, MQTT_DROPPED
from ingest.payloads import LARGEST_PAYLOAD_BYTES
from ingest.payloads.topics import OTHER_TOPICS, OWN_TOPICS, Route, answers_topic, route

log = logging.getLogger(__name__)

PASSING_ERRORS: tuple[type[Exception], ...] = (aiomqtt.MqttError, OSError, TimeoutError)
LARGEST_BATCH = 2000
LARGEST_BATCH_BYTES = 256 * 1024
"""Of payload: so that a batch of messages with 200 codes each is still written within a second or two."""
READ_AHEAD_FROM = 300
"""So many messages that wait are worth a batch of their own while another is being committed."""
PROBE_TOPIC = "farwatch/probe"
PROBE_MESSAGES = 1200
"""More than mosquitto queues by default (1000); a few hundred kilobytes on the wire."""
PROBE_TIMEOUT_S = 10.0
PROBE_QUIET_S = 0.5
WANTED_IN_FLIGHT = 1000
INBOX_LIMIT = 70_000
"""More than the 65,535 QoS 1 messages that MQTT lets a broker have in flight; mosquitto before 2.0.13 sends more at times."""
ECHO_EVERY_S = 10.0
SUBSCRIPTION_REFUSED = 0x80


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """`mqtt://user:password@host:1883` or `mqtts://…:8883`."""

    hostname: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> "BrokerUrl":
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("the broker's address must look like mqtt://user:password@host:1883")
        tls = parts.scheme == "mqtts"
        return cls(
            parts.hostname,
            parts.port or (8883 if tls else 1883),
            tls,
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
        )


class RefusedError(aiomqtt.MqttError):
    """The broker does not let us read a topic."""


class _Client(aiomqtt.Client):
    """Looks at the error of a lost connection itself, so that asyncio does not complain: the next call tells it."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._disconnected.add_done_callback(self._on_disconnected)
        return self

    def _on_disconnected(self, disconnected: asyncio.Future[None]) -> None:
        if not disconnected.cancelled():
            disconnected.exception()


class _ManualAckClient(_Client):
    """Keeps raw messages in a bounded inbox and leaves the acknowledgement to its user."""

    def __init__(
        self, broker: BrokerUrl, client_id: str, generation: int, *, clean_session: bool = False
    ) -> None:
        super().__init__(
            broker.hostname, broker.port, username=broker.username, password=broker.password, identifier=client_id,
            clean_session=clean_session, tls_params=aiomqtt.TLSParameters() if broker.tls else None, timeout=10, keepalive=20,
        )  # fmt: skip
        self._client.manual_ack_set(True)
        self.generation = generation
        self.inbox_drop_newest: deque[Delivery] = deque()
        self.arrived = asyncio.Event()
        self.arrived_count = 0
        self._owes_acknowledgements = False

    def _on_disconnected(self, disconnected: asyncio.Future[None]) -> None:
        super()._on_disconnected(disconnected)
        self.arrived.set()

    def _on_message(self, _client: object, _userdata: object, message: MQTTMessage) -> None:
        self.arrived_count += 1
        # After the first one all are dropped, so that what comes again on the next connection comes in order.
        if self._owes_acknowledgements or len(self.inbox_drop_newest) >= INBOX_LIMIT:
            MQTT_DROPPED.inc()
            self._owes_acknowledgements |= message.qos > 0
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # refused as bad_topic: a malformed name must not end the session
        self.inbox_drop_newest.append(
            Delivery(
                topic,
                bytes(message.payload[: LARGEST_PAYLOAD_BYTES + 1]),
                message.qos,
                message.mid,
                self.generation,
            )
        )
        self.arrived.set()

    async def arrivals(self, wanted: int, quiet_s: float) -> int:
        """How many have arrived once `wanted` have, or nothing more came for `quiet_s`."""
        seen = -1
        while len(self.inbox_drop_newest) < wanted and len(self.inbox_drop_newest) != seen:
            seen = len(self.inbox_drop_newest)
            await asyncio.sleep(quiet_s)
        return len(self.inbox_drop_newest)

    @property
    def is_gone(self) -> bool:
        """Closed, or of no more use: what was dropped at QoS 1 comes again on the next connection only."""
        return bool(self._disconnected.done()) or (self._owes_acknowledgements and not self.inbox_drop_newest)

    async def next_batch(self) -> list[Delivery]:
        """What has arrived, bounded as in `batch`; waits for the first. Raises MqttError when the broker is gone."""
        while not self.inbox_drop_newest:
            if self.is_gone:
                raise aiomqtt.MqttError("the broker closed the connection")
            self.arrived.clear()
            await self.arrived.wait()
        return self.batch()

    def batch(self) -> list[Delivery]:
        """What has arrived, at most LARGEST_BATCH and about LARGEST_BATCH_BYTES."""
        batch: list[Delivery] = []
        room = LARGEST_BATCH_BYTES
        while self.inbox_drop_newest and len(batch) < LARGEST_BATCH and room > 0:
            batch.append(self.inbox_drop_newest.popleft())
            room -= len(batch[-1].payload)
        return batch

    async def listen(self, topic: str) -> None:
        """Subscribes at QoS 1. Raises RefusedError when the broker does not let us: it would just never send anything."""
        granted = await self.subscribe(topic, qos=1)
        if any((c if isinstance(c, int) else c.value) >= SUBSCRIPTION_REFUSED for c in granted):
            raise RefusedError(f"the broker refuses the subscription to {topic}")

    async def listen_to_others(self, topics: Sequence[str]) -> None:
        """A broker whose rules are older than these topics goes on with those that it knows."""
        for topic in topics:
            try:
                await self.listen(topic)
            except RefusedError as refused:
                log.warning("%s", refused, extra={"event": "subscription_refused", "topic": topic})

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """In arrival order. What came on an older connection is not acknowledged: the broker sends it again."""
        for d in deliveries:
            if d.qos > 0 and d.generation == self.generation:
                self._client.ack(d.packet_id, d.qos)

    def answer(self, deliveries: Sequence[Delivery], answers: Sequence[bytes | None]) -> None:
        """What the senders of these deliveries wait for. One that is lost on its way is asked for again."""
        for delivery, answer in zip(deliveries, answers, strict=True):
            to = route(delivery.topic)
            if answer is not None and isinstance(to, Route):
                self.send(answers_topic(to.mn), answer)

    def send(self, topic: str, payload: bytes, qos: int = 0) -> None:
        """Without waiting; what waits for the socket is bounded by the batch that is answered."""
        self._client.publish(topic, payload, qos=qos)


class Subscription:
    """Subscribes to all monitors and hands each batch to `take`, which returns once it is committed and says what to
    answer to each delivery. Looks every `echo_every_s` whether the broker still delivers."""

    def __init__(
        self,
        url: str,
        client_id: str,
        take: Callable[[Sequence[Delivery]], Awaitable[Sequence[bytes | None]]],
        *,
        echo_every_s: float = ECHO_EVERY_S,
    ) -> None:
        self._broker = BrokerUrl.parse(url)
        self._client_id = client_id
        self._take = take
        self._echo_every_s = echo_every_s
        self._echo_topic = f"{PROBE_TOPIC}/{client_id}/echo"
        self._generation = 0
        self._client: _ManualAckClient | None = None
        self._under_way = 0

    @property
    def is_connected(self) -> bool:
        """Whether messages can reach us now."""
        return self._client is not None

    def send(self, mn: str, frame: bytes) -> bool:
        """Hands an HJ 212 frame for a station to the broker, at most once: whoever waits for a reply asks again. False when
        there is no broker now."""
        if self._client is None:
            return False
        self._client.send(answers_topic(mn), frame)
        return True

    async def run_once(self) -> None:
        """One connection, from connect to loss. Raises one of PASSING_ERRORS, or whatever `take` raises."""
        self._generation += 1
        try:
            async with _ManualAckClient(self._broker, self._client_id, self._generation) as client:
                await client.listen(OWN_TOPICS)
                await client.listen_to_others((*OTHER_TOPICS, self._echo_topic))
                self._client = client
                log.info(
                    "connected to the broker",
                    extra={"event": "broker_connected", "broker": self._broker.hostname},
                )
                MQTT_CONNECTED.set(1)
                await self._take_for_ever(client)
        finally:
            if self._client is not None:
                self._client.inbox_drop_newest.clear()  # aiomqtt's clients live until they are collected
            self._client = None
            MQTT_CONNECTED.set(0)

    async def _take_for_ever(self, client: _ManualAckClient) -> None:
        """While a batch is being committed the next one is read, once it is worth it: `take` commits in the order of its
        calls. When the connection is lost, what is under way is committed first."""
        self._under_way = 0
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen_for_echoes(client))
                while self._under_way or not client.is_gone:
                    wanted = 1 if not self._under_way else READ_AHEAD_FROM
                    if len(client.inbox_drop_newest) >= wanted and self._under_way < 2 and not client.is_gone:
                        self._under_way += 1
                        group.create_task(self._take_one(client, client.batch()))
                    else:
                        client.arrived.clear()
                        await client.arrived.wait()
                raise aiomqtt.MqttError("the broker closed the connection")
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _listen_for_echoes(self, client: _ManualAckClient) -> None:
        """Raises MqttError when nothing came for a while although we wait for nothing but our own echo. mosquitto before
        2.0.13 miscounts what is in flight (its issue 2306) and may hold all messages back until the next connection."""
        while True:
            was_idle = not self._under_way and not client.inbox_drop_newest
            arrived_count = client.arrived_count
            client.send(self._echo_topic, b"", qos=1)
            await asyncio.sleep(self._echo_every_s)
            if was_idle and client.arrived_count == arrived_count:
                raise aiomqtt.MqttError("the broker holds messages back, or refuses farwatch/probe/# to us")

    async def _take_one(self, client: _ManualAckClient, batch: Sequence[Delivery]) -> None:
        began_s = asyncio.get_running_loop().time()
        try:
            messages = [d for d in batch if d.topic != self._echo_topic]
            answers = await self._take(messages) if messages else ()
            client.acknowledge(batch)
            client.answer(messages, answers)
            await next_turn(began_s)
        finally:
            self._under_way -= 1
            client.arrived.set()


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """What the broker was seen to keep for one session; PROBE_MESSAGES means: at least that."""

    in_flight: int
    queued: int

    @property
    def advice(self) -> str | None:
        """What the operator should set, or None when the broker keeps enough."""
        if self.in_flight < WANTED_IN_FLIGHT:
            return (
                f"the broker sends only {self.in_flight} messages before an acknowledgement, which bounds the rate:"
                " set max_inflight_messages 4096 (deploy/mosquitto)"
            )
        if self.queued < PROBE_MESSAGES:
            return (
                f"the broker keeps only {self.queued} messages while Farwatch is away and drops the rest:"
                " set max_queued_messages and max_queued_bytes (deploy/mosquitto)"
            )
        return None


async def probe(url: str, client_id: str) -> BrokerLimits:
    """Sends itself messages, first leaving them unacknowledged, then taking all. Raises PASSING_ERRORS, in groups too."""
    broker = BrokerUrl.parse(url)
    topic = f"{PROBE_TOPIC}/{client_id}"
    async with asyncio.timeout(PROBE_TIMEOUT_S * 3):
        async with _ManualAckClient(broker, f"{client_id}-probe", 0, clean_session=True) as client:
            await client.listen(topic)
            async with open_publisher(url) as publish, asyncio.TaskGroup() as group:
                for n in range(PROBE_MESSAGES):
                    group.create_task(publish(topic, b"%d" % n))
            in_flight = await client.arrivals(PROBE_MESSAGES, PROBE_QUIET_S)
            taken = 0
            while taken < PROBE_MESSAGES and await client.arrivals(1, PROBE_QUIET_S):
                batch = await client.next_batch()
                client.acknowledge(batch)
                taken += len(batch)
    return BrokerLimits(in_flight, taken)


async def warn_of_small_limits(url: str, client_id: str) -> None:
    """Once at the start: a broker that forgets or throttles is told in the log, and the service runs all the same."""
    limits = None
    try:
        limits = await probe(url, client_id)
    except* PASSING_ERRORS as errors:
        log.warning(
            "the broker's limits could not be looked at: %s",
            errors.exceptions[0],
            extra={"event": "broker_probe_failed"},
        )
    if limits and limits.advice:
        log.warning(
            "%s",
            limits.advice,
            extra={"event": "broker_limits", "in_flight": limits.in_flight, "queued": limits.queued},
        )


@asynccontextmanager
async def open_publisher(
    url: str, client_id: str | None = None
) -> AsyncIterator[Callable[[str, bytes], Coroutine[object, object, None]]]:
    """Gives `publish(topic, payload)`, QoS 1, which returns when the broker has acknowledged. For simulated monitors."""
    broker = BrokerUrl.parse(url)
    tls = aiomqtt.TLSParameters() if broker.tls else None
    async with _Client(
        broker.hostname,
        broker.port,
        username=broker.username,
        password=broker.password,
        identifier=client_id,
        tls_params=tls,
    ) as client:
        client.pending_calls_threshold = PROBE_MESSAGES  # many publishers at once are meant

        async def publish(topic: str, payload: bytes) -> None:
            await client.publish(topic, payload, qos=1)
            # Python 3.11's wait_for forgets a cancellation that comes together with the acknowledgement.
            if (task := asyncio.current_task()) and task.cancelling():
                raise asyncio.CancelledError

        yield publish
