"""Handing over, re-assigning and excusing on the real rows; and tasks that an earlier release opened."""

from dataclasses import replace
from typing import Any

import pytest

from farwatch.domain.commitment import commitment
from farwatch.domain.finding import Kind, Tier
from farwatch.domain.policy import SHIPPED, SHIPPED_STEPS, EscalationStep, Handling, TaskPolicy
from farwatch.domain.task import DeadlineKind, DeadlineState, Outcome, TaskState
from farwatch.storage import actions, task_views
from farwatch.storage.database import Pool
from farwatch.storage.sequencer import first_broken_link, sequence_once
from tests.support.alerting import WORKS, NoLease, World, at, city, officer, smoke

RELEASED = (
    '{"accept_s": 240.0, "arrive_s": 600.0, "geofence_m": 100.0, "accuracy_max_m": 100.0, "quiet_close_s": 1800.0,'
    ' "escalation": [{"after_s": 90.0, "to": "next_officer"}, {"after_s": 180.0, "to": "lead"},'
    ' {"after_s": 300.0, "to": "centre"}]}'
)
"""The policy of a task as 0.1 stored it."""


@pytest.fixture
async def world(pool: Pool) -> World:
    """With the officers as rows too: whom a deed names is looked up there."""
    await pool.execute("INSERT INTO teams (id, name, lead) VALUES ('t', 't', 'lead')")
    await pool.execute("INSERT INTO grids (id, name, team, geometry) VALUES ('g', 'g', 't', '{}')")
    for who in ("near", "far", "lead", "gone"):
        await pool.execute(
            "INSERT INTO officers (id, name, team, lat, lon, active) VALUES ($1, $1, 't', 31.2, 121.4, $1 <> 'gone')",
            who,
        )
    made = World(pool)
    await made.found(smoke())
    await made.settle()
    return made


async def test_the_centre_moves_a_task_and_it_is_taken_from_there(world: World) -> None:
    await world.act("near", "accept")
    for to, reason in (("gone", "unknown_officer"), ("nobody", "unknown_officer"), ("near", "same_officer")):
        assert (await world.act("centre", "reassign", to=to, note="更近")).reason.key == reason
    assert (await world.act("near", "reassign", to="far", note="更近")).reason.key == "not_allowed"
    world.s = 20
    assert (await world.act("centre", "reassign", to="far", note="更近")).reason.key == "reassigned"
    task = await world.task()
    assert (task.state, task.officer, task.offered_to, task.declined_by) == (
        TaskState.OFFERED,
        None,
        ("far",),
        ("near",),
    )
    (event,) = await world.events("task_reassigned")
    assert (event["officer"], event["former"], event["actor"]) == ("far", "near", "user-centre")
    world.s = 81
    await world.settle()
    lapsed = [e["officer"] for e in await world.events("offer_lapsed")]
    assert lapsed == ["far"]
    assert (await world.act("far", "accept")).reason.key == "accepted"
    assert (await world.task()).accepted_at == at(0)


async def test_who_is_asked_to_take_over_sees_the_task_and_takes_it(world: World) -> None:
    await world.act("near", "accept")
    assert await task_views.one(world.pool, 1, "far") is None
    assert (await world.act("near", "hand-over", to="far", note="换班")).reason.key == "handover_asked"
    assert await task_views.one(world.pool, 1, "far") is not None
    assert (await task_views.officers_of(world.pool, [1]))[1] == {"near", "far"}
    assert await task_views.has_open(world.pool, "far")
    assert (await world.act("far", "accept")).reason.key == "handed_over"
    assert (await world.task()).officer == "far"
    assert (await world.act("near", "arrive", position=WORKS)).reason.key == "not_offered_to_you"
    assert (await world.act("far", "arrive", position=WORKS)).reason.key == "arrived"


async def test_a_lead_excuses_a_breach_of_his_own_team_only(world: World) -> None:
    world.s = 301
    await world.settle()
    say: dict[str, Any] = {"deadline": DeadlineKind.ACCEPT, "note": "全网断线"}
    assert (await world.act("far", "excuse", **say)).reason.key == "not_allowed"
    assert (await world.act("centre", "excuse", note="全网断线")).reason.key == "nothing_to_excuse"
    assert (await world.act("lead", "excuse", **say)).reason.key == "breach_excused"
    assert (await world.act("centre", "excuse", **say)).reason.key == "already_excused"
    (accept,) = (d for d in (await world.task()).deadlines if d.kind is DeadlineKind.ACCEPT)
    assert (accept.state, accept.excused_by, accept.excuse) == (
        DeadlineState.BREACHED,
        "user-lead",
        "全网断线",
    )


