"""The ways out of the house against real servers: what each answer means, and that nothing of an address is told."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from alerting.channels import Address, Failed, Message, Sent
from alerting.channels.addresses import problem_with
from alerting.channels.apprise_channel import AppriseChannel
from alerting.channels.by_scheme import ByScheme
from alerting.channels.cloud_event import cloud_event
from alerting.channels.robots import Robot, Robots
from alerting.channels.webhook import Webhook
from farwatch.runtime.clock import SystemClock
from tests.support.answering import Receiver, receiving
from tests.support.mosquitto import Mosquitto, needs_mosquitto

SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes of key").decode()
CLOCK = SystemClock()
MESSAGE = Message(
    key="12:offer:hook:o1",
    title="远望",
    text="有新的任务等待您接单",
    event=cloud_event(
        type="farwatch.task.offered", source="//city/farwatch", id="12:offer:hook:o1", at=CLOCK.now(), subject="tasks/12",
        data={"task": 12},
    ),
)  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    webhook = Webhook(CLOCK, timeout_s=1.0)
    yield webhook
    await webhook.close()


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/200", Sent(delivered=True)),
        ("/202", Sent(delivered=True)),
        ("/400", Failed("http_400", refused=True)),
        ("/401", Failed("http_401")),
        ("/404", Failed("http_404")),
        ("/410", Failed("http_410", for_good=True, refused=True)),
        ("/422", Failed("http_422", refused=True)),
        ("/429", Failed("http_429", too_many=True)),
        ("/429?90", Failed("http_429", 90.0, too_many=True)),
        ("/429?999999", Failed("http_429", 3600.0, too_many=True)),
        ("/500", Failed("http_500")),
        ("/gone", Failed("http_307")),
        ("/hang", Failed("timeout")),
    ],
)
async def test_what_a_webhook_answers_is_what_became_of_it(
    webhook: Webhook, receiver: Receiver, path: str, outcome: Sent | Failed
) -> None:
    assert await webhook.send(Address(receiver.url(path)), MESSAGE) == outcome
    assert [way for way, _, _ in receiver.got] == [path]


async def test_nobody_there_and_an_address_without_a_host(webhook: Webhook) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"webhook+http://127.0.0.1:{free.getsockname()[1]}/token-abc"
        assert await webhook.send(Address(nobody), MESSAGE) == Failed("not_reached")
    assert await webhook.send(Address("webhook+http://"), MESSAGE) == Failed("bad_address", for_good=True)


async def test_a_receiver_can_check_the_signature_in_a_few_lines(
    webhook: Webhook, receiver: Receiver
) -> None:
    await webhook.send(Address(receiver.url("/200"), SECRET), MESSAGE)
    ((_, headers, body),) = receiver.got
    # As docs/reference/notices.md shows it.
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert hmac.compare_digest(expected, headers["webhook-signature"])
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert headers["webhook-id"] == json.loads(body)["id"] == MESSAGE.key


@pytest.mark.parametrize(
    ("url", "well"),
    [
        ("webhook+https://hooks.example/x", True),
        ("webhook+http://127.0.0.1:8080/x", True),
        ("webhook+http://[::1]:8080/x", True),
        ("webhook+http://localhost/x", True),
        ("webhook+http://10.0.0.8/x", False),
        ("webhook+http://127.0.0.1.example/x", False),
        ("webhook+https:///x", False),
        ("webhook+http://[::1/x", False),
        ("dingtalk://token", True),
    ],
)
def test_plain_http_is_for_this_machine_only(url: str, *, well: bool) -> None:
    problem = problem_with(url)
    assert (problem is None) == well
    assert url not in str(problem)


def robots(receiver: Receiver, code: int) -> Robots:
    base = receiver.url(f"/robot?{code}&key=", "http")
    kinds = {"wecombot": "errcode", "dingtalk": "errcode", "feishu": "code"}
    return Robots(CLOCK, 1.0, {scheme: Robot(base, code) for scheme, code in kinds.items()})


@pytest.mark.parametrize("scheme", ["wecombot", "dingtalk", "feishu"])
@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, Sent()),
        (45009, Failed("refused_45009", too_many=True)),
        (130101, Failed("refused_130101", too_many=True)),
        (300001, Failed("refused_300001")),
    ],
)
async def test_a_robot_that_answers_200_and_refuses_has_refused(
    receiver: Receiver, scheme: str, code: int, outcome: Sent | Failed
) -> None:
    """apprise takes such an answer for a success."""
    way = robots(receiver, code)
    assert await way.send(Address(f"{scheme}://TOKEN"), MESSAGE) == outcome
    await way.close()
    ((path, _, body),) = receiver.got
    assert path.endswith("key=TOKEN")
    said = json.loads(body)
    assert (said.get("text") or said["content"]).popitem()[1] == "远望\n有新的任务等待您接单"


async def test_dingtalk_is_signed_when_its_address_has_a_secret(receiver: Receiver) -> None:
    way = robots(receiver, 0)
    await way.send(Address("dingtalk://SEC123@TOKEN"), MESSAGE)
    await way.close()
    query = parse_qs(urlsplit(receiver.got[0][0]).query)
    expected = hmac.new(b"SEC123", f"{query['timestamp'][0]}\nSEC123".encode(), hashlib.sha256).digest()
    assert query["sign"] == [base64.b64encode(expected).decode()]


@pytest.mark.filterwarnings("ignore:'imghdr'", "ignore::ResourceWarning")
async def test_apprise_delivers_and_follows_no_redirect(receiver: Receiver) -> None:
    async with ByScheme.opened(CLOCK) as ways:
        assert await ways.send(Address(receiver.url("/200", "json")), MESSAGE) == Sent()
        assert await ways.send(Address(receiver.url("/gone", "json")), MESSAGE) == Failed("refused")
        assert await ways.send(Address("nonsense://"), MESSAGE) == Failed("refused")
    assert [path for path, _, _ in receiver.got] == ["/200", "/gone"]
    assert "有新的任务" in receiver.events[0]["message"]


async def test_a_plug_in_that_hangs_or_breaks_is_left_and_tells_no_address() -> None:
    end = threading.Event()

    def hang(*_: str) -> bool:
        return end.wait(10)

    def broken(address: str, *_: str) -> bool:
        raise ConnectionError(address)

    assert await AppriseChannel(hang, timeout_s=0.05).send(Address("x://token"), MESSAGE) == Failed("timeout")
    end.set()
    assert await AppriseChannel(broken).send(Address("x://token"), MESSAGE) == Failed("ConnectionError")
    assert "token" not in repr(Address("x://token", "token"))


@needs_mosquitto
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
async def test_mqtt_is_sent_the_cloud_event(tmp_path: Path) -> None:
    import paho.mqtt.client as paho

    broker = Mosquitto(tmp_path)
    broker.start()
    got: list[bytes] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = lambda _c, _u, message: got.append(message.payload)
    ready: list[int] = []
    client.on_subscribe = lambda *_: ready.append(1)
    client.connect("127.0.0.1", broker.port)
    client.subscribe("farwatch/notices", qos=1)
    client.loop_start()
    try:
        give_up_at = time.monotonic() + 10
        while not ready and time.monotonic() < give_up_at:
            time.sleep(0.02)
        async with ByScheme.opened(CLOCK) as ways:
            address = Address(f"{broker.url}/farwatch/notices?qos=1")
            assert await ways.send(address, MESSAGE) == Sent()
        while not got and time.monotonic() < give_up_at:
            time.sleep(0.02)
    finally:
        client.loop_stop()
        client.disconnect()
        broker.stop()
    assert [json.loads(body)["id"] for body in got] == [MESSAGE.key]
