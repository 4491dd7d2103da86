"""The MQTT session against brokers that misbehave (a few bytes of our own) and against a real one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

from ingest import mqtt
from ingest.delivery import BATCHES_APART_S, Delivery
from ingest.mqtt import Subscription, warn_of_small_limits
from ingest.payloads import LARGEST_PAYLOAD_BYTES
from tests.support.monitors import FastPublisher
from tests.support.mosquitto import Mosquitto, needs_mosquitto

CONNECT, PUBLISH, SUBSCRIBE = 1, 3, 8
ACCEPTED = b"\x20\x02\x00\x00"
MESSAGE = b"\x32\x18\x00\x13farwatch/v1/MN1/rtd\x00\x01{"

Answer = Callable[[int, bytes], bytes | None]
"""From a packet's type and body to what the broker says; None: it hangs up."""


@asynccontextmanager
async def a_broker(answer: Answer) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while first := await reader.read(1):
                length, shift = 0, 0
                while True:
                    (byte,) = await reader.readexactly(1)
                    length, shift = length | (byte & 127) << shift, shift + 7
                    if byte < 128:
                        break
                said = answer(first[0] >> 4, await reader.readexactly(length))
                if said is None:
                    break
                writer.write(said)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def nothing(batch: Sequence[Delivery]) -> list[None]:
    return [None] * len(batch)


async def test_a_broker_that_refuses_the_subscription_is_an_error_that_says_so() -> None:
    def refuses(kind: int, body: bytes) -> bytes:
        return {CONNECT: ACCEPTED, SUBSCRIBE: b"\x90\x03" + body[:2] + b"\x80"}.get(kind, b"")

    async with a_broker(refuses) as url:
        subscription = Subscription(url, "x", nothing)
        with pytest.raises(aiomqtt.MqttError, match="refuses the subscription"):
            await subscription.run_once()
    assert not subscription.is_connected


