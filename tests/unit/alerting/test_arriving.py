"""Who has arrived where: a visit may be to several places, and each of them has its own clock."""

from dataclasses import replace

import pytest

from alerting.lifecycle import step
from alerting.steps import Accept, Arrive, FalseAlarm, Handle, Join, Log, Reassign
from farwatch.domain.finding import Reason
from farwatch.domain.place import Position
from farwatch.domain.task import Deadline, DeadlineKind, DeadlineState, Matter, Task, TaskState
from tests.support.task_stories import CENTRE, PLACE, A, B, at, matter, task_in

FAR, BESIDE = Position(31.25, 121.4), Position(PLACE.lat + 90 / 111_195, PLACE.lon)
MET, BREACHED, PENDING = DeadlineState.MET, DeadlineState.BREACHED, DeadlineState.PENDING


def elsewhere(id: int, s: float = 0, place: Position = FAR) -> Matter:
    return replace(matter(id, s), place=place)


def two_places(state: TaskState = TaskState.ACCEPTED) -> Task:
    return step(task_in(state), Join(elsewhere(2, 50), Reason("same_enterprise")), at(50)).task


def clocks_of(task: Task) -> list[tuple[int | None, DeadlineState]]:
    return [(d.matter, d.state) for d in arrivals(task)]


def arrivals(task: Task) -> list[Deadline]:
    return [d for d in task.deadlines if d.kind is DeadlineKind.ARRIVE]


def test_an_arrival_answers_the_clocks_of_the_matters_at_that_place_alone() -> None:
    first = step(two_places(), Arrive(A, PLACE), at(100))
    assert (first.task.state, first.task.arrived_at) == (TaskState.ARRIVED, at(100))
    assert clocks_of(first.task) == [(1, MET), (2, PENDING)]
    assert [m.arrived_at for m in first.task.matters] == [at(100), None]
    assert [e.detail["matters"] for e in first.effects if isinstance(e, Log)] == [[1]]


def test_who_has_arrived_arrives_again_where_nobody_was_yet_and_the_first_t5_stays() -> None:
    task = step(two_places(), Arrive(A, PLACE), at(100)).task
    here = step(task, Arrive(A, PLACE), at(200))
    assert (here.refused, here.reason.key) == (True, "too_far")
    there = step(task, Arrive(A, FAR), at(300)).task
    assert (there.state, there.arrived_at) == (TaskState.ARRIVED, at(100))
    assert clocks_of(there) == [(1, MET), (2, MET)]
    assert [m.arrived_at for m in there.matters] == [at(100), at(300)]
    again = step(there, Arrive(A, None), at(400))
    assert (again.refused, again.reason.key, again.task) == (False, "already_arrived", there)


def test_the_place_of_any_open_matter_proves_the_arrival() -> None:
    task = step(two_places(), Arrive(A, FAR), at(100)).task
    assert (task.state, clocks_of(task)) == (TaskState.ARRIVED, [(1, PENDING), (2, MET)])
    closed = replace(two_places(), matters=(matter(1), replace(elsewhere(2), closed_at=at(60))))
    assert step(closed, Arrive(A, FAR), at(100)).reason.key == "too_far"


def test_a_visit_whose_matters_have_all_closed_by_themselves_is_arrived_at_as_well() -> None:
    healed = replace(task_in(TaskState.ACCEPTED), matters=(replace(matter(1), closed_at=at(60)),))
    task = step(healed, Arrive(A, PLACE), at(100)).task
    assert (task.state, task.arrived_at) == (TaskState.ARRIVED, at(100))


def test_each_place_is_late_by_its_own_clock() -> None:
    task = step(two_places(), Arrive(A, PLACE), at(100)).task
    late = step(task, Arrive(A, FAR), at(650.5))
    assert clocks_of(late.task) == [(1, MET), (2, BREACHED)]
    assert late.task.matters[1].arrived_at == at(650.5)


@pytest.mark.parametrize(("place", "runs"), [(PLACE, False), (None, False), (BESIDE, False), (FAR, True)])
def test_what_joins_where_the_officer_is_needs_no_arrival_and_what_joins_elsewhere_does(
    place: Position | None, runs: bool
) -> None:
    arrived = step(task_in(TaskState.ACCEPTED), Arrive(A, PLACE), at(100)).task
    joined = step(arrived, Join(replace(matter(2, 150), place=place), Reason("near")), at(150)).task
    assert [d.due_at for d in arrivals(joined) if d.state is PENDING] == ([at(750)] if runs else [])
    assert joined.matters[1].arrived_at == (None if runs else at(100))


@pytest.mark.parametrize("place", [PLACE, FAR])
def test_of_a_visit_to_several_places_nobody_is_taken_to_be_at_one_without_saying_so(place: Position) -> None:
    task = step(step(two_places(), Arrive(A, PLACE), at(100)).task, Arrive(A, FAR), at(200)).task
    joined = step(task, Join(elsewhere(3, 250, place), Reason("near")), at(250)).task
    assert clocks_of(joined)[2:] == [(3, PENDING)]


def test_where_his_predecessor_was_an_officer_is_not_therefore() -> None:
    task = step(step(two_places(), Arrive(A, PLACE), at(100)).task, Arrive(A, FAR), at(105)).task
    task = step(step(task, Reassign(CENTRE, "b", "近"), at(110)).task, Accept(B), at(120)).task
    task = step(task, Arrive(B, PLACE), at(200)).task
    joined = step(task, Join(elsewhere(3, 250, FAR), Reason("near")), at(250)).task
    assert clocks_of(joined)[2:] == [(3, PENDING)]


@pytest.mark.parametrize("end", [Handle, FalseAlarm])
def test_a_visit_is_not_ended_before_somebody_was_at_all_its_places_and_its_clocks_run_on(
    end: type[Handle | FalseAlarm],
) -> None:
    task = step(two_places(), Arrive(A, PLACE), at(100)).task
    early = step(task, end(A), at(200))
    assert (early.refused, early.reason) == (True, Reason("places_left", {"matters": 1}))
    assert clocks_of(early.task) == [(1, MET), (2, PENDING)]
    assert step(step(task, Arrive(A, FAR), at(300)).task, end(A), at(400)).task.state is TaskState.HANDLED
    ended = step(task, end(CENTRE, "被洪水阻断"), at(400)).task
    assert (ended.state, clocks_of(ended)) == (TaskState.HANDLED, [(1, MET), (2, DeadlineState.CANCELLED)])


def test_who_takes_it_over_need_not_be_where_somebody_was_before_but_somewhere() -> None:
    task = step(two_places(), Arrive(A, PLACE), at(100)).task
    task = step(step(task, Reassign(CENTRE, "b", "近"), at(110)).task, Accept(B), at(120)).task
    arrived = step(task, Arrive(B, PLACE), at(200)).task
    assert (arrived.state, clocks_of(arrived)) == (TaskState.ARRIVED, [(1, MET), (2, PENDING)])
    assert [m.arrived_at for m in arrived.matters] == [at(100), None]
