"""Clocks by class of severity, steps on arrival, the legal limit, and what ceases by itself."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from alerting import clocks
from alerting.lifecycle import begin, step
from alerting.steps import Accept, Arrive, Due, Ended, Fold, Handle, Join, Log, Notify, Raise, Reassign, Seek
from farwatch.domain.calendar import WorkCalendar
from farwatch.domain.finding import Kind, Reason
from farwatch.domain.policy import SHIPPED, EscalationStep, Handling, SeverityClocks, TaskPolicy
from farwatch.domain.task import Deadline, DeadlineKind, DeadlineState, Matter, Outcome, Task, TaskState
from tests.support.task_stories import CENTRE, NOW, PLACE, T0, A, at, matter, task_in

ACCEPT, ARRIVE, ESCALATE = DeadlineKind.ACCEPT, DeadlineKind.ARRIVE, DeadlineKind.ESCALATE
HANDLE, QUIET = DeadlineKind.HANDLE, DeadlineKind.QUIET
WORST = SeverityClocks(
    accept_s=120.0, arrive_s=400.0, ask_at_once=2,
    escalation=(
        EscalationStep(after_s=30, to="next_officer"),
        EscalationStep(after_s=60, to="lead"),
        EscalationStep(after_s=90, to="city"),
        EscalationStep(after_s=500, to="city", of="arrive"),
    ),
)  # fmt: skip
POLICY = TaskPolicy(severities={3: WORST}, handling=(Handling(kind="smoke", amount=1, unit="hours"),))
PENDING, CANCELLED = DeadlineState.PENDING, DeadlineState.CANCELLED


def of_kind(task: Task, kind: DeadlineKind) -> list[Deadline]:
    return [d for d in task.deadlines if d.kind is kind]


def fresh(severity: int, policy: TaskPolicy = POLICY) -> Task:
    return Task(
        id=1, state=TaskState.OPEN, place=PLACE, severity=severity, policy=policy, opened_at=T0, grid="g",
        matters=(matter(1, severity=severity),),
    )  # fmt: skip


def test_a_class_has_its_own_clocks_and_the_others_the_plain_ones() -> None:
    plain, worst = begin(fresh(2)), begin(fresh(3))
    assert [d.due_at for d in of_kind(plain.task, ACCEPT) + of_kind(plain.task, ARRIVE)] == [at(300), at(600)]
    assert [d.due_at for d in of_kind(worst.task, ACCEPT) + of_kind(worst.task, ARRIVE)] == [at(120), at(400)]
    assert [d.step for d in of_kind(plain.task, ESCALATE)] == [0, 1, 2]
    assert [d.step for d in of_kind(worst.task, ESCALATE)] == [3, 4, 5, 6]
    assert [e for e in worst.effects if isinstance(e, Seek)] == [Seek("officer"), Seek("next_officer")]


def test_every_class_finds_its_own_steps_among_all() -> None:
    policy = TaskPolicy(
        severities={3: WORST, 1: SeverityClocks(escalation=(EscalationStep(after_s=5, to="lead"),))}
    )
    for severity in (1, 2, 3):
        first, own = policy.first_rung(severity), policy.clocks(severity).escalation
        assert policy.rungs[first : first + len(own)] == own


@pytest.mark.parametrize("worse", [Raise(1, 3, (7,), Reason("confirmed")), Fold(1, UUID(int=9), 3)])
def test_a_worse_class_adds_what_is_earlier_and_moves_nothing(worse: Raise | Fold) -> None:
    before = task_in(TaskState.OFFERED, POLICY)
    after = step(before, worse, at(100)).task
    assert set(before.deadlines) <= set(after.deadlines)
    assert [(d.step, d.due_at) for d in of_kind(after, ACCEPT)] == [(0, at(300)), (1, at(220))]
    assert [(d.step, d.due_at) for d in of_kind(after, ARRIVE)] == [(0, at(600)), (1, at(500))]
    # The plain next_officer was at 90: it need not be done again; lead comes earlier now than at 180.
    assert [(d.step, d.due_at) for d in of_kind(after, ESCALATE)] == [
        (0, at(90)), (1, at(180)), (2, at(300)), (4, at(160)), (5, at(190)), (6, at(600)),
    ]  # fmt: skip
    assert (after.severity, after.matters[0].severity) == (3, 3)


def test_after_the_acceptance_a_worse_class_adds_what_waits_for_the_arrival_only() -> None:
    after = step(task_in(TaskState.ACCEPTED, POLICY), Raise(1, 3, (7,), Reason("confirmed")), at(100)).task
    assert [d.step for d in of_kind(after, ESCALATE) if d.state is PENDING] == [6]
    assert [d.step for d in of_kind(after, ACCEPT)] == [0]


def test_a_late_rise_shortens_nothing_that_is_nearly_over() -> None:
    after = step(task_in(TaskState.OFFERED, POLICY), Raise(1, 3, (7,), Reason("confirmed")), at(250)).task
    assert [d.due_at for d in of_kind(after, ACCEPT)] == [at(300)]


def test_both_accept_deadlines_are_answered_by_one_tap_and_breached_each_once() -> None:
    task = step(task_in(TaskState.OFFERED, POLICY), Raise(1, 3, (7,), Reason("confirmed")), at(100)).task
    early = step(task, Due((ACCEPT, 1, 1)), at(221))
    assert [e.occasion for e in early.effects if isinstance(e, Notify)] == ["breach_accept:1:1"]
    taken = step(early.task, Accept(A), at(250)).task
    assert [d.state for d in of_kind(taken, ACCEPT)] == [DeadlineState.MET, DeadlineState.BREACHED]


def test_the_same_confirmation_again_says_nothing() -> None:
    confirmed = step(task_in(TaskState.ACCEPTED, POLICY), Raise(1, 3, (7,), Reason("confirmed")), NOW)
    assert confirmed.task.matters[0].confirmed_by == (7,)
    assert [e.type for e in confirmed.effects if isinstance(e, Log)] == ["matter_confirmed", "task_offered"]
    again = step(confirmed.task, Raise(1, 3, (7,), Reason("confirmed")), NOW)
    assert (again.reason.key, again.effects) == ("already_confirmed", ())


def test_steps_on_arrival_outlive_the_acceptance_and_end_with_the_arrival() -> None:
    offered = begin(fresh(3)).task
    task = replace(task_in(TaskState.OFFERED, POLICY), deadlines=offered.deadlines)
    accepted = step(task, Accept(A), at(30)).task
    assert [d.state for d in of_kind(accepted, ESCALATE)] == [CANCELLED] * 3 + [PENDING]
    reported = step(accepted, Due((ESCALATE, 1, 6)), at(500))
    assert [(e.target, e.key) for e in reported.effects if isinstance(e, Notify)] == [
        ("city", "escalated_arrive")
    ]
    arrived = step(accepted, Arrive(A, PLACE), at(200)).task
    assert of_kind(arrived, ESCALATE)[-1].state is CANCELLED


def test_a_matter_that_joins_where_nobody_is_any_more_has_its_arrival_to_come() -> None:
    task = step(task_in(TaskState.ARRIVED, POLICY), Reassign(CENTRE, "b", "go"), at(30)).task
    task = step(task, Join(matter(2, 40, severity=3), Reason("near")), at(40)).task

    assert [d.due_at for d in of_kind(task, ARRIVE) if d.matter == 2] == [at(440)]
    assert [d.due_at for d in of_kind(task, ESCALATE) if d.matter == 2] == [at(70), at(100), at(130), at(540)]


def test_the_city_is_told_by_its_step_once() -> None:
    task = replace(task_in(TaskState.OFFERED, POLICY), deadlines=begin(fresh(3)).task.deadlines)
    told = step(task, Due((ESCALATE, 1, 5)), at(90))
    assert [(e.target, e.occasion) for e in told.effects if isinstance(e, Notify)] == [
        ("city", "escalated:1:5")
    ]
    assert step(told.task, Due((ESCALATE, 1, 5)), at(91)).reason.key == "not_due"


def test_the_legal_limit_is_an_instant_from_the_opening_on() -> None:
    limit = clocks.handle_at(matter(1), POLICY, WorkCalendar())
    assert limit == at(3600)
    task = begin(fresh(2), limit).task
    late = step(task, Due((HANDLE, 1, 0)), at(3601))
    assert [(e.target, e.key) for e in late.effects if isinstance(e, Notify)] == [
        ("centre", "breached_handle"), ("lead", "breached_handle"),
    ]  # fmt: skip
    done = step(task, Handle(CENTRE, "电话核实"), at(3599)).task
    assert of_kind(done, HANDLE)[0].state is DeadlineState.MET
    assert (
        of_kind(step(task, Handle(CENTRE, "电话核实"), at(3700)).task, HANDLE)[0].state
        is DeadlineState.BREACHED
    )
    joined = step(task, Join(matter(2, 50), Reason("near"), at(3650)), NOW).task
    assert [d.due_at for d in of_kind(joined, HANDLE)] == [at(3600), at(3650)]


def fault(id: int, s: float = 0) -> Matter:
    return replace(matter(id, s), kind=Kind.CAMERA_FAULT)


def test_a_matter_ceases_when_its_last_finding_has_stayed_away() -> None:
    task = task_in(TaskState.ACCEPTED)
    assert of_kind(step(task, Ended(1, UUID(int=1), NOW, left=1), NOW).task, QUIET) == []
    quiet = step(task, Ended(1, UUID(int=1), NOW), NOW).task
    assert [d.due_at for d in of_kind(quiet, QUIET)] == [NOW + timedelta(seconds=1800)]
    back = step(quiet, Fold(1, UUID(int=5), 2), at(100)).task
    assert [d.state for d in of_kind(back, QUIET)] == [CANCELLED]
    again = step(back, Ended(1, UUID(int=5), at(200)), at(200)).task
    ceased = step(again, Due((QUIET, 1, 0)), at(2000)).task
    assert (ceased.state, ceased.matters[0].ceased_at, ceased.matters[0].closed_at) == (
        TaskState.ACCEPTED, at(2000), None,
    )  # fmt: skip
    assert step(ceased, Fold(1, UUID(int=6), 2), at(2100)).task.matters[0].ceased_at is None


@pytest.mark.parametrize("state", [TaskState.OPEN, TaskState.OFFERED, TaskState.ACCEPTED])
def test_a_fault_that_heals_needs_no_visit(state: TaskState) -> None:
    task = step(task_in(state, first=fault(1)), Ended(1, UUID(int=1), NOW), NOW).task
    over = step(task, Due((QUIET, 1, 0)), at(1860))
    assert (over.task.state, over.task.outcome, over.task.closed_at) == (
        TaskState.CLOSED,
        Outcome.CEASED,
        at(1860),
    )
    assert over.task.matters[0].closed_reason == over.task.closed_reason == "ceased"
    assert PENDING not in {d.state for d in over.task.deadlines}
    accept = of_kind(over.task, ACCEPT)[0].state
    assert accept is (DeadlineState.MET if state is TaskState.ACCEPTED else DeadlineState.BREACHED)
    asked = {TaskState.OPEN: set(), TaskState.OFFERED: {"a", "b"}, TaskState.ACCEPTED: {"a"}}[state]
    assert {e.target for e in over.effects if isinstance(e, Notify) and e.key == "task_ceased"} == asked


def test_whoever_has_arrived_says_himself_how_it_was() -> None:
    task = step(task_in(TaskState.ARRIVED, first=fault(1)), Ended(1, UUID(int=1), NOW), NOW).task
    over = step(task, Due((QUIET, 1, 0)), at(1860)).task
    assert (over.state, over.matters[0].closed_reason) == (TaskState.ARRIVED, "ceased")
    assert step(over, Handle(A), at(1900)).task.state is TaskState.HANDLED


def test_a_visit_goes_on_while_one_of_its_matters_needs_it() -> None:
    both = step(task_in(TaskState.OFFERED, first=fault(1)), Join(matter(2, 50), Reason("near")), NOW).task
    quiet = step(both, Ended(1, UUID(int=1), NOW), NOW).task
    over = step(quiet, Due((QUIET, 1, 0)), at(1860)).task
    assert (over.state, [m.closed_at for m in over.matters]) == (TaskState.OFFERED, [at(1860), None])
    taken = step(over, Accept(A), at(1870)).task
    assert [m.accepted_at for m in taken.matters] == [None, at(1870)]
    assert [m.id for m in taken.matters if m.closed_at is None] == [2]


def test_the_ladder_goes_on_when_the_matter_that_brought_it_heals() -> None:
    policy = TaskPolicy(quiet_close_s=20.0)
    both = step(task_in(TaskState.OFFERED, policy, fault(1)), Join(matter(2, 50), Reason("near")), NOW).task
    brought = [(d.step, d.due_at) for d in of_kind(both, ESCALATE)]
    over = step(step(both, Ended(1, UUID(int=1), NOW), NOW).task, Due((QUIET, 1, 0)), at(80)).task
    ladder = of_kind(over, ESCALATE)
    assert [(d.step, d.due_at) for d in ladder if (d.matter, d.state) == (2, PENDING)] == brought
    assert {d.state for d in ladder if d.matter == 1} == {CANCELLED}
    assert over.matters[1].closed_at is None
    alone = step(task_in(TaskState.OFFERED, policy, fault(1)), Ended(1, UUID(int=1), NOW), NOW).task
    closed = step(alone, Due((QUIET, 1, 0)), at(80)).task
    assert {d.state for d in of_kind(closed, ESCALATE)} == {CANCELLED}


def test_a_worse_matters_own_ladder_is_not_doubled_by_one_that_healed() -> None:
    policy = replace(POLICY, quiet_close_s=20.0)
    worse = Join(matter(2, 0, severity=3), Reason("near"))
    both = step(task_in(TaskState.OFFERED, policy, fault(1)), worse, NOW).task
    over = step(step(both, Ended(1, UUID(int=1), at(1)), at(1)).task, Due((QUIET, 1, 0)), at(21)).task
    to = [policy.rungs[d.step].to for d in of_kind(over, ESCALATE) if d.state is PENDING]
    assert sorted(to) == ["centre", "city", "city", "lead", "next_officer"]


def test_what_the_city_ships_asks_two_for_the_worst_and_lets_faults_heal() -> None:
    assert SHIPPED.task.clocks(3).ask_at_once == 2
    assert SHIPPED.task.clocks(2).escalation == SHIPPED.task.escalation
    assert {s.to for s in SHIPPED.task.clocks(3).escalation} == {"next_officer", "lead", "centre", "city"}
