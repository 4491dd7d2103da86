"""Sending: each notice once and with its words, again when it failed, and one channel beside the others."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from alerting.channels import Address, Channel, Failed, Message, Sent
from alerting.letters import Letters
from alerting.notifying import Reach, plan_due
from alerting.outbox import AT_ONCE, LOST_AFTER_S, Outbox
from alerting.rate import BAN_S, MOST_ATTEMPTS
from farwatch.domain.policy import ChannelRule, NoticeRule
from farwatch.storage import notice_attempts, notices
from farwatch.storage.database import Pool, transaction
from farwatch.storage.notices import Notice
from tests.support.alerting import NoLease, World, at, early
from tests.support.waiting import until_somebody_waits


class Wire:
    """A way out that keeps what it was given and answers as told."""

    def __init__(self, *answers: Sent | Failed) -> None:
        self.sent: list[Message] = []
        self.answers = list(answers)

    async def send(self, _: Address, message: Message) -> Sent | Failed:
        self.sent.append(message)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0] if self.answers else Sent()


@pytest.fixture
async def world(pool: Pool) -> World:
    """Enterprise e2 was warned, and it is planned how it is told."""
    world = World(pool)
    await world.found(early())
    await world.settle()
    async with transaction(pool) as connection:
        await plan_due(connection, Reach(world.registry, world.policy.notices, {"wecom"}), at(0))
    return world


def outbox(world: World, wire: Channel, addresses: Mapping[str, Address] | None = None) -> Outbox:
    known = {"wecom": Address("x://a")} if addresses is None else addresses
    return Outbox(world.pool, NoLease(), world.load, known, wire, Letters("//city/farwatch"), world.now)


async def run_out(box: Outbox, world: World, *, until: float, every: float = 5.0) -> None:
    while world.s <= until:
        while await box.tick():
            pass
        world.s += every


async def state(world: World) -> tuple[str, int, str | None]:
    return tuple(
        await world.pool.fetchrow("SELECT state, attempts, error FROM notices WHERE channel <> 'page'")
    )  # type: ignore[return-value]


async def told(world: World, *notice: Notice, s: float | None = None) -> None:
    async with transaction(world.pool) as connection:
        for n in notice:
            assert await notices.add(connection, n, at(world.s if s is None else s))


def a_notice(step: str, target: str = "e2", channel: str = "wecom", **more: object) -> Notice:
    notice = Notice(
        task=None, finding=None, step=step, channel=channel, target=target, key="offered", params={"severity": 2}, drill_id=None
    )  # fmt: skip
    return replace(notice, **more)  # type: ignore[arg-type]


async def test_a_notice_is_sent_once_with_its_words_and_its_key(world: World) -> None:
    wire = Wire()
    box = outbox(world, wire)
    assert [await box.tick(), await box.tick()] == [1, 0]
    (message,) = wire.sent
    assert ("10 分钟" in message.text, "a21026" in message.text) == (True, True)
    assert message.key == await world.pool.fetchval("SELECT key FROM notices WHERE channel = 'wecom'")
    assert (message.event["id"], message.event["specversion"]) == (message.key, "1.0")
    assert await state(world) == ("sent", 1, None)


async def test_a_failed_notice_is_tried_again_later_and_given_up_in_the_end_and_the_centre_hears_of_it_soon(
    world: World,
) -> None:
    wire = Wire(Failed("ConnectionError"))
    await world.pool.execute("UPDATE notices SET expires_at = NULL")
    await run_out(outbox(world, wire), world, until=20)
    lost = await world.pool.fetchrow("SELECT target, message_key FROM notices WHERE target = 'centre'")
    assert tuple(lost) == ("centre", "enterprise_not_reached")
    await run_out(outbox(world, wire), world, until=2000)
    assert len(wire.sent) == MOST_ATTEMPTS
    assert len({message.key for message in wire.sent}) == 1
    assert await state(world) == ("failed", MOST_ATTEMPTS, "ConnectionError")
    attempts = await world.pool.fetch("SELECT n, result, error FROM notice_attempts ORDER BY n")
    assert [a["n"] for a in attempts] == list(range(1, MOST_ATTEMPTS + 1))
    assert {(a["result"], a["error"]) for a in attempts[:-1]} == {("retried", "ConnectionError")}


async def test_a_notice_whose_sender_died_is_sent_again_with_the_same_key(world: World) -> None:
    async with transaction(world.pool) as connection:
        now = await world.now(connection)
        (due,) = await notice_attempts.due(connection, now, [])
        (claimed,) = await notice_attempts.claim(
            connection, due.id, [], now + timedelta(seconds=LOST_AFTER_S)
        )
    assert claimed.attempts == 1
    wire = Wire()
    assert await outbox(world, wire).tick() == 0
    world.s = LOST_AFTER_S
    await outbox(world, wire).tick()
    assert [message.key for message in wire.sent] == [claimed.key]
    assert await state(world) == ("sent", 2, None)


async def test_a_channel_that_lost_its_address_says_so(world: World) -> None:
    await outbox(world, Wire(), {}).tick()
    assert await state(world) == ("queued", 1, "no_address")


async def test_a_drill_says_that_it_is_one(pool: Pool) -> None:
    world, wire = World(pool), Wire()
    await world.found(early(drill_id="d1"))
    await world.settle()
    await outbox(world, wire).tick()
    assert wire.sent[0].text.startswith("【演练】")


async def test_a_notice_without_words_and_secrets_that_cannot_be_read_stop_no_other_notice(
    world: World,
) -> None:
    class Unreadable(dict[str, Address]):
        def get(self, *_: object) -> Address:  # type: ignore[override]
            raise ValueError("secret://token")

    assert await outbox(world, Wire(), Unreadable()).tick() == 1
    assert await state(world) == ("queued", 1, "ValueError")
    world.s = 100
    await world.pool.execute("UPDATE notices SET message_key = 'of a later version'")
    await outbox(world, Wire()).tick()
    assert await state(world) == ("queued", 2, "KeyError")


async def test_a_channel_that_raises_anything_has_failed_and_stops_no_other_notice(world: World) -> None:
    class Breaking(Wire):
        async def send(self, address: Address, message: Message) -> Sent | Failed:
            if address.url == "x://a":
                raise UnicodeError("secret://token")
            return await super().send(address, message)

    await told(world, a_notice("offer", "o1", "mail"))
    wire = Breaking()
    box = outbox(world, wire, {"wecom": Address("x://a"), "mail": Address("x://b")})
    assert await box.tick() == 2
    assert [message.key for message in wire.sent] == [":offer:mail:o1"]
    refused = await world.pool.fetchrow("SELECT state, attempts, error FROM notices WHERE channel = 'wecom'")
    assert tuple(refused) == ("queued", 1, "UnicodeError")


async def test_what_is_too_old_is_not_sent_any_more(world: World) -> None:
    world.s = 3600
    wire = Wire()
    await outbox(world, wire).tick()
    assert (wire.sent, (await state(world))[0]) == ([], "expired")


async def test_a_messenger_that_hangs_takes_its_own_places_only(pool: Pool) -> None:
    """Real tasks: the slow channel's messages are under way for as long as the test lasts."""
    world, slow, quick = World(pool), asyncio.Event(), list[str]()

    class Half:
        async def send(self, address: Address, message: Message) -> Sent | Failed:
            if address.url == "x://slow":
                await slow.wait()
            else:
                quick.append(message.key)
            return Sent()

    addresses = {name: Address(f"x://{name}") for name in ("slow", "quick")}
    names = [(f"offer:{i}", name) for i in range(6) for name in ("slow", "quick")]
    await told(world, *(a_notice(step, f"o{step}", name) for step, name in names))
    box = outbox(world, Half(), addresses)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        while len(quick) < 6:
            await box.look(group.create_task)
            await asyncio.sleep(0)
        under_way = await pool.fetchval(
            "SELECT count(*) FROM notices WHERE channel = 'slow' AND attempts = 1"
        )
        slow.set()
    assert under_way == AT_ONCE


