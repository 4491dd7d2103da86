"""What a warned enterprise answers, and that it is told once more when half its window is over."""

from typing import Any

import pytest

from alerting import visits
from farwatch.domain.finding import Tier
from farwatch.domain.registry import Enterprise
from farwatch.storage import warnings
from farwatch.storage.database import Pool, transaction
from farwatch.storage.warnings import CONTACT, Answer, Answered
from tests.support.alerting import WORKS, World, at, city, early

SALT = b"0123456789abcdef"


@pytest.fixture
def world(pool: Pool) -> World:
    return World(pool)


async def told(world: World, **changes: Any) -> Any:
    finding = early(**changes)
    await world.found(finding)
    await world.settle()
    return finding


async def answer(world: World, finding: Any, text: str = "阀门已关", by: str = CONTACT) -> bool:
    async with transaction(world.pool) as connection:
        said = Answer(by=by, text=text, salt=SALT, commitment="c0ffee")
        done = await warnings.answer(
            connection, finding.id, said, at(world.s), visits.ANSWERS_AFTER, visits.MOST_ANSWERS
        )
    return done is Answered.TAKEN


async def sent(world: World) -> list[tuple[Any, ...]]:
    rows = await world.pool.fetch(
        "SELECT message_key, channel, target, message_params->>'window_min' AS m FROM notices ORDER BY id"
    )
    return [tuple(r) for r in rows]


async def test_it_is_told_once_more_when_half_the_window_is_over(world: World) -> None:
    await told(world)
    for s in (299, 300, 301, 599):
        world.s = s
        await world.settle()
    assert await sent(world) == [("warned", "page", "e2", "10"), ("warned_half", "page", "e2", "5")]
    assert len(await world.events("warning_reminded")) == 1
    assert (await world.pool.fetchrow("SELECT channel, reminded_at FROM warnings"))[:] == ("wecom", at(300))


@pytest.mark.parametrize("then", ["answered", "ended", "sent_for"])
async def test_nobody_is_reminded_of_what_was_answered_ended_or_is_a_task_by_now(
    world: World, then: str
) -> None:
    finding = await told(world)
    if then == "answered":
        assert await answer(world, finding)
    elif then == "ended":
        await world.end(finding, 100)
    else:
        await world.found(early(tier=Tier.VIOLATION, severity=2))
    world.s = 300
    await world.settle()
    assert [key for key, *_ in await sent(world) if key.startswith("warned")] == ["warned"]


async def test_an_answer_acknowledges_and_the_window_goes_on(world: World) -> None:
    finding = await told(world)
    world.s = 60
    assert await answer(world, finding, "")
    world.s = 90
    assert await answer(world, finding, "阀门已关")
    (row,) = await warnings.listed(world.pool)
    assert (row["acknowledged_at"], row["acknowledged_by"], row["answer"]) == (
        at(60),
        "contact",
        "阀门已关",
    )
    said = await world.events("warning_answered")
    assert [(e["by"], e["actor"], e["commitment"]) for e in said] == [("contact", None, "c0ffee")] * 2
    assert "阀门" not in str(said)
    world.s = 600
    await world.settle()
    assert (await world.task()).opened_at == at(600)


async def test_it_can_be_answered_until_a_day_after_the_window(world: World) -> None:
    finding = await told(world)
    day_s = visits.ANSWERS_AFTER.total_seconds()
    for s, taken in ((600, True), (600 + day_s - 1, True), (600 + day_s, False)):
        world.s = s
        assert await answer(world, finding) is taken


async def test_what_the_centre_noted_names_its_account(world: World) -> None:
    finding = await told(world)
    assert await answer(world, finding, by="chen")
    (said,) = await world.events("warning_answered")
    assert (said["by"], said["actor"]) == ("account", "chen")


async def test_an_enterprise_without_a_channel_is_the_centres_both_times(world: World) -> None:
    await told(world, enterprise="e1")
    world.s = 300
    await world.settle()
    assert await sent(world) == [
        ("enterprise_has_no_channel", "page", "centre", "10"),
        ("enterprise_has_no_channel", "page", "centre", "5"),
    ]
    assert await world.pool.fetchval("SELECT channel FROM warnings") is None


async def test_an_unknown_channel_is_none(world: World) -> None:
    works = {"e2": Enterprise(id="e2", name="e2厂", place=WORKS, contact_channel="gone")}
    world.registry = city(enterprises=works)
    await told(world)
    assert (await sent(world))[0][:3] == ("enterprise_has_no_channel", "page", "centre")


async def test_history_has_every_warning_of_an_enterprise_the_newest_first(world: World) -> None:
    first = await told(world)
    await world.end(first, 50)
    world.s = 60
    await world.settle()
    second = await told(world, onset_at=at(55), rule="limit_min")
    rows = await warnings.of_enterprise(world.pool, "e2", at(-1))
    assert [(r["finding_id"], r["state"]) for r in rows] == [(second.id, "open"), (first.id, "cleared")]
    assert await warnings.of_enterprise(world.pool, "e2", at(61)) == []


def test_a_links_token_opens_its_own_warning_and_nothing_else() -> None:
    secret, finding = b"k" * 32, early().id
    token = visits.warning_token(secret, finding)
    assert visits.warning_of(secret, token) == finding
    assert visits.warning_of(b"o" * 32, token) is None
    for wrong in (
        token[:-1],
        token + "A",
        "A" * len(token),
        "",
        "é",
        token.swapcase(),
        token + "=",
        token + "\n",
    ):
        assert visits.warning_of(secret, wrong) is None, wrong
    assert visits.code(secret, 1, "o1", b"n") != visits.code(secret, 1, "o", b"1n")
