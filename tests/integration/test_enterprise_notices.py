"""A warned enterprise is told by its groups of ways like anybody else, until it has heard; else the centre phones it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from alerting.channels import Failed, Sent
from farwatch.domain.finding import Tier
from farwatch.domain.policy import NoticeRule
from farwatch.domain.registry import Enterprise
from farwatch.storage import notices, warnings
from farwatch.storage.database import Pool, transaction
from farwatch.storage.notices import Notice
from farwatch.storage.warnings import CONTACT, Answer
from tests.integration.test_notice_planning import Ways, outbox, run_out
from tests.support.alerting import WORKS, World, at, city, early

RULE = NoticeRule(enterprise=(("contact",), ("sms",)), centre=(("page", "duty"),))
NAMES = ("wecom", "sms", "duty")
GONE = Failed("http_410", for_good=True)


@pytest.fixture
def world(pool: Pool) -> World:
    world = World(pool, channels=dict.fromkeys(NAMES, "json://localhost"))
    world.policy = replace(world.policy, notices=RULE)
    return world


async def warned(world: World, **changes: Any) -> Any:
    finding = early(**changes)
    await world.found(finding)
    await world.settle()
    return finding


async def phoned(world: World) -> Sequence[tuple[str, str, str]]:
    rows = await world.pool.fetch(
        "SELECT step, message_key, message_params->>'enterprise' FROM notices WHERE target = 'centre' AND channel = 'page'"
        " AND task_id IS NULL ORDER BY id"
    )
    return [tuple(r) for r in rows]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("answers", "order"),
    [
        ({"wecom": Failed("http_500")}, [(0, "wecom"), (0, "sms")]),
        ({}, [(0, "wecom"), (30, "sms")]),
        ({"wecom": Sent(delivered=True)}, [(0, "wecom")]),
    ],
)
async def test_the_next_group_is_tried_while_nobody_has_heard(
    world: World, answers: dict[str, Any], order: list[tuple[float, str]]
) -> None:
    ways = Ways(world, **answers)
    await warned(world)
    await run_out(outbox(world, ways, NAMES), world, 100)
    assert [way for way in ways.order if way in order] == order
    assert {channel for s, channel in ways.order if s < 5 or channel != "wecom"} == {c for _, c in order}
    assert await phoned(world) == []


async def test_one_without_a_channel_of_its_own_is_told_by_the_next_group_at_once(world: World) -> None:
    ways = Ways(world)
    await warned(world, enterprise="e1")
    await run_out(outbox(world, ways, NAMES), world, 100)
    assert ways.order == [(0, "sms")]
    (row,) = await warnings.listed(world.pool)
    assert row["channel"] == "sms"


@pytest.mark.parametrize("then", ["answered", "ended", "sent_for"])
async def test_nothing_more_goes_out_once_it_was_answered_or_is_over(world: World, then: str) -> None:
    ways = Ways(world)
    finding = await warned(world)
    box = outbox(world, ways, NAMES)
    await run_out(box, world, 19)
    if then == "answered":
        async with transaction(world.pool) as connection:
            said = Answer(by=CONTACT, text="", salt=b"s", commitment="c")
            await warnings.answer(connection, finding.id, said, at(world.s), at(1) - at(0), most=1)
    elif then == "ended":
        await world.end(finding, 20)
    else:
        await world.found(early(tier=Tier.VIOLATION, severity=2))
    await world.settle()
    await run_out(box, world, 200)
    assert [way for way in ways.order if way[1] != "duty"] == [(0, "wecom")]
    page = await world.pool.fetchrow(
        "SELECT state, plan_at FROM notices WHERE target = 'e2' AND channel = 'page'"
    )
    assert tuple(page) == ("accepted" if then == "answered" else "superseded", None)


async def test_when_nobody_hears_the_centre_is_told_once_for_each_warning_and_reminder(world: World) -> None:
    ways = Ways(world, wecom=Failed("http_500"), sms=GONE)
    await warned(world)
    box = outbox(world, ways, NAMES)
    await run_out(box, world, 299)
    assert await phoned(world) == [("lost:warned", "enterprise_not_reached", "e2厂")]
    assert next(s for s, channel in ways.order if channel == "duty") == 0
    (event,) = await world.events("warning_unheard")
    assert (event["enterprise"], event["step"], event["reason"]) == ("e2", "warned", "all_failed")
    (row,) = await warnings.listed(world.pool)
    assert row["channel"] is None, "the wall asks for a call"
    await world.settle()
    await run_out(box, world, 400)
    assert [step for step, *_ in await phoned(world)] == ["lost:warned", "lost:warned_half"]


@pytest.mark.parametrize("by", ["wecom", "sms"])
@pytest.mark.parametrize("how", [Sent(), Sent(delivered=True)])
@pytest.mark.parametrize("fails_s", [1, 12, 400])
async def test_who_is_reached_by_another_try_need_not_be_phoned(
    world: World, by: str, how: Sent, fails_s: float
) -> None:
    """At 400 s it is the reminder that gets through."""
    ways = Ways(world, wecom=Failed("http_503"), sms=Failed("http_503"), duty=Failed("http_503"))
    finding = await warned(world)
    box = outbox(world, ways, NAMES)
    await run_out(box, world, fails_s)
    await world.settle()
    assert len(await phoned(world)) >= 1
    (row,) = await warnings.listed(world.pool)
    assert row["channel"] is None
    ways.answers[by] = how
    await run_out(box, world, fails_s + 150)
    (row,) = await warnings.listed(world.pool)
    assert row["channel"] == "wecom"
    (event,) = await world.events("warning_reached")
    assert (event["finding"], event["enterprise"], event["channel"]) == (str(finding.id), "e2", by)
    calls = await world.pool.fetch("SELECT state, plan_at FROM notices WHERE target = 'centre'")
    assert {tuple(r) for r in calls} == {("superseded", None)}


async def test_nothing_goes_out_after_the_window(world: World) -> None:
    ways = Ways(world, wecom=Failed("not_reached"), sms=Failed("not_reached"))
    await warned(world)
    await outbox(world, ways, NAMES).tick()
    ends = await world.pool.fetch("SELECT expires_at FROM notices WHERE target = 'e2' AND channel <> 'page'")
    assert {r["expires_at"] for r in ends} == {at(600)}


async def test_whoever_lost_news_that_one_message_told_is_counted_and_the_centre_hears_of_each(
    world: World,
) -> None:
    labels = {"channel": "wecom", "result": "failed"}
    before = REGISTRY.get_sample_value("farwatch_notices_total", labels) or 0
    world.policy = replace(world.policy, notices=replace(RULE, enterprise=(("contact",),)))
    for n in range(7):
        await warned(world, station=f"mn{n}")
    ways = Ways(world, wecom=GONE)
    await run_out(outbox(world, ways, ("wecom",)), world, 40)
    assert ways.order == [(0, "wecom")]
    assert [key for _, key, _ in await phoned(world)] == ["enterprise_not_reached"] * 7
    assert (REGISTRY.get_sample_value("farwatch_notices_total", labels) or 0) - before == 7


async def test_what_expired_unsent_is_counted_and_phoned(world: World) -> None:
    labels = {"channel": "wecom", "result": "expired"}
    before = REGISTRY.get_sample_value("farwatch_notices_total", labels) or 0
    world.policy = replace(world.policy, notices=NoticeRule(expire_s=60))
    await warned(world)
    box = outbox(world, Ways(world), ("wecom",))
    await world.pool.execute("INSERT INTO channel_state VALUES ('wecom', 0, $1, $2)", at(0), at(3000))
    await run_out(box, world, 120)
    assert (REGISTRY.get_sample_value("farwatch_notices_total", labels) or 0) - before == 1
    assert [key for _, key, _ in await phoned(world)] == ["enterprise_not_reached"]


async def test_who_was_removed_is_not_told_by_the_enterprises_ways_and_the_centre_hears_of_it(
    world: World,
) -> None:
    ways = Ways(world)
    task = await world.pool.fetchval(
        "INSERT INTO tasks (state, severity, lat, lon, opened_at, policy) VALUES ('offered', 2, 31, 121, now(), '{}') RETURNING id"
    )
    told = Notice(
        task=task, finding=None, step="offer", channel="page", target="removed", key="offered", params={}, drill_id=None
    )  # fmt: skip
    async with transaction(world.pool) as connection:
        await notices.add(connection, told, at(0))
    await run_out(outbox(world, ways, NAMES), world, 40)
    assert {channel for _, channel in ways.order} == {"duty"}
    (event,) = await world.events("notice_unheard")
    assert (event["officer"], event["reason"]) == ("removed", "no_channel")


async def test_an_enterprise_with_the_id_of_an_officer_is_told_by_its_own_channel(world: World) -> None:
    works = {"near": Enterprise(id="near", name="近厂", place=WORKS, contact_channel="wecom")}
    world.registry = city(enterprises=works)
    ways = Ways(world)
    await warned(world, enterprise="near")
    await run_out(outbox(world, ways, NAMES), world, 10)
    assert ways.order == [(0, "wecom")]
