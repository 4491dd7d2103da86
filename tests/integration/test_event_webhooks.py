"""Programs outside hear every event of the log in order, at least once, whatever fails in between."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alerting import rate
from alerting.channels import Address, Failed, Message, Sent
from alerting.forwarding import BATCH, Forwarder
from farwatch.domain.policy import ChannelRule, NoticeRule
from farwatch.runtime.clock import SystemClock
from farwatch.storage import webhook_cursors
from farwatch.storage.database import Pool
from tests.support.alerting import NoLease, World
from tests.support.answering import Receiver, receiving
from tests.support.web_house import House

RULES = NoticeRule(
    channels=(
        ChannelRule(name="hook", events=True),
        ChannelRule(name="other", events=True),
        ChannelRule(name="quiet"),
    )
)


class Programs:
    """Two programs; the first breaks at what it is told to break at."""

    def __init__(self) -> None:
        self.got: dict[str, list[Message]] = {"hook": [], "other": []}
        self.breaks_at: set[str] = set()
        self.raises_at: set[str] = set()
        self.refuses_at: set[str] = set()
        self.refused: list[str] = []

    async def send(self, address: Address, message: Message) -> Sent | Failed:
        if address.url == "hook" and message.key in self.breaks_at:
            return Failed("http_500")
        if address.url == "hook" and message.key in self.refuses_at:
            self.refused.append(message.key)
            return Failed("http_400", refused=True)
        if address.url == "hook" and message.key in self.raises_at:
            raise UnicodeError("secret://token")
        self.got[address.url].append(message)
        return Sent(delivered=True)

    def keys(self, name: str = "hook") -> list[str]:
        return [message.key for message in self.got[name]]


@pytest.fixture
def programs() -> Programs:
    return Programs()


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "RETRY_FIRST_S", 0.0)


def forwarder(pool: Pool, programs: object) -> Forwarder:
    world = World(pool)
    world.policy = replace(world.policy, notices=RULES)
    addresses = {name: Address(name) for name in ("hook", "other", "quiet")}
    return Forwarder(pool, NoLease(), world.load, addresses, programs, "//city/farwatch")  # type: ignore[arg-type]


async def many(house: House, count: int) -> None:
    for _ in range(count):
        await house.logged("camera_status")


@pytest.fixture
async def house(pool: Pool, tmp_path) -> House:  # type: ignore[no-untyped-def]
    from tests.support.web_house import a_city

    await a_city(pool)
    return House(pool, tmp_path)


async def test_a_new_program_hears_what_happens_from_now_on_in_order(
    house: House, programs: Programs
) -> None:
    await many(house, 3)
    sender = forwarder(house.pool, programs)
    await sender.tick()
    assert programs.keys() == []
    await many(house, BATCH + 2)
    await sender.tick()
    await sender.tick()
    assert programs.keys() == [f"log/{n}" for n in range(4, BATCH + 6)]
    assert programs.keys("other") == programs.keys()


async def test_a_failure_stops_there_and_goes_on_there_also_after_a_restart_and_holds_up_nobody(
    house: House, programs: Programs
) -> None:
    await forwarder(house.pool, programs).tick()
    await many(house, 5)
    programs.breaks_at = {"log/3"}
    sender = forwarder(house.pool, programs)
    await sender.tick()
    assert programs.keys() == ["log/1", "log/2"]
    assert programs.keys("other") == [f"log/{n}" for n in range(1, 6)]
    assert await webhook_cursors.get(house.pool, "hook") == 2
    programs.breaks_at = set()
    await forwarder(house.pool, programs).tick()
    assert programs.keys() == [f"log/{n}" for n in range(1, 6)]


async def test_a_program_whose_channel_raises_is_told_again_from_there_and_stops_nobody(
    house: House, programs: Programs
) -> None:
    await forwarder(house.pool, programs).tick()
    await many(house, 3)
    programs.raises_at = {"log/2"}
    sender = forwarder(house.pool, programs)
    await sender.tick()
    assert (programs.keys(), programs.keys("other")) == (["log/1"], ["log/1", "log/2", "log/3"])
    assert await webhook_cursors.get(house.pool, "hook") == 1
    programs.raises_at = set()
    await sender.tick()
    assert programs.keys() == ["log/1", "log/2", "log/3"]


async def test_an_event_that_is_refused_again_and_again_is_set_aside_and_the_log_says_so(
    house: House, programs: Programs
) -> None:
    """Also when the engine starts anew between any two tries."""
    await forwarder(house.pool, programs).tick()
    await many(house, 3)
    programs.refuses_at = {"log/2"}
    for _ in range(rate.MOST_ATTEMPTS - 1):
        await forwarder(house.pool, programs).tick()
    assert programs.keys() == ["log/1"]
    (course, _) = await webhook_cursors.courses(house.pool)
    assert (course.name, course.behind, course.aside) == ("hook", 2, 0)
    assert course.behind_s > 0
    await forwarder(house.pool, programs).tick()
    await forwarder(house.pool, programs).tick()
    assert programs.refused == ["log/2"] * rate.MOST_ATTEMPTS
    assert programs.keys() == ["log/1", "log/3"]
    assert programs.keys("other") == ["log/1", "log/2", "log/3"]
    (course, _) = await webhook_cursors.courses(house.pool)
    assert (course.behind, course.behind_s, course.aside, course.aside_at is None) == (0, 0.0, 1, False)
    (event,) = [r["event"] for r in await house.pool.fetch("SELECT event FROM event_queue")]
    assert (event["type"], event["channel"], event["entry"], event["reason"]) == (
        "event_set_aside",
        "hook",
        2,
        "http_400",
    )


async def test_each_event_has_tries_of_its_own_and_other_failures_are_none(
    house: House, programs: Programs
) -> None:
    await forwarder(house.pool, programs).tick()
    await many(house, 3)
    programs.refuses_at, sender = {"log/1", "log/2"}, forwarder(house.pool, programs)
    for _ in range(rate.MOST_ATTEMPTS + 2):
        await sender.tick()
    assert (programs.refused.count("log/1"), programs.refused.count("log/2")) == (rate.MOST_ATTEMPTS, 2)
    programs.refuses_at, programs.breaks_at = set(), {"log/2"}
    for _ in range(3 * rate.MOST_ATTEMPTS):
        await sender.tick()
    assert (programs.keys(), await webhook_cursors.get(house.pool, "hook")) == ([], 1)


async def test_a_program_that_refuses_everything_makes_no_event_of_each_setting_aside(
    house: House, programs: Programs
) -> None:
    sender = forwarder(house.pool, programs)
    await sender.tick()
    await house.logged("event_set_aside", channel="hook", entry=1, reason="http_400")
    programs.refuses_at = {"log/1"}
    for _ in range(rate.MOST_ATTEMPTS):
        await sender.tick()
    assert await webhook_cursors.get(house.pool, "hook") == 1
    assert await house.pool.fetchval("SELECT count(*) FROM event_queue") == 0


async def test_nobody_waits_for_a_program_that_the_policy_names_no_more(
    house: House, programs: Programs
) -> None:
    world = World(house.pool)
    sender = forwarder(house.pool, programs)
    await sender.tick()
    await many(house, 2)
    sender.load = world.load
    await sender.tick()
    assert await webhook_cursors.courses(house.pool) == []
    await forwarder(house.pool, programs).tick()
    assert programs.keys() == ["log/1", "log/2"], "it kept its place"
    assert [course.behind for course in await webhook_cursors.courses(house.pool)] == [0, 0]


async def test_what_was_sent_but_not_noted_is_sent_again_with_the_same_id(
    house: House, programs: Programs
) -> None:
    await forwarder(house.pool, programs).tick()
    await many(house, 2)
    await forwarder(house.pool, programs).tick()
    await house.pool.execute("UPDATE webhook_cursors SET n = 1 WHERE name = 'hook'")
    await forwarder(house.pool, programs).tick()
    assert programs.keys() == ["log/1", "log/2", "log/2"]


async def test_a_program_that_failed_rests(
    house: House, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate, "RETRY_FIRST_S", 3600.0)
    monkeypatch.setattr(rate, "RETRY_LONGEST_S", 3600.0)
    sender = forwarder(house.pool, programs)
    await sender.tick()
    await many(house, 1)
    programs.breaks_at = {"log/1"}
    await sender.tick()
    programs.breaks_at = set()
    await sender.tick()
    assert (programs.keys(), programs.keys("other")) == ([], ["log/1"])


async def test_accounts_stay_in_the_house_and_drills_say_so(house: House, programs: Programs) -> None:
    await forwarder(house.pool, programs).tick()
    task = await house.task(drill_id="d1")
    for actor, about in (("wang", task), ("chen", None), ("gone", None), (None, None)):
        n = await house.logged("task_accepted", about)
        await house.pool.execute("ALTER TABLE log DISABLE TRIGGER log_append_only")
        event = await house.pool.fetchval("SELECT event FROM log WHERE n = $1", n)
        named = event.replace('"actor": null', f'"actor": "{actor}"') if actor else event
        await house.pool.execute("UPDATE log SET event = $2 WHERE n = $1", n, named)
    await forwarder(house.pool, programs).tick()
    told = [message.event["data"] for message in programs.got["hook"]]
    assert [d["actor"] for d in told] == ["o1", "centre", "unknown", None]  # type: ignore[index]
    assert [d["drill"] for d in told] == ["d1", None, None, None]  # type: ignore[index]
    assert [m.event.get("subject") for m in programs.got["hook"]] == [f"tasks/{task}", None, None, None]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


async def test_running_it_tells_a_real_server_at_once(
    house: House, receiver: Receiver, database_url: str
) -> None:
    from alerting.channels.by_scheme import ByScheme

    async with ByScheme.opened(SystemClock()) as ways, asyncio.timeout(20), asyncio.TaskGroup() as group:
        sender = forwarder(house.pool, ways)
        sender.addresses = {"hook": Address(receiver.url("/200"), "a secret for the signature")}
        running = group.create_task(sender.run(database_url))
        while await webhook_cursors.get(house.pool, "hook") is None:
            await asyncio.sleep(0.02)
        await many(house, 3)
        while len(receiver.got) < 3:
            await asyncio.sleep(0.02)
        running.cancel()
    assert [event["id"] for event in receiver.events] == ["log/1", "log/2", "log/3"]
    assert all(event["type"] == "farwatch.log.camera_status" for event in receiver.events)