async def test_no_more_goes_out_than_the_channel_takes_even_after_a_restart(pool: Pool) -> None:
    rule = NoticeRule(channels=(ChannelRule(name="wecom", per_minute=18, burst=3, digest_from=5),))
    world = World(pool)
    world.policy = replace(world.policy, notices=rule)
    await told(world, *(a_notice(f"offer:{i}", f"o{i}") for i in range(40)))
    wire = Wire()
    for _ in range(5):
        while await outbox(world, wire).tick():
            pass
    assert len(wire.sent) == 3
    while world.s < 60:
        world.s += 1
        while await outbox(world, wire).tick():
            pass
    assert len(wire.sent) == 3 + 18


async def test_a_long_queue_of_one_channel_hides_no_other(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice_attempts, "MOST_WAITING", 5)
    rule = NoticeRule(channels=(ChannelRule(name="wecom", per_minute=0.001, burst=1),))
    world, wire = World(pool), Wire()
    world.policy = replace(world.policy, notices=rule)
    await told(world, *(a_notice(f"offer:{i}", f"o{i}") for i in range(9)))
    box = outbox(world, wire, {"wecom": Address("x://a"), "mail": Address("x://b")})
    await box.tick()
    await told(world, a_notice("offer", "o1", "mail"))
    await box.tick()
    assert await pool.fetchval("SELECT state FROM notices WHERE channel = 'mail'") == "sent"


