import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from alerting.outbox import MOST_ATTEMPTS, Outbox
from farwatch.storage import notices
from farwatch.storage.database import Pool, transaction
from tests.support.alerting import NoLease, World, early


@pytest.fixture
async def world(pool: Pool) -> World:
    world = World(pool)
    await world.found(early())
    await world.settle()
    return world


def outbox(world: World, send: object, addresses: dict[str, str] | None = None) -> Outbox:
    return Outbox(
        world.pool, NoLease(), {"wecom": "x://a"} if addresses is None else addresses, send, world.now
    )  # type: ignore[arg-type]


async def state(world: World) -> tuple[str, int, str | None]:
    return tuple(await world.pool.fetchrow("SELECT state, attempts, error FROM notices"))  # type: ignore[return-value]


async def test_a_notice_is_sent_once_with_its_words(world: World) -> None:
    sent: list[tuple[str, str, str]] = []
    box = outbox(world, lambda *message: sent.append(message) or True)
    assert [await box.tick(), await box.tick()] == [1, 0]
    ((address, _, body),) = sent
    assert (address, "10 分钟" in body, "a21026" in body) == ("x://a", True, True)
    assert await state(world) == ("sent", 1, None)


async def test_a_failed_notice_is_tried_again_later_and_given_up_in_the_end(world: World) -> None:
    def broken(*_: str) -> bool:
        raise ConnectionError("secret://token")

    box = outbox(world, broken)
    tries = 0
    for s in range(0, 2000, 5):
        world.s = s
        tries += await box.tick()
    assert tries == MOST_ATTEMPTS
    assert await state(world) == ("failed", MOST_ATTEMPTS, "ConnectionError")


async def test_a_notice_whose_sender_died_is_sent_again(world: World) -> None:
    async with transaction(world.pool) as connection:
        now = await world.now(connection)
        (claimed,) = await notices.claim(connection, now, now, 9)
    assert claimed.attempts == 1
    assert await outbox(world, lambda *_: True).tick() == 1
    assert await state(world) == ("sent", 2, None)


async def test_a_channel_that_lost_its_address_says_so(world: World) -> None:
    await outbox(world, lambda *_: True, {}).tick()
    assert await state(world) == ("queued", 1, "no_address")


async def test_a_drill_says_that_it_is_one(pool: Pool) -> None:
    world, sent = World(pool), list[str]()
    await world.found(early(drill_id="d1"))
    await world.settle()
    await outbox(world, lambda *message: sent.append(message[2]) or True).tick()
    assert sent[0].startswith("【演练】")


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[object]]]:
    """A real HTTP server; what is posted to /gone is answered with a redirect."""
    got: list[object] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/gone"):
                self.send_response(307)
                self.send_header("Location", "/other")
            else:
                got.append(json.loads(body))
                self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"json://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore:'imghdr'", "ignore::ResourceWarning")
async def test_apprise_delivers_and_follows_no_redirect(
    world: World, receiver: tuple[str, list[object]]
) -> None:
    from alerting.outbox import send_by_apprise

    url, got = receiver
    await outbox(world, send_by_apprise, {"wecom": f"{url}/gone"}).tick()
    assert (await state(world))[0] == "queued"
    assert got == []
    world.s = 60
    await outbox(world, send_by_apprise, {"wecom": f"{url}/hook"}).tick()
    assert (await state(world))[0] == "sent"
    assert "监测数据" in json.dumps(got, ensure_ascii=False)


async def test_a_notice_without_words_and_secrets_that_cannot_be_read_stop_no_other_notice(
    world: World,
) -> None:
    class Unreadable(dict[str, str]):
        def get(self, *_: object) -> str:
            raise ValueError("secret://token")

    assert await outbox(world, lambda *_: True, Unreadable()).tick() == 1
    assert await state(world) == ("queued", 1, "ValueError")
    world.s = 100
    await world.pool.execute("UPDATE notices SET message_key = 'of a later version'")
    assert await outbox(world, lambda *_: True).tick() == 1
    assert await state(world) == ("queued", 2, "KeyError")