@pytest.mark.parametrize(("reason", "why"), [("unwell", "unwell"), ("化疗复查", None), ("", None)])
async def test_the_log_has_the_word_of_the_page_for_a_decline_and_what_was_written_can_be_erased(
    world: World, reason: str, why: str | None
) -> None:
    await world.act("near", "decline", reason=reason, note="王医生 在城东", client_id="x1")
    (event,) = await world.events("task_declined")
    assert (event["officer"], event.get("why")) == ("near", why)
    assert "王医生" in await world.pool.fetchval("SELECT note FROM actions")
    told = str(await world.events())
    assert "王医生" not in told
    assert "化疗" not in told


@pytest.mark.parametrize("action", ["reassign", "hand-over", "excuse"])
async def test_why_a_task_changed_hands_or_a_breach_is_excused_can_be_erased(
    world: World, action: str
) -> None:
    """The page shows the words beside the log's entry, the log has their commitment alone."""
    world.s = 301
    await world.act("near", "accept")
    who, more = ("near" if action == "hand-over" else "centre"), {"to": "far"}
    say: dict[str, Any] = {"deadline": DeadlineKind.ACCEPT} if action == "excuse" else more
    assert (await world.act(who, action, note="王医生 在城东", client_id="x1", **say)).result == "done"
    assert await actions.reasons(world.pool, 1) == {"x1": "王医生 在城东"}
    (event,) = (e for e in await world.events() if e.get("deed") == "x1")
    assert "王医生" not in str(await world.events())
    salt = await world.pool.fetchval("SELECT salt FROM actions WHERE client_id = 'x1'")
    assert event["commitment"] == commitment(salt, "王医生 在城东", None)
    assert await actions.erase_note(world.pool, "x1", by="operator")
    while await sequence_once(world.pool, NoLease()):
        pass
    assert await actions.reasons(world.pool, 1) == {}
    for table in await world.pool.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    ):
        rows = await world.pool.fetch(f"SELECT to_jsonb(t)::text AS row FROM {table['table_name']} t")
        assert not any("王医生" in row["row"] for row in rows), table["table_name"]
    async with world.pool.acquire() as connection:
        assert await first_broken_link(connection) is None


async def test_a_fault_that_heals_closes_its_task_and_what_comes_again_is_a_new_one(pool: Pool) -> None:
    world = World(pool)
    fault = smoke("", rule="camera_black", kind=Kind.CAMERA_FAULT, tier=Tier.FAULT)
    again = smoke("", rule="camera_black", kind=Kind.CAMERA_FAULT, tier=Tier.FAULT, onset_at=at(3000))
    await world.found(fault)
    await world.settle()
    world.s = 60
    await world.end(fault, 59)
    await world.settle()
    world.s = 1859
    await world.settle()
    assert (await world.task()).state is TaskState.OFFERED
    world.s = 1860
    await world.settle()
    task = await world.task()
    assert (task.state, task.outcome, task.closed_at) == (TaskState.CLOSED, Outcome.CEASED, at(1860))
    world.s = 3000
    await world.found(again)
    await world.settle()
    first, second = await world.tasks()
    assert (first, second.reopened_from) == (task, task.id)


async def test_the_centre_is_told_after_the_matter_that_brought_the_steps_healed(pool: Pool) -> None:
    world = World(pool, policy=replace(SHIPPED, task=replace(SHIPPED.task, quiet_close_s=20.0)))
    fault = smoke(rule="camera_black", kind=Kind.CAMERA_FAULT, tier=Tier.FAULT)
    await world.found(fault, smoke(zone="b"))
    await world.end(fault, 10)
    for world.s in range(0, 401, 20):
        await world.settle()
    task = await world.task()
    assert [m.closed_reason for m in task.matters] == ["ceased", None]
    told = "SELECT count(*) FROM notices WHERE step LIKE 'escalated:%' AND target = 'centre'"
    assert await pool.fetchval(told) == 1


async def test_a_matter_is_quiet_only_when_the_last_of_its_findings_ended(world: World) -> None:
    more = smoke(onset_at=at(-4))
    await world.found(more)
    await world.settle()
    await world.end(smoke(), 10)
    await world.settle()
    quiet = [d for d in (await world.task()).deadlines if d.kind is DeadlineKind.QUIET]
    assert quiet == []
    await world.end(more, 20)
    await world.settle()
    (quiet_one,) = (d for d in (await world.task()).deadlines if d.kind is DeadlineKind.QUIET)
    assert quiet_one.due_at == at(1800)