async def test_too_many_silences_the_channel_for_ten_minutes_and_no_other(pool: Pool) -> None:
    world = World(pool)
    await told(world, a_notice("offer", "o1"), a_notice("offer", "o2", "mail"))
    wire = Wire(Failed("http_429", too_many=True), Sent())
    addresses = {"wecom": Address("x://a"), "mail": Address("x://b")}
    box = outbox(world, wire, addresses)
    await box.tick()
    world.s = 10
    await told(world, a_notice("offer", "o3"), a_notice("offer", "o4", "mail"))
    await run_out(box, world, until=BAN_S - 5)
    assert len(wire.sent) == 3
    await run_out(box, world, until=BAN_S + 30)
    assert len(wire.sent) == 5
    assert await pool.fetchval("SELECT bool_and(state = 'sent') FROM notices")


async def test_a_flood_for_one_is_told_in_one_message_with_all_keys(pool: Pool) -> None:
    world, wire = World(pool), Wire()
    await told(world, *(a_notice(f"offer:{i}", "o1") for i in range(9)), a_notice("offer", "o2"))
    assert await outbox(world, wire).tick() == 2
    digest, single = sorted(wire.sent, key=lambda m: "count" not in m.event["data"])  # type: ignore[operator]
    assert digest.event["data"]["count"] == 9  # type: ignore[index]
    assert len({n["key"] for n in digest.event["data"]["notices"]}) == 9  # type: ignore[index]
    assert "共 9 条通知" in digest.text
    assert "count" not in single.event["data"]  # type: ignore[operator]
    states = await pool.fetch(
        "SELECT state, count(*) AS n, count(sent_at) AS sent FROM notices GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(s) for s in states] == [("digested", 8, 8), ("sent", 2, 2)]


async def test_a_drill_is_told_in_a_message_of_its_own(pool: Pool) -> None:
    world, wire = World(pool), Wire()
    for i in range(6):
        await told(world, a_notice(f"real:{i}", "o1"), a_notice(f"drill:{i}", "o1", drill_id="d1"))
    await outbox(world, wire).tick()
    assert [(m.text.startswith("【演练】"), "6 条" in m.text) for m in wire.sent] == [
        (False, True),
        (True, True),
    ]
    for message in wire.sent:
        assert len({n["drill"] for n in message.event["data"]["notices"]}) == 1  # type: ignore[index]


async def test_a_digest_that_fails_is_tried_again_whole_and_lost_whole(pool: Pool) -> None:
    world, wire = World(pool), Wire(Failed("timeout"))
    await told(world, *(a_notice(f"offer:{i}", "o1") for i in range(7)))
    box = outbox(world, wire)
    await box.tick()
    await told(world, a_notice("offer:late", "o1"))
    await run_out(box, world, until=40)
    assert {len(m.event["data"].get("notices", [1])) for m in wire.sent} == {7, 1}  # type: ignore[attr-defined]
    await run_out(box, world, until=3600)
    assert await pool.fetchval("SELECT bool_and(state IN ('failed', 'expired')) FROM notices")


async def near_its_last_attempt(world: World, wire: Wire) -> tuple[Outbox, list[str]]:
    """An old notice, and four fresh ones that go out with its last attempt."""
    box = outbox(world, wire)
    world.policy = replace(
        world.policy, notices=NoticeRule(channels=(ChannelRule(name="wecom", digest_from=2),))
    )
    await told(world, a_notice("old"))
    while await world.pool.fetchval("SELECT attempts FROM notices") < MOST_ATTEMPTS - 1:
        await box.tick()
        world.s += 1
    world.s = (await world.pool.fetchval("SELECT next_attempt_at FROM notices") - at(0)).total_seconds()
    fresh = [f"fresh:{i}" for i in range(4)]
    await told(world, *(a_notice(step) for step in fresh))
    return box, fresh


async def by_step(world: World) -> dict[str, tuple[str, int]]:
    rows = await world.pool.fetch("SELECT step, state, attempts FROM notices ORDER BY id")
    return {r["step"]: (r["state"], r["attempts"]) for r in rows}


async def test_fresh_notices_go_on_when_their_carrier_is_given_up(pool: Pool) -> None:
    world, wire = World(pool), Wire(Failed("timeout"))
    box, fresh = await near_its_last_attempt(world, wire)
    assert await box.tick() == 1
    assert len(wire.sent[-1].event["data"]["notices"]) == 5  # type: ignore[index]
    assert await by_step(world) == {"old": ("failed", MOST_ATTEMPTS)} | dict.fromkeys(fresh, ("digested", 0))
    wire.answers = [Sent()]
    await run_out(box, world, until=world.s + 10)
    assert await by_step(world) == {"old": ("failed", MOST_ATTEMPTS), fresh[0]: ("sent", 1)} | dict.fromkeys(
        fresh[1:], ("digested", 0)
    )


async def test_what_is_told_together_is_lost_together_when_the_receiver_is_gone(pool: Pool) -> None:
    world, wire = World(pool), Wire(Failed("http_410", for_good=True))
    await told(world, *(a_notice(f"offer:{i}", "o1") for i in range(7)))
    assert await outbox(world, wire).tick() == 1
    assert {state for state, _ in (await by_step(world)).values()} == {"failed"}


async def test_fresh_notices_go_on_when_their_carrier_expires(pool: Pool) -> None:
    world, wire = World(pool), Wire(Failed("timeout"))
    box, fresh = await near_its_last_attempt(world, wire)
    await pool.execute("UPDATE notices SET attempts = 0 WHERE step = 'old'")
    await box.tick()
    await pool.execute("UPDATE notices SET expires_at = $1 WHERE step IN ('old', 'fresh:3')", at(world.s + 1))
    world.s, wire.answers = world.s + 1, [Sent()]
    await box.tick()
    states = {step: state for step, (state, _) in (await by_step(world)).items()}
    assert (states["old"], states["fresh:3"]) == ("expired", "expired")
    assert [states[step] for step in fresh[:3]] == ["sent", "digested", "digested"]


async def test_what_a_superseded_notice_would_have_carried_goes_by_itself(pool: Pool) -> None:
    world, wire = World(pool), Wire(Failed("timeout"), Sent())
    task = await pool.fetchval(
        "INSERT INTO tasks (state, severity, lat, lon, opened_at, policy) VALUES ('offered', 2, 31, 121, now(), '{}') RETURNING id"
    )
    await told(world, a_notice("offer", "o1", task=task), *(a_notice(f"other:{i}", "o1") for i in range(6)))
    box = outbox(world, wire)
    await box.tick()
    async with transaction(pool) as connection:
        await notices.supersede(connection, task, ("offer",))
    await run_out(box, world, until=60)
    states = await pool.fetch("SELECT step, state FROM notices ORDER BY id")
    assert states[0]["state"] == "superseded"
    assert {s["state"] for s in states[1:]} == {"sent", "digested"}
    assert await pool.fetchval("SELECT count(*) FROM notices WHERE sent_at IS NULL") == 1


@pytest.mark.parametrize("outcome", [Sent(), Sent(delivered=True), Failed("timeout")])
async def test_what_is_under_way_with_a_superseded_notice_goes_out_once(
    pool: Pool, outcome: Sent | Failed
) -> None:
    """It is told in the message that is under way; only when that one fails it goes by itself."""
    told_of, answered = list[str](), asyncio.Event()

    class Slow:
        async def send(self, _: Address, message: Message) -> Sent | Failed:
            told_of.extend(n["key"] for n in message.event["data"]["notices"])  # type: ignore[index]
            await answered.wait()
            return outcome if len(told_of) == 7 else Sent()

    world = World(pool)
    task = await pool.fetchval(
        "INSERT INTO tasks (state, severity, lat, lon, opened_at, policy) VALUES ('offered', 2, 31, 121, now(), '{}') RETURNING id"
    )
    await told(world, a_notice("offer", "o1", task=task), *(a_notice(f"other:{i}", "o1") for i in range(6)))
    box = outbox(world, Slow())
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        await box.look(group.create_task)
        async with transaction(pool) as connection:
            await notices.supersede(connection, task, ("offer",))
        await box.look(group.create_task)
        answered.set()
    await run_out(box, world, until=60)
    states = await by_step(world)
    assert states.pop("offer")[0] == "superseded"
    failed = isinstance(outcome, Failed)
    assert len(told_of) == (13 if failed else 7)
    assert {s for s, _ in states.values()} == (
        {"sent", "digested"} if failed else {"delivered" if outcome.delivered else "sent"}  # type: ignore[union-attr]
    )


async def test_what_a_dead_sender_carried_with_a_superseded_notice_goes_by_itself(pool: Pool) -> None:
    world, wire = World(pool), Wire()
    task = await pool.fetchval(
        "INSERT INTO tasks (state, severity, lat, lon, opened_at, policy) VALUES ('offered', 2, 31, 121, now(), '{}') RETURNING id"
    )
    await told(world, a_notice("offer", "o1", task=task), a_notice("other", "o1"))
    async with transaction(pool) as connection:
        carrier, carried = await pool.fetch("SELECT id FROM notices ORDER BY id")
        await notice_attempts.claim(connection, carrier["id"], [carried["id"]], at(LOST_AFTER_S))
        await notices.supersede(connection, task, ("offer",))
    await run_out(outbox(world, wire), world, until=LOST_AFTER_S - 1)
    assert wire.sent == []
    await run_out(outbox(world, wire), world, until=LOST_AFTER_S + 5)
    assert [message.key for message in wire.sent] == [":other:wecom:o1"]


async def test_receipts_of_two_pages_never_wait_for_each_other(pool: Pool) -> None:
    """Whoever changes several notices locks them in the order of their ids, wherever their rows lie."""
    world = World(pool)
    task = await pool.fetchval(
        "INSERT INTO tasks (state, severity, lat, lon, opened_at, policy) VALUES ('offered', 2, 31, 121, now(), '{}') RETURNING id"
    )
    await told(world, *(a_notice(f"offer:{i}", "o1", "page", task=task) for i in range(9)))
    for target in ("o2", "o1"):  # to the end of the table and of its indexes
        await pool.execute("UPDATE notices SET target = $1 WHERE id = (SELECT min(id) FROM notices)", target)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group, pool.acquire() as first:
        async with first.transaction():
            await first.execute("SELECT FROM notices ORDER BY id LIMIT 1 FOR UPDATE")
            group.create_task(notices.receipt(pool, "seen", at(1), task=task, targets=["o1"]))
            await until_somebody_waits(pool)
            free = await pool.fetch("SELECT id FROM notices ORDER BY id FOR UPDATE SKIP LOCKED")
            assert len(free) == 8, "it waits for the first one and holds no other"
