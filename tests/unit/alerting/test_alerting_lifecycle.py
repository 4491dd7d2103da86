"""Every (event, state) pair, and the rules inside the pairs that need a closer look."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from alerting import messages
from alerting.lifecycle import TABLE, step
from alerting.steps import (
    Accept,
    Arrive,
    Close,
    Decline,
    Delivered,
    Due,
    Ended,
    Event,
    Excuse,
    FalseAlarm,
    Fold,
    Handle,
    HandOver,
    Join,
    Log,
    Nobody,
    Notify,
    Offer,
    Raise,
    Reassign,
    Seek,
    Verify,
)  # fmt: skip
from farwatch.domain.finding import Reason
from farwatch.domain.place import Position
from farwatch.domain.task import (
    Deadline,
    DeadlineKind,
    DeadlineState,
    Outcome,
    Task,
    TaskState,
)
from tests.support.task_stories import BUREAU, CENTRE, NOW, PLACE, STRANGER, A, B, at, matter, task_in

EVENTS: dict[str, Event] = {
    "offer": Offer("c", "officer", Reason("nearest")),
    "nobody": Nobody("officer", Reason("nobody_on_shift")),
    "delivered": Delivered("a"),
    "accept": Accept(A),
    "accept by second": Accept(B),
    "accept by stranger": Accept(STRANGER),
    "accept by centre": Accept(CENTRE),
    "decline": Decline(A),
    "decline by stranger": Decline(STRANGER),
    "arrive": Arrive(A, PLACE),
    "arrive by second": Arrive(B, PLACE),
    "handle": Handle(A),
    "handle by second": Handle(B),
    "handle by centre": Handle(CENTRE, "电话核实"),
    "handle by centre, no note": Handle(CENTRE),
    "false alarm": FalseAlarm(A),
    "false alarm by second": FalseAlarm(B),
    "false alarm by stranger": FalseAlarm(STRANGER),
    "false alarm by centre": FalseAlarm(CENTRE, "蒸汽"),
    "verify": Verify(CENTRE),
    "verify by officer": Verify(A),
    "close": Close(CENTRE),
    "close by bureau": Close(BUREAU),
    "reassign": Reassign(CENTRE, "d", "近"),
    "reassign, no note": Reassign(CENTRE, "d", " "),
    "reassign by officer": Reassign(A, "d", "近"),
    "hand over": HandOver(A, "d", "换班"),
    "hand over by second": HandOver(B, "d", "换班"),
    "hand over to himself": HandOver(A, "a", "换班"),
    "excuse": Excuse(CENTRE, DeadlineKind.ACCEPT, 1, "断网"),
    "excuse by officer": Excuse(A, DeadlineKind.ACCEPT, 1, "断网"),
    "excuse by lead": Excuse(A, DeadlineKind.ACCEPT, 1, "断网", lead_of=True),
    "raise": Raise(1, 3, (7,), Reason("confirmed")),
    "raise what is not there": Raise(8, 3, (7,), Reason("confirmed")),
    "join": Join(matter(2, 50), Reason("near")),
    "fold": Fold(1, UUID(int=9), 2),
    "ended": Ended(1, UUID(int=1), NOW),
    "due accept": Due((DeadlineKind.ACCEPT, 1, 0)),
    "due escalation": Due((DeadlineKind.ESCALATE, 1, 0)),
    "due offer": Due((DeadlineKind.OFFER, None, 0)),
    "due quiet": Due((DeadlineKind.QUIET, 1, 0)),
}
SHORT = {
    "no": "wrong_state",
    "stranger": "not_offered_to_you",
    "taken": "taken_by_other",
    "officers": "not_an_officer",
    "note": "note_needed",
    "forbidden": "not_allowed",
    "early": "not_due",
    "nothing": "nothing_to_excuse",
    "same": "same_officer",
    "unknown": "unknown_matter",
}
# One column a state, from open to closed. `+x` leads to state x or stays there, a bare word refuses by the name it is short for.
PAIRS = """
offer:                      +offered  +offered   +accepted  no        no         no         no
nobody:                     +open     +offered   +accepted  no        no         no         no
delivered:                  stranger  +offered   +accepted  +arrived  +handled   +verified  +closed
accept:                     stranger  +accepted  +accepted  +arrived  no         no         no
accept by second:           stranger  +accepted  taken      taken     no         no         no
accept by stranger:         stranger  stranger   stranger   stranger  no         no         no
accept by centre:           officers  officers   officers   officers  no         no         no
decline:                    stranger  +offered   no         no        no         no         no
decline by stranger:        stranger  stranger   no         no        no         no         no
arrive:                     no        no         +arrived   +arrived  no         no         no
arrive by second:           no        no         taken      taken     no         no         no
handle:                     stranger  no         no         +handled  no         no         no
handle by second:           stranger  no         taken      taken     no         no         no
handle by centre:           +handled  +handled   +handled   +handled  no         no         no
handle by centre, no note:  note      note       note       note      no         no         no
false alarm:                stranger  no         +handled   +handled  no         no         no
false alarm by second:      stranger  no         taken      taken     no         no         no
false alarm by stranger:    stranger  stranger   stranger   stranger  no         no         no
false alarm by centre:      +handled  +handled   +handled   +handled  no         no         no
verify:                     no        no         no         no        +verified  no         no
verify by officer:          no        no         no         no        forbidden  no         no
close:                      no        no         no         no        no         +closed    no
close by bureau:            no        no         no         no        no         forbidden  no
reassign:                   +offered  +offered   +offered   +offered  no         no         no
reassign, no note:          note      note       note       note      no         no         no
reassign by officer:        forbidden forbidden  forbidden  forbidden no         no         no
hand over:                  no        no         +accepted  no        no         no         no
hand over by second:        no        no         taken      no        no         no         no
hand over to himself:       no        no         same       no        no         no         no
excuse:                     nothing   nothing    nothing    nothing   nothing    nothing    nothing
excuse by officer:          forbidden forbidden  forbidden  forbidden forbidden  forbidden  forbidden
excuse by lead:             nothing   nothing    nothing    nothing   nothing    nothing    nothing
raise:                      +open     +offered   +accepted  +arrived  no         no         no
raise what is not there:    unknown   unknown    unknown    unknown   no         no         no
join:                       +open     +offered   +accepted  +arrived  no         no         no
fold:                       +open     +offered   +accepted  +arrived  +handled   +verified  no
ended:                      +open     +offered   +accepted  +arrived  +handled   +verified  no
due accept:                 +open     +offered   early      early     early      early      early
due escalation:             +open     +offered   early      early     early      early      early
due offer:                  early     +offered   early      early     early      early      early
due quiet:                  early     early      early      early     early      early      early
"""
CASES = [
    (name, state, SHORT.get(cell, cell))
    for line in PAIRS.strip().splitlines()
    for name, _, cells in [line.partition(":")]
    for state, cell in zip(TaskState, cells.split(), strict=True)
]


def test_the_cases_cover_every_pair_of_the_table() -> None:
    covered = {(type(EVENTS[name]), state) for name, state, _ in CASES}
    assert covered == {(event, state) for event, row in TABLE.items() for state in row}
    assert {name for name, _, _ in CASES} == EVENTS.keys()


@pytest.mark.parametrize(("name", "state", "cell"), CASES)
def test_every_pair_is_decided(name: str, state: TaskState, cell: str) -> None:
    task = task_in(state)
    now = at(301) if name.startswith("due") else NOW
    decision = step(task, EVENTS[name], now)
    if cell.startswith("+"):
        assert not decision.refused
        assert decision.task.state == cell[1:]
    else:
        assert decision.refused
        assert decision.reason.key == cell
        assert decision.task is task
        assert decision.effects == ()


def deadline(task: Task, kind: DeadlineKind, matter: int | None = 1) -> Deadline:
    return next(d for d in task.deadlines if d.kind is kind and d.matter == matter and d.step == 0)


POSITIONS = [
    (None, "position_needed"),
    (Position(31.2, 121.4), "arrived"),
    (Position(31.2 + 99 / 111195, 121.4), "arrived"),
    (Position(31.2 + 101 / 111195, 121.4), "too_far"),
    (Position(31.2 + 101 / 111195, 121.4, -50.0), "too_far"),
    (Position(31.2 + 130 / 111195, 121.4, 35.0), "arrived"),
    (Position(31.2 + 199 / 111195, 121.4, 400.0), "arrived"),
    (Position(31.2 + 201 / 111195, 121.4, 400.0), "too_far"),
    (Position(31.2, 121.4, 501.0), "position_too_coarse"),
]


@pytest.mark.parametrize(("position", "reason"), POSITIONS)
def test_arrival_is_decided_by_the_geofence_and_the_positions_accuracy(
    position: Position | None, reason: str
) -> None:
    decision = step(task_in(TaskState.ACCEPTED), Arrive(A, position), NOW)
    assert decision.reason.key == reason
    assert decision.refused is (reason != "arrived")


def test_a_target_is_met_at_its_very_instant_and_missed_after_it() -> None:
    task = task_in(TaskState.OFFERED)
    assert step(task, Due((DeadlineKind.ACCEPT, 1, 0)), at(300)).reason.key == "not_due"
    in_time = step(task, Accept(A), at(300)).task
    assert deadline(in_time, DeadlineKind.ACCEPT).state is DeadlineState.MET
    late = step(task, Accept(A), at(300.001))
    assert deadline(late.task, DeadlineKind.ACCEPT).state is DeadlineState.BREACHED
    assert [
        e.detail["late_s"] for e in late.effects if isinstance(e, Log) and e.type == "deadline_breached"
    ] == [0.001]


@pytest.mark.parametrize(
    ("kind", "state", "deed", "received", "revoked"),
    [
        (DeadlineKind.ACCEPT, TaskState.OFFERED, Accept(A), 300, True),
        (DeadlineKind.ACCEPT, TaskState.OFFERED, Accept(A), 300.5, False),
        (DeadlineKind.ARRIVE, TaskState.ACCEPTED, Arrive(A, PLACE), 599, True),
        (DeadlineKind.ARRIVE, TaskState.ACCEPTED, Arrive(A, PLACE), 601, False),
        (DeadlineKind.ACCEPT, TaskState.OFFERED, FalseAlarm(CENTRE, "蒸汽"), 300, True),
        (DeadlineKind.ARRIVE, TaskState.ACCEPTED, FalseAlarm(A), 600, True),
    ],
)
def test_a_breach_decided_first_is_revoked_by_a_deed_received_in_time(
    kind: DeadlineKind, state: TaskState, deed: Event, received: float, revoked: bool
) -> None:
    breached = step(task_in(state), Due((kind, 1, 0)), at(602)).task
    assert deadline(breached, kind).state is DeadlineState.BREACHED
    decision = step(breached, deed, at(received))
    unneeded = DeadlineState.CANCELLED if isinstance(deed, FalseAlarm) else DeadlineState.MET
    assert deadline(decision.task, kind).state is (unneeded if revoked else DeadlineState.BREACHED)
    assert [e.type for e in decision.effects if isinstance(e, Log)].count("breach_revoked") == revoked


def test_accepting_ends_the_ladder_and_tells_the_others() -> None:
    decision = step(task_in(TaskState.OFFERED), Accept(B), NOW)
    ladder = [d.state for d in decision.task.deadlines if d.kind is DeadlineKind.ESCALATE]
    assert ladder == [DeadlineState.CANCELLED] * 3
    assert [e.target for e in decision.effects if isinstance(e, Notify)] == ["a"]
    assert decision.task.delivered_at == decision.task.accepted_at == NOW


def test_when_all_have_declined_somebody_is_looked_for_at_once_and_a_decliner_may_still_come_round() -> None:
    one = step(task_in(TaskState.OFFERED), Decline(A), NOW).task
    both = step(one, Decline(B), NOW).task
    assert (one.state, both.state) == (TaskState.OFFERED, TaskState.OPEN)
    assert step(both, Due((DeadlineKind.DISPATCH, None, 0)), NOW).effects == (Seek("officer"),)
    assert step(one, Due((DeadlineKind.DISPATCH, None, 0)), NOW).effects == (Seek("next_officer"),)
    assert step(both, Accept(A), NOW).task.officer == "a"
    assert step(both, Decline(A), NOW).reason.key == "already_declined"


def test_the_centre_is_told_of_a_reason_once_and_somebody_is_looked_for_again() -> None:
    nobody = Nobody("officer", Reason("nobody_on_shift", {"team": "t"}))
    first = step(task_in(TaskState.OPEN), nobody, NOW)
    again = deadline(first.task, DeadlineKind.DISPATCH, None)
    assert (again.state, again.due_at) == (DeadlineState.PENDING, NOW + timedelta(seconds=15))
    fired = step(first.task, Due(again.key), again.due_at).task
    second = step(fired, nobody, again.due_at)
    assert len([e for e in first.effects if isinstance(e, Notify)]) == 1
    assert second.effects == ()
    assert deadline(second.task, DeadlineKind.DISPATCH, None).state is DeadlineState.PENDING


def test_a_joined_matter_is_answered_with_one_tap_and_only_by_who_has_the_task() -> None:
    joined = step(task_in(TaskState.ACCEPTED), Join(matter(2, 50), Reason("near")), NOW).task
    assert deadline(joined, DeadlineKind.ACCEPT, 2).due_at == at(350)
    assert deadline(joined, DeadlineKind.ARRIVE, 2).due_at == at(650)
    assert step(joined, Accept(B), NOW).reason.key == "taken_by_other"
    tapped = step(joined, Accept(A), at(100))
    assert tapped.reason.key == "matters_answered"
    assert [m.accepted_at for m in tapped.task.matters] == [at(30), at(100)]
    assert tapped.task.accepted_at == at(30)
    assert step(tapped.task, Accept(A), at(110)).reason.key == "already_accepted"


@pytest.mark.parametrize("state", [TaskState.ACCEPTED, TaskState.ARRIVED])
def test_a_worse_matter_sounds_again_for_who_has_the_task(state: TaskState) -> None:
    decision = step(task_in(state), Join(matter(2, 50, severity=3), Reason("near")), NOW)
    offered = [
        e.detail["officer"] for e in decision.effects if isinstance(e, Log) and e.type == "task_offered"
    ]
    assert (decision.task.severity, offered) == (3, ["a"])


@pytest.mark.parametrize("event", [Join(matter(2, 50, severity=3), Reason("near")), Fold(1, uuid4(), 3)])
def test_a_worse_matter_is_offered_anew_while_nobody_has_accepted(event: Event) -> None:
    decision = step(task_in(TaskState.OFFERED), event, NOW)
    assert Seek("officer") in decision.effects
    assert decision.task.severity == 3


def test_handling_answers_what_joined_and_misses_nothing_silently() -> None:
    joined = step(task_in(TaskState.ARRIVED), Join(matter(2, 50), Reason("near")), NOW).task
    in_time, late = step(joined, Handle(A), at(349)), step(joined, Handle(A), at(351))
    assert deadline(in_time.task, DeadlineKind.ACCEPT, 2).state is DeadlineState.MET
    assert deadline(late.task, DeadlineKind.ACCEPT, 2).state is DeadlineState.BREACHED
    assert in_time.task.outcome is Outcome.HANDLED


def test_the_centre_ending_a_visit_cancels_what_runs_but_breaches_what_was_missed() -> None:
    ended = step(task_in(TaskState.OFFERED), FalseAlarm(CENTRE, "蒸汽"), at(400)).task
    assert deadline(ended, DeadlineKind.ACCEPT).state is DeadlineState.BREACHED
    assert deadline(ended, DeadlineKind.ARRIVE).state is DeadlineState.CANCELLED
    assert [m.accepted_at for m in ended.matters] == [None]
    assert DeadlineState.PENDING not in {d.state for d in ended.deadlines}


def test_what_is_seen_again_after_the_visit_reaches_the_centre() -> None:
    decision = step(task_in(TaskState.HANDLED), Fold(1, UUID(int=7), 3), NOW)
    assert decision.reason.key == "again_after_handled"
    assert [(e.target, e.key) for e in decision.effects if isinstance(e, Notify)] == [
        ("centre", "again_after_handled")
    ]
    assert (decision.task.severity, decision.task.state) == (3, TaskState.HANDLED)


def test_the_last_rung_of_the_ladder_is_the_centre() -> None:
    task = task_in(TaskState.OFFERED)
    decisions = [step(task, Due((DeadlineKind.ESCALATE, 1, k)), at(300)) for k in range(3)]
    assert [d.effects[1] for d in decisions[:2]] == [Seek("next_officer"), Seek("lead")]
    assert isinstance(decisions[2].effects[1], Notify)


def test_every_notice_has_words() -> None:
    told = {
        effect.key
        for name, state, _ in CASES
        for effect in step(task_in(state), EVENTS[name], at(601)).effects
        if isinstance(effect, Notify)
    }
    assert told
    assert told <= messages.KEYS
    assert messages.text("offered", {"severity": 3}, drill=True).startswith("【演练】")
    assert "—" in messages.text("offered", {}, drill=False)


def test_the_screen_shows_the_clock_that_runs_before_the_one_that_was_missed() -> None:
    task = task_in(TaskState.OFFERED)
    joined = step(task, Join(matter(2, 50), Reason("near")), NOW).task
    missed = step(joined, Due((DeadlineKind.ACCEPT, 1, 0)), at(310)).task
    shown = [t.shown_deadline(DeadlineKind.ACCEPT) for t in (task, missed, replace(task, deadlines=()))]
    assert [(d.due_at, d.state) if d else None for d in shown] == [
        (at(300), DeadlineState.PENDING), (at(350), DeadlineState.PENDING), None,
    ]  # fmt: skip
