"""From a page's notice to the next way out: at once when the first fails, within thirty seconds when nobody hears, once each."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerting.channels import Address, Failed, Message, Sent
from alerting.channels.by_scheme import ByScheme
from alerting.letters import Letters
from alerting.outbox import Outbox
from farwatch.domain.place import Position
from farwatch.domain.policy import NoticeRule
from farwatch.domain.registry import Officer
from farwatch.runtime.clock import SystemClock
from farwatch.storage import notices
from farwatch.storage.database import Pool, transaction
from tests.support.alerting import NoLease, World, at, city, smoke
from tests.support.answering import receiving

OFFICERS = (("page", "contact"), ("sms",), ("voice",))
RULE = NoticeRule(officer=OFFICERS, lead=OFFICERS, centre=(("page", "duty"),))
CHANNELS = ("wecom", "sms", "voice")


class Ways:
    """Each channel answers as told; keeps (seconds, channel, key)."""

    def __init__(self, world: World, **answers: Sent | Failed) -> None:
        self.world = world
        self.answers = answers
        self.sent: list[tuple[float, str, Message]] = []

    async def send(self, address: Address, message: Message) -> Sent | Failed:
        self.sent.append((self.world.s, address.url, message))
        return self.answers.get(address.url, Sent())

    @property
    def order(self) -> list[tuple[float, str]]:
        return [(s, channel) for s, channel, _ in self.sent]


def with_contact(contact: str = "wecom") -> Any:
    officers: dict[str, Officer] = dict(city().officers)
    return city(officers={i: replace(o, contact_channel=contact) for i, o in officers.items()})


@pytest.fixture
def world(pool: Pool) -> World:
    world = World(pool, registry=with_contact())
    world.policy = replace(world.policy, notices=RULE)
    return world


def outbox(world: World, ways: Any, names: tuple[str, ...] = CHANNELS) -> Outbox:
    addresses = {name: Address(name) for name in names}
    return Outbox(
        world.pool,
        NoLease(),
        world.load,
        addresses,
        ways,
        Letters("//city/farwatch", "https://fw.example"),
        world.now,
    )


async def offered(world: World) -> None:
    await world.found(smoke())
    await world.settle()


async def run_out(box: Outbox, world: World, until: float, every: float = 1.0) -> None:
    while world.s <= until:
        while await box.tick():
            pass
        world.s += every


async def states(world: World, target: str = "near") -> Mapping[str, str]:
    rows = await world.pool.fetch(
        "SELECT channel, state FROM notices WHERE target = $1 AND step LIKE 'offer%'", target
    )
    return {r["channel"]: r["state"] for r in rows}


async def test_the_officers_own_channel_at_once_and_the_next_ones_while_nobody_hears(world: World) -> None:
    ways = Ways(world)
    await offered(world)
    await run_out(outbox(world, ways), world, 100)
    assert ways.order == [(0, "wecom"), (30, "sms"), (60, "voice")]
    assert await states(world) == {"page": "sent", "wecom": "sent", "sms": "sent", "voice": "sent"}
    text = ways.sent[0][2].text
    assert text.endswith("\n任务 1 · e1 · g · 冒烟\nhttps://fw.example/officer/tasks/1")


@pytest.mark.parametrize("receipt", ["delivered", "seen", "accepted"])
async def test_who_has_heard_is_not_told_by_a_further_way(world: World, receipt: str) -> None:
    ways = Ways(world)
    await offered(world)
    box = outbox(world, ways)
    await run_out(box, world, 20)
    async with transaction(world.pool) as connection:
        assert await notices.receipt(connection, receipt, at(20), task=1, targets=["near"]) == 1
    await run_out(box, world, 200)
    assert ways.order == [(0, "wecom")]
    assert await states(world) == {"page": receipt, "wecom": "sent"}


async def test_a_way_that_fails_is_passed_over_at_once_and_tried_again_by_itself(world: World) -> None:
    ways = Ways(world, wecom=Failed("http_500"), sms=Failed("http_410", for_good=True))
    await offered(world)
    await run_out(outbox(world, ways), world, 4)
    assert ways.order == [(0, "wecom"), (0, "sms"), (0, "voice")]
    assert await states(world) == {"page": "sent", "wecom": "queued", "sms": "failed", "voice": "sent"}


async def test_when_no_way_is_left_the_centre_is_told_once_by_name_of_the_reason(world: World) -> None:
    failing = {name: Failed("http_500") for name in CHANNELS}
    await offered(world)
    await run_out(outbox(world, Ways(world, **failing)), world, 40)
    told = await world.pool.fetch(
        "SELECT target, message_key, message_params FROM notices WHERE step LIKE 'unheard:%'"
    )
    assert [(t["target"], t["message_key"], t["message_params"]) for t in told] == [
        ("centre", "unheard_all_failed", {"officer": "near"})
    ]
    (event,) = await world.events("notice_unheard")
    assert (event["officer"], event["reason"]) == ("near", "all_failed")


async def offered_many(world: World, many: int) -> None:
    """All to one officer, who is alone."""
    world.registry = replace(world.registry, officers={"near": world.registry.officers["near"]}, teams={})
    places = (Position(31.2 + i * 0.01, 121.4) for i in range(many))
    await world.found(
        *(smoke(zone=f"z{i}", enterprise=f"x{i}", place=place) for i, place in enumerate(places))
    )
    await world.settle()


@pytest.mark.parametrize(
    ("answer", "order"),
    [
        (Sent(delivered=True), [(0, "wecom")]),
        (Sent(), [(0, "wecom"), (30, "sms"), (60, "voice")]),
        (Failed("http_500"), [(0, "wecom"), (0, "sms"), (30, "voice")]),
    ],
)
async def test_what_a_digest_told_fares_as_the_message_that_told_it(
    world: World, answer: Sent | Failed, order: list[tuple[float, str]]
) -> None:
    ways = Ways(world, wecom=answer)
    await offered_many(world, 7)
    await run_out(outbox(world, ways), world, 100)
    first = {channel: s for s, channel in reversed(ways.order)}
    assert sorted((s, channel) for channel, s in first.items()) == sorted(order)
    assert await world.events("notice_unheard") == []


async def test_nobody_is_called_out_of_reach_whom_one_message_of_several_offers_reached(world: World) -> None:
    ways = Ways(world)
    await offered_many(world, 7)
    await run_out(outbox(world, ways, ("wecom",)), world, 100)
    assert ways.order == [(0, "wecom")]
    assert await world.events("notice_unheard") == []


async def test_who_is_not_reached_by_a_message_of_several_offers_is_called_so_for_each(world: World) -> None:
    await offered_many(world, 7)
    await run_out(outbox(world, Ways(world, wecom=Failed("http_500")), ("wecom",)), world, 100)
    unheard = await world.events("notice_unheard")
    assert [e["reason"] for e in unheard] == ["all_failed"] * 7


async def test_an_officer_without_a_channel_has_thirty_seconds_to_open_his_page(world: World) -> None:
    world.registry = with_contact("")
    await offered(world)
    box = outbox(world, Ways(world), names=())
    await run_out(box, world, 29)
    assert await world.events("notice_unheard") == []
    await run_out(box, world, 31)
    assert [e["reason"] for e in await world.events("notice_unheard")] == ["no_channel"]


async def test_an_offer_that_somebody_else_took_is_not_sent_any_more(world: World) -> None:
    """The messenger is away; when it is back, only what still stands goes out."""
    ways = Ways(world, **{name: Failed("not_reached") for name in CHANNELS})
    await offered(world)
    box = outbox(world, ways)
    await run_out(box, world, 95)
    world.s = 100
    await world.settle()  # the second officer is asked
    assert "far" in (await world.task()).offered_to
    await run_out(box, world, 110)
    await world.act("far", "accept")
    ways.answers, before = {}, len(ways.sent)
    await run_out(box, world, 3000, every=20)
    late = [message.event["type"] for _, _, message in ways.sent[before:]]
    assert "farwatch.task.offered" not in late
    assert (await states(world))["wecom"] in ("superseded", "failed")
    assert await states(world, "far") == {
        "page": "accepted",
        "wecom": "superseded",
        "sms": "superseded",
        "voice": "superseded",
    }


async def test_nothing_is_planned_for_a_task_that_is_over(world: World) -> None:
    ways = Ways(world)
    await offered(world)
    box = outbox(world, ways)
    await run_out(box, world, 5)
    assert (await world.act("centre", "handle", note="by telephone")).result == "done"
    await run_out(box, world, 300)
    assert {channel for _, channel in ways.order if channel != "duty"} == {"wecom"}


async def test_a_step_of_a_storm_goes_out_once_a_minute(world: World) -> None:
    world.policy = replace(world.policy, notices=replace(RULE, fall_through_s=3600))
    ways = Ways(world)
    box = outbox(world, ways, names=("duty",))
    for s in range(0, 180, 10):
        world.s = s
        async with transaction(world.pool) as connection:
            note = notices.Notice(
                task=None, finding=None, step=f"storm:1:{s}", channel="page", target="centre", key="storm_notices",
                params={"storm": 1}, drill_id=None,
            )  # fmt: skip
            assert await notices.add(connection, note, at(s))
        while await box.tick():
            pass
    await run_out(box, world, 300)
    assert [s for s, _ in ways.order] == [0, 60, 120, 180]
    assert (
        await world.pool.fetchval("SELECT count(*) FROM notices WHERE channel = 'duty' AND sent_at IS NULL")
        == 0
    )


async def test_a_drills_steps_of_a_storm_take_no_real_ones_turn(world: World) -> None:
    world.policy = replace(world.policy, notices=replace(RULE, fall_through_s=3600))
    ways = Ways(world)
    box = outbox(world, ways, names=("duty",))
    for drill_id in ("d1", None):
        async with transaction(world.pool) as connection:
            note = notices.Notice(
                task=None, finding=None, step=f"storm:1:{drill_id}", channel="page", target="centre", key="storm_notices",
                params={"storm": 1}, drill_id=drill_id,
            )  # fmt: skip
            assert await notices.add(connection, note, at(0))
        while await box.tick():
            pass
    assert [s for s, _ in ways.order] == [0, 0]


async def test_a_messenger_that_hangs_one_that_refuses_and_one_that_never_answers_cost_less_than_thirty_seconds(
    world: World,
) -> None:
    """Real servers, real time: the last way is reached while the first still hangs on."""
    with receiving() as receiver:
        addresses = {
            "wecom": Address(receiver.url("/hang")),
            "sms": Address("webhook+http://127.0.0.1:1/refused"),
            "voice": Address(receiver.url("/200")),
        }
        await offered(world)
        async with ByScheme.opened(SystemClock(), timeout_s=2.0) as ways, asyncio.timeout(30):
            box = Outbox(world.pool, NoLease(), world.load, addresses, ways, Letters("//city"), world.now)
            while not any(path == "/200" for path, _, _ in receiver.got):
                await box.tick()
        assert [path for path, _, _ in receiver.got] == ["/hang", "/200"]
    assert (await states(world))["voice"] == "delivered"


async def test_a_webhook_takes_a_notice_of_a_target_and_a_channel_with_chinese_names(world: World) -> None:
    notice = notices.Notice(
        task=None, finding=None, step="offer", channel="短信", target="张三", key="offered", params={"severity": 2}, drill_id=None
    )  # fmt: skip
    async with transaction(world.pool) as connection:
        await notices.add(connection, notice, at(0))
    with receiving() as receiver:
        async with ByScheme.opened(SystemClock()) as ways:
            addresses = {"短信": Address(receiver.url("/200"), "a plain secret of ours")}
            box = Outbox(world.pool, NoLease(), world.load, addresses, ways, Letters("//city"), world.now)
            await box.tick()
        ((_, headers, _),) = receiver.got
        assert receiver.events[0]["id"] == unquote(headers["webhook-id"]) == ":offer:短信:张三"
    assert await world.pool.fetchval("SELECT state FROM notices") == "delivered"


RANK = {
    "queued": 0,
    "digested": 0,
    "sent": 1,
    "delivered": 2,
    "seen": 3,
    "accepted": 4,
    "superseded": 9,
    "failed": 9,
    "expired": 9,
}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from((1, 7, 31, 400))),
        st.tuples(st.just("receipt"), st.sampled_from(("delivered", "seen", "accepted"))),
        st.tuples(st.just("answer"), st.tuples(st.sampled_from(CHANNELS), st.booleans())),
        st.tuples(st.just("find"), st.integers(0, 3)),
        st.tuples(st.just("act"), st.sampled_from(("accept", "decline"))),
    ),
    max_size=12,
)  # fmt: skip


async def _do(world: World, ways: Ways, step: tuple[str, Any]) -> None:
    match step:
        case ("wait", seconds):
            world.s += seconds
        case ("receipt", state):
            async with transaction(world.pool) as connection:
                await notices.receipt(connection, state, at(world.s), task=1, targets=["near", "far"])
        case ("answer", (channel, well)):
            ways.answers[channel] = Sent() if well else Failed("http_500")
        case ("find", zone):
            await world.found(smoke(zone=str(zone), onset_at=at(world.s)))
        case ("act", action):
            await world.act("near", action)


@given(steps=STEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_happens_each_way_is_used_once_states_go_forward_and_nothing_waits_for_ever(
    world: World, steps: list[tuple[str, Any]]
) -> None:
    await world.pool.execute(
        "TRUNCATE tasks, findings, notices, event_queue, channel_state RESTART IDENTITY CASCADE"
    )
    world.s, ways, ranks = 0, Ways(world), dict[str, int]()
    await offered(world)
    box = outbox(world, ways)

    async def look() -> None:
        await world.settle()
        while await box.tick():
            pass
        for row in await world.pool.fetch("SELECT key, state FROM notices"):
            assert RANK[row["state"]] >= ranks.get(row["key"], 0), f"{row} was {ranks[row['key']]}"
            ranks[row["key"]] = RANK[row["state"]]

    for step in steps:
        await _do(world, ways, step)
        await look()
    for _ in range(10):
        world.s += 600
        await look()
    assert (
        await world.pool.fetchval(
            "SELECT count(*) FROM notices WHERE state = 'queued' AND created_at < $1", at(world.s - 4000)
        )
        == 0
    )
    twice = await world.pool.fetchval(
        "SELECT count(*) FROM (SELECT 1 FROM notices GROUP BY task_id, finding_id, step, channel, target HAVING count(*) > 1) AS t"
    )
    assert twice == 0