async def test_looking_at_the_limits_never_fails_even_when_the_broker_goes_meanwhile(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def hangs_up(kind: int, body: bytes) -> bytes | None:
        return {CONNECT: ACCEPTED, SUBSCRIBE: b"\x90\x03" + body[:2] + b"\x01", PUBLISH: None}.get(kind, b"")

    async with a_broker(hangs_up) as url:
        with caplog.at_level(logging.WARNING):
            await warn_of_small_limits(url, "x")
    assert "could not be looked at" in caplog.text


async def test_looking_at_the_limits_of_a_silent_broker_ends_too(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "PROBE_TIMEOUT_S", 0.1)

    async with a_broker(lambda _kind, _body: b"") as url:
        with caplog.at_level(logging.WARNING):
            await warn_of_small_limits(url, "x")
    assert "could not be looked at" in caplog.text


@needs_mosquitto
async def test_batches_are_bounded_in_bytes_and_what_is_too_large_is_cut(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    batches: list[Sequence[Delivery]] = []

    async def take(batch: Sequence[Delivery]) -> list[None]:
        batches.append(batch)
        return await nothing(batch)

    async with asyncio.TaskGroup() as group:
        subscription = Subscription(broker.url, "x", take)
        running = group.create_task(subscription.run_once())
        while not subscription.is_connected:
            await asyncio.sleep(0.01)
        monitors = FastPublisher(broker.port)
        large = b"x" * (2 * LARGEST_PAYLOAD_BYTES)
        monitors.publish(("farwatch/v1/MN1/rtd", large) for _ in range(20))
        monitors.finish()
        async with asyncio.timeout(10):
            while sum(map(len, batches)) < 20:
                await asyncio.sleep(0.01)
        running.cancel()
    broker.stop()
    sizes = [sum(len(d.payload) for d in batch) for batch in batches]
    assert max(sizes) <= mqtt.LARGEST_BATCH_BYTES + LARGEST_PAYLOAD_BYTES + 1
    assert {len(d.payload) for batch in batches for d in batch} == {LARGEST_PAYLOAD_BYTES + 1}


class SlowTake:
    """Says when each batch came, and commits it when it is let."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.done: list[int] = []
        self.may_go_on = asyncio.Event()
        self._turn = asyncio.Lock()

    async def __call__(self, batch: Sequence[Delivery]) -> list[None]:
        self.began.append(len(batch))
        async with self._turn:
            await self.may_go_on.wait()
            self.done.append(len(batch))
        return [None] * len(batch)


async def until_true(says: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not says():
            await asyncio.sleep(0.01)


@needs_mosquitto
async def test_the_next_batch_is_read_while_one_is_committed_and_each_is_acknowledged_once(
    tmp_path: Path,
) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    take, again = SlowTake(), SlowTake()
    again.may_go_on.set()
    monitors = FastPublisher(broker.port)
    async with asyncio.TaskGroup() as group:
        subscription = Subscription(broker.url, "x", take)
        running = group.create_task(subscription.run_once())
        await until_true(lambda: subscription.is_connected)
        monitors.publish(("farwatch/v1/MN1/rtd", b"%d" % n) for n in range(1000))
        monitors.finish()
        await until_true(lambda: len(take.began) == 2)
        assert take.done == []
        take.may_go_on.set()
        await until_true(lambda: sum(take.done) == 1000 and not subscription._under_way)
        # The broker answers in order: what is asked now is answered when it has read all acknowledgements.
        assert subscription._client is not None
        await subscription._client.subscribe("flush")
        running.cancel()
    async with asyncio.TaskGroup() as group:
        subscription = Subscription(broker.url, "x", again)
        running = group.create_task(subscription.run_once())
        await until_true(lambda: subscription.is_connected)
        last = FastPublisher(broker.port)
        last.publish([("farwatch/v1/MN1/rtd", b"last")])
        last.finish()
        await until_true(lambda: bool(again.began))
        running.cancel()
    broker.stop()
    assert take.began == take.done
    assert take.began[1] >= mqtt.READ_AHEAD_FROM
    assert again.began == [1]


@needs_mosquitto
async def test_messages_that_come_one_by_one_share_batches(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    began_at_s: list[float] = []
    sizes: list[int] = []

    async def take(batch: Sequence[Delivery]) -> list[None]:
        began_at_s.append(asyncio.get_running_loop().time())
        sizes.append(len(batch))
        return await nothing(batch)

    monitors = FastPublisher(broker.port)
    async with asyncio.TaskGroup() as group:
        subscription = Subscription(broker.url, "x", take)
        running = group.create_task(subscription.run_once())
        await until_true(lambda: subscription.is_connected)
        for n in range(100):
            monitors.publish([("farwatch/v1/MN1/rtd", b"%d" % n)])
            await asyncio.sleep(0.001)
        await until_true(lambda: sum(sizes) == 100)
        running.cancel()
    monitors.finish()
    broker.stop()
    assert len(sizes) <= 2 + (began_at_s[-1] - began_at_s[0]) / BATCHES_APART_S


@needs_mosquitto
async def test_a_lost_connection_lets_the_commit_end_and_is_told_as_what_it_is(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    take = SlowTake()
    subscription = Subscription(broker.url, "x", take)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(outcome_of(subscription))
        await until_true(lambda: subscription.is_connected)
        monitors = FastPublisher(broker.port)
        monitors.publish([("farwatch/v1/MN1/rtd", b"1")])
        monitors.finish()
        await until_true(lambda: take.began == [1])
        broker.stop()
        await asyncio.sleep(0.05)
        assert not running.done()
        take.may_go_on.set()
    assert isinstance(running.result(), aiomqtt.MqttError)
    assert take.done == [1]


@needs_mosquitto
async def test_what_taking_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    async def fails(_: Sequence[Delivery]) -> list[None]:
        raise LookupError

    broker = Mosquitto(tmp_path)
    broker.start()
    subscription = Subscription(broker.url, "x", fails)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(outcome_of(subscription))
        await until_true(lambda: subscription.is_connected)
        monitors = FastPublisher(broker.port)
        monitors.publish([("farwatch/v1/MN1/rtd", b"1")])
        monitors.finish()
    broker.stop()
    assert isinstance(running.result(), LookupError)


async def outcome_of(subscription: Subscription) -> Exception | None:
    try:
        await subscription.run_once()
    except (LookupError, *mqtt.PASSING_ERRORS) as error:
        return error
    return None


async def test_a_broker_that_holds_messages_back_is_left_but_not_while_we_owe_it_an_acknowledgement() -> None:
    echoes = 0

    def delivers_once(kind: int, body: bytes) -> bytes:
        nonlocal echoes
        echoes += kind == PUBLISH
        first = kind == SUBSCRIBE and b"farwatch/v1" in body
        return {CONNECT: ACCEPTED, SUBSCRIBE: b"\x90\x03" + body[:2] + b"\x01"}.get(
            kind, b""
        ) + MESSAGE * first

    take = SlowTake()
    async with a_broker(delivers_once) as url, asyncio.TaskGroup() as group:
        running = group.create_task(outcome_of(Subscription(url, "x", take, echo_every_s=0.05)))
        await until_true(lambda: echoes > 5)
        assert take.began == [1]
        assert not running.done()
        take.may_go_on.set()
    assert "holds messages back" in str(running.result())


@needs_mosquitto
async def test_a_quiet_broker_that_delivers_is_not_left_and_nobody_takes_the_echoes(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    take = SlowTake()
    subscription = Subscription(broker.url, "x", take, echo_every_s=0.05)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(outcome_of(subscription))
        await until_true(lambda: subscription.is_connected)
        client = subscription._client
        await until_true(lambda: running.done() or (client is not None and client.arrived_count > 5))
        assert not running.done()
        running.cancel()
    broker.stop()
    assert take.began == []


@needs_mosquitto
async def test_what_did_not_fit_into_memory_comes_in_order_on_the_next_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "INBOX_LIMIT", 20)
    monkeypatch.setattr(mqtt, "LARGEST_BATCH", 5)
    broker = Mosquitto(tmp_path, "max_inflight_messages 30\nmax_queued_messages 0\n")
    broker.start()
    taken: list[int] = []

    async def take(batch: Sequence[Delivery]) -> list[None]:
        taken.extend(int(d.payload) for d in batch)
        return await nothing(batch)

    subscription = Subscription(broker.url, "x", take)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(outcome_of(subscription))
        await until_true(lambda: subscription.is_connected)
        running.cancel()
    monitors = FastPublisher(broker.port)
    monitors.publish(("farwatch/v1/MN1/rtd", b"%d" % n) for n in range(100))
    monitors.finish()
    ends: list[Exception | None] = []

    async def connect_again_and_again() -> None:
        while True:
            ends.append(await outcome_of(subscription))

    async with asyncio.TaskGroup() as group:
        running = group.create_task(connect_again_and_again())
        await until_true(lambda: len(set(taken)) == 100)
        running.cancel()
    broker.stop()
    assert list(dict.fromkeys(taken)) == list(range(100))
    assert ends
    assert all(isinstance(end, aiomqtt.MqttError) for end in ends)