async def test_the_legal_limit_stays_where_it_was_when_the_calendar_changes(pool: Pool) -> None:
    limits = (Handling(kind="smoke", amount=1, unit="working_days"),)
    world = World(pool, policy=replace(SHIPPED, task=replace(SHIPPED.task, handling=limits)))
    await world.found(smoke())
    await world.settle()
    world.policy = replace(world.policy, calendar=replace(world.policy.calendar, weekdays=(7,)))
    await world.settle()
    (limit,) = (d for d in (await world.task()).deadlines if d.kind is DeadlineKind.HANDLE)
    assert limit.due_at.isoformat() == "2026-11-23T09:30:00+00:00"
    world.s = (limit.due_at - at(0)).total_seconds() + 1
    await world.settle()
    told = await pool.fetch(
        "SELECT target FROM notices WHERE message_key = 'breached_handle' ORDER BY target"
    )
    assert [r["target"] for r in told] == ["centre", "lead"]


async def test_a_legal_limit_without_an_end_hides_no_finding(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    never = Handling(kind="smoke", amount=800, unit="working_days")
    world = World(pool, policy=replace(SHIPPED, task=replace(SHIPPED.task, handling=(never,))))
    await world.found(smoke())
    await world.found(smoke(zone="b"))
    await world.settle()
    clocks = [d.kind for d in (await world.task()).deadlines]
    assert (clocks.count(DeadlineKind.ACCEPT), clocks.count(DeadlineKind.HANDLE)) == (2, 0)
    assert "no working day in three years" in caplog.text


async def test_a_task_that_an_earlier_release_opened_goes_on_by_its_own_policy(world: World) -> None:
    await world.pool.execute("UPDATE tasks SET policy = $1::text::jsonb", RELEASED)
    policy = (await world.task()).policy
    assert (policy.accept_s, policy.severities, policy.handling) == (240.0, {}, ())
    assert policy.escalation == SHIPPED_STEPS
    world.s = 90
    await world.settle()
    assert [e["to"] for e in await world.events("escalated") if "step" in e] == ["next_officer"]
    assert (await world.act("near", "accept")).reason.key == "accepted"


async def test_who_is_asked_again_after_a_reassignment_is_told_again(world: World) -> None:
    assert (await world.task()).offered_to == ("near",)
    world.s = 10
    await world.act("centre", "reassign", to="far", note="更近")
    world.s = 20
    await world.act("far", "decline", reason="busy")
    await world.settle()
    assert (await world.task()).offered_to == ("far", "near")
    told = await world.pool.fetchval(
        "SELECT count(*) FROM notices WHERE target = 'near' AND message_key = 'offered' AND created_at = $1"
        " AND state = 'sent'",
        at(20),
    )
    assert told == 1


async def test_each_step_of_a_task_that_nobody_arrives_at_asks_one_more(pool: Pool) -> None:
    steps = tuple(
        EscalationStep(after_s=s, to=to, of="arrive")
        for s, to in ((60, "next_officer"), (90, "next_officer"), (120, "lead"))
    )
    crew = {o.id: o for o in (officer(f"o{n}", 31.2 + n / 100) for n in range(3))}
    registry = city(officers={**crew, "lead": officer("lead", 31.9)})
    world = World(pool, registry, replace(SHIPPED, task=TaskPolicy(escalation=steps)))
    await world.found(smoke())
    await world.settle()
    await world.act("o0", "accept")
    asked = []
    for world.s in (60, 90, 120):
        await world.settle()
        asked.append((await world.task()).handover_to)
    assert asked == ["o1", "o2", "lead"]
    rows = await pool.fetch("SELECT target FROM notices WHERE message_key = 'withdrawn' ORDER BY id")
    assert [r["target"] for r in rows] == ["o1", "o2"]


async def test_the_centre_hears_each_time_that_nobody_is_left(world: World) -> None:
    await world.pool.execute("DELETE FROM notices")
    world.registry = city(
        teams={}, officers={o.id: o for o in (officer("near", 31.201), officer("far", 31.25))}
    )
    for world.s, who in ((5, "near"), (10, "far"), (65, "near")):
        if world.s == 65:
            assert (await world.act("centre", "reassign", to="near", note="请再去")).result == "done"
        await world.act(who, "decline", reason="busy")
        await world.settle()
    steps = "SELECT created_at FROM notices WHERE target = 'centre' AND step LIKE 'nobody:%' ORDER BY id"
    assert [r["created_at"] for r in await world.pool.fetch(steps)] == [at(10), at(65)]
