"""How a task changes hands, and what stands beside a breach."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerting.lifecycle import step
from alerting.steps import (
    Accept,
    Arrive,
    Decision,
    Decline,
    Due,
    Excuse,
    HandOver,
    Join,
    Log,
    Notify,
    Offer,
    Reassign,
    Seek,
)
from farwatch.domain.finding import Reason
from farwatch.domain.task import Actor, DeadlineKind, DeadlineState, Task, TaskState
from tests.support.task_stories import CENTRE, NOW, PLACE, A, B, at, matter, task_in

D = Actor("ud", "officer", "d")
TO_D = Reassign(CENTRE, "d", "离现场更近")
ACCEPT, ARRIVE, OFFER = DeadlineKind.ACCEPT, DeadlineKind.ARRIVE, DeadlineKind.OFFER


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(e.target, e.key) for e in decision.effects if isinstance(e, Notify)]


def windows(task: Task) -> dict[int, DeadlineState]:
    return {d.step: d.state for d in task.deadlines if d.kind is OFFER}


def test_a_reassigned_task_is_offered_at_once_and_its_clocks_run_on() -> None:
    before = task_in(TaskState.ACCEPTED)
    decision = step(before, TO_D, NOW)
    task = decision.task
    assert (task.state, task.officer, task.offered_to) == (TaskState.OFFERED, None, ("d",))
    assert told(decision) == [("d", "offered"), ("a", "withdrawn"), ("b", "withdrawn")]
    kept = [d for d in before.deadlines if d.kind is ARRIVE]
    assert [d for d in task.deadlines if d.kind is ARRIVE] == kept
    assert step(task, Accept(A), NOW).reason.key == "not_offered_to_you"
    taken = step(task, Accept(D), at(400)).task
    assert (taken.officer, taken.accepted_at) == ("d", at(30))
    assert next(d.state for d in taken.deadlines if d.kind is ACCEPT) is DeadlineState.MET


def test_who_lost_a_task_may_be_given_it_again() -> None:
    task = step(step(task_in(TaskState.ACCEPTED), TO_D, NOW).task, Reassign(CENTRE, "a", "又有空"), NOW).task
    assert (task.offered_to, task.declined_by) == (("a",), ())
    assert step(task, Accept(A), NOW).task.officer == "a"


@pytest.mark.parametrize("state", [TaskState.OPEN, TaskState.OFFERED, TaskState.ACCEPTED, TaskState.ARRIVED])
def test_to_reassign_to_who_has_it_already_changes_nothing(state: TaskState) -> None:
    task = step(task_in(state), TO_D, NOW).task
    assert step(task, TO_D, NOW).reason.key == "same_officer"
    if state is TaskState.ARRIVED:
        assert step(step(task, Accept(D), NOW).task, Arrive(D, PLACE), at(500)).task.arrived_at == at(30)


def test_a_handover_leaves_the_holder_responsible_until_the_other_accepts() -> None:
    asked = step(task_in(TaskState.ACCEPTED), HandOver(A, "d", "换班"), NOW)
    task = asked.task
    assert (task.officer, task.handover_to, told(asked)) == ("a", "d", [("d", "handover_asked")])
    assert step(task, HandOver(A, "d", "换班"), NOW).reason.key == "already_asked"
    assert step(task, Arrive(A, PLACE), NOW).task.handover_to is None
    over = step(task, Accept(D), NOW)
    assert (over.task.officer, over.task.handover_to, over.task.accepted_at) == ("d", None, at(30))
    assert told(over) == [("a", "handed_over")]
    assert step(over.task, Arrive(A, PLACE), NOW).reason.key == "not_offered_to_you"
    assert step(over.task, Arrive(D, PLACE), NOW).task.state is TaskState.ARRIVED


@pytest.mark.parametrize(("s", "state"), [(300, DeadlineState.MET), (351, DeadlineState.BREACHED)])
def test_who_takes_over_answers_the_matters_that_joined(s: float, state: DeadlineState) -> None:
    joined = step(task_in(TaskState.ACCEPTED), Join(matter(2, 50), Reason("near")), NOW).task
    over = step(step(joined, HandOver(A, "d", "换班"), NOW).task, Accept(D), at(s))
    assert [m.accepted_at for m in over.task.matters] == [at(30), at(s)]
    assert [d.state for d in over.task.deadlines if (d.kind, d.matter) == (ACCEPT, 2)] == [state]
    assert [
        e.detail["matters"] for e in over.effects if isinstance(e, Log) and e.type == "task_handed_over"
    ] == [[2]]


def test_a_declined_handover_stays_where_it_is() -> None:
    task = step(task_in(TaskState.ACCEPTED), HandOver(A, "d", "换班"), NOW).task
    declined = step(task, Decline(D, "太远"), NOW)
    assert (declined.task.officer, declined.task.handover_to) == ("a", None)
    assert told(declined) == [("a", "handover_declined")]
    assert step(task, Decline(B), NOW).reason.key == "wrong_state"


def test_a_reassignment_calls_a_handover_off() -> None:
    task = step(task_in(TaskState.ACCEPTED), HandOver(A, "b", "换班"), NOW).task
    assert step(task, TO_D, NOW).task.handover_to is None


def test_another_handover_withdraws_the_one_before() -> None:
    task = step(task_in(TaskState.ACCEPTED), HandOver(A, "d", "换班"), NOW).task
    assert told(step(task, HandOver(A, "b", "换班"), NOW)) == [("b", "handover_asked"), ("d", "withdrawn")]
    assert ("d", "withdrawn") in told(step(task, Arrive(A, PLACE), NOW))


def test_an_offer_lapses_after_its_window_and_may_still_be_taken() -> None:
    task = task_in(TaskState.OFFERED)
    key = (OFFER, None, 0)
    assert step(task, Due(key), at(89)).reason.key == "not_due"
    lapsed = step(task, Due(key), at(90))
    assert [e for e in lapsed.effects if isinstance(e, Seek)] == [Seek("next_officer")]
    assert [e.detail for e in lapsed.effects if isinstance(e, Log)] == [{"officer": "a"}]
    assert lapsed.task.state is TaskState.OFFERED
    assert step(lapsed.task, Due(key), at(91)).reason.key == "not_due"
    assert step(lapsed.task, Accept(A), at(100)).task.officer == "a"


def test_answering_ends_the_window_of_who_answered() -> None:
    task = task_in(TaskState.OFFERED)
    declined = step(task, Decline(A, "车坏了"), NOW)
    assert windows(declined.task) == {0: DeadlineState.CANCELLED, 1: DeadlineState.PENDING}
    assert [e.detail for e in declined.effects if isinstance(e, Log)] == [{"officer": "a", "why": "车坏了"}]
    assert set(windows(step(task, Accept(B), NOW).task).values()) == {DeadlineState.CANCELLED}


def test_the_centre_hears_when_who_it_chose_does_not_answer() -> None:
    task = step(task_in(TaskState.ACCEPTED), TO_D, NOW).task
    lapsed = step(task, Due((OFFER, None, 0)), NOW + timedelta(seconds=60))
    assert told(lapsed) == [("centre", "offer_lapsed")]
    assert Seek("next_officer") in lapsed.effects


def test_an_officer_wanted_because_nobody_arrives_is_asked_to_take_over() -> None:
    decision = step(task_in(TaskState.ACCEPTED), Offer("d", "next_officer", Reason("nearest")), NOW)
    assert (decision.task.state, decision.task.officer, decision.task.handover_to) == (
        TaskState.ACCEPTED,
        "a",
        "d",
    )


LEAD = Offer("e", "lead", Reason("team_lead"))
NEXT = Offer("e", "next_officer", Reason("nearest"))


@pytest.mark.parametrize("more", [LEAD, NEXT])
def test_one_more_is_asked_instead_of_whom_dispatch_asked_in_vain(more: Offer) -> None:
    task = step(task_in(TaskState.ACCEPTED), Offer("d", "next_officer", Reason("nearest")), NOW).task
    decision = step(task, more, at(120))
    assert decision.task.handover_to == "e"
    assert told(decision) == [("e", "handover_asked"), ("d", "withdrawn")]


def test_whom_the_holder_asked_himself_gives_way_to_the_lead_only() -> None:
    task = step(task_in(TaskState.ACCEPTED), HandOver(A, "d", "换班"), NOW).task
    stays = step(task, NEXT, at(120))
    assert (stays.reason.key, stays.task, told(stays)) == (
        "already_asked",
        task,
        [("centre", "escalated_arrive")],
    )
    assert told(step(task, LEAD, at(120))) == [("e", "handover_asked"), ("d", "withdrawn")]


@pytest.mark.parametrize("lead", ["a", "d"])
def test_the_centre_is_told_when_the_lead_has_the_task_already(lead: str) -> None:
    task = step(task_in(TaskState.ACCEPTED), Offer("d", "lead", Reason("team_lead")), NOW).task
    again = step(task, Offer(lead, "lead", Reason("team_lead")), at(120))
    assert (again.task, told(again)) == (task, [("centre", "escalated_arrive")])


def breached() -> Task:
    return step(task_in(TaskState.OFFERED), Due((ACCEPT, 1, 0)), at(301)).task


def test_an_excuse_stands_beside_a_breach_and_never_undoes_it() -> None:
    excused = step(breached(), Excuse(CENTRE, ACCEPT, 1, "全网断线"), at(400))
    (deadline,) = (d for d in excused.task.deadlines if d.kind is ACCEPT)
    assert (deadline.state, deadline.decided_at) == (DeadlineState.BREACHED, at(301))
    assert (deadline.excused_at, deadline.excused_by, deadline.excuse) == (at(400), "ux", "全网断线")
    assert [e.type for e in excused.effects if isinstance(e, Log)] == ["breach_excused"]
    assert step(excused.task, Excuse(CENTRE, ACCEPT, None, "再来"), at(401)).reason.key == "already_excused"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (Excuse(CENTRE, ACCEPT, 1, " "), "note_needed"),
        (Excuse(CENTRE, ARRIVE, 1, "断网"), "nothing_to_excuse"),
        (Excuse(CENTRE, ACCEPT, 9, "断网"), "nothing_to_excuse"),
        (Excuse(A, ACCEPT, 1, "断网"), "not_allowed"),
        (Excuse(Actor("uy", "bureau"), ACCEPT, 1, "断网"), "not_allowed"),
        (Excuse(A, ACCEPT, 1, "断网", lead_of=True), "breach_excused"),
        (Excuse(CENTRE, ACCEPT, None, "断网"), "breach_excused"),
    ],
)
def test_who_may_excuse_what(event: Excuse, reason: str) -> None:
    assert step(breached(), event, at(400)).reason.key == reason


def test_nobody_is_excused_by_a_closed_tasks_state() -> None:
    closed = replace(breached(), state=TaskState.CLOSED)
    assert step(closed, Excuse(CENTRE, ACCEPT, 1, "断网"), at(9000)).reason.key == "breach_excused"
