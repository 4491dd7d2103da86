"""Random histories of one task: no clock is lost, none fires twice, no state is illegal, whatever dies in between."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerting import clocks, dispatch
from alerting.lifecycle import begin, step
from alerting.steps import (
    Accept,
    Arrive,
    Close,
    Decision,
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
    Notify,
    Raise,
    Reassign,
    Verify,
)  # fmt: skip
from farwatch.domain.finding import Kind, Reason
from farwatch.domain.place import Area, Position
from farwatch.domain.policy import SHIPPED, Handling
from farwatch.domain.registry import Grid, Officer, Registry, Team
from farwatch.domain.task import (
    Actor,
    Deadline,
    DeadlineKey,
    DeadlineKind,
    DeadlineState,
    Matter,
    Outcome,
    Task,
    TaskState,
)

T0 = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PLACE = Position(31.2, 121.4)
RING = ((121.0, 31.0), (122.0, 31.0), (122.0, 32.0), (121.0, 32.0), (121.0, 31.0))
OFFICERS = {
    who: Officer(id=who, name=who, team="t", phone="", place=Position(lat, 121.4), shift=shift)
    for who, lat, shift in (("a", 31.2, "always"), ("b", 31.3, "10:00-10:10"), ("lead", 31.4, ""))
}
SITUATION = dispatch.Situation(
    Registry(
        grids={"g": Grid(id="g", name="g", team="t", area=Area(((RING,),)))},
        teams={"t": Team(id="t", name="t", lead="lead")},
        officers=OFFICERS,
    )
)
ORDER = list(TaskState)
PENDING, BREACHED, MET, FIRED = (
    DeadlineState.PENDING,
    DeadlineState.BREACHED,
    DeadlineState.MET,
    DeadlineState.FIRED,
)
CANCELLED = DeadlineState.CANCELLED
LEGAL = {
    PENDING: set(DeadlineState),
    BREACHED: {BREACHED, MET, CANCELLED},
    MET: {MET},
    FIRED: {FIRED},
    CANCELLED: {CANCELLED},
}
RENEWED = (DeadlineKind.DISPATCH, DeadlineKind.OFFER, DeadlineKind.QUIET)
BACKWARDS = {
    (TaskState.OFFERED, TaskState.OPEN),
    (TaskState.ACCEPTED, TaskState.OFFERED),
    (TaskState.ARRIVED, TaskState.OFFERED),
}
"""All have declined; re-assigned."""
POLICY = replace(SHIPPED.task, handling=(Handling(kind="smoke", amount=1, unit="hours"),))
CENTRE = Actor("centre", "centre")
officers = st.sampled_from(sorted(OFFICERS))
deeds = st.sampled_from((Accept, Decline, Handle, FalseAlarm, Verify, Close))


def matter(
    id: int, found_at: datetime, severity: int, kind: Kind = Kind.SMOKE, place: Position | None = None
) -> Matter:
    return Matter(
        id=id, fingerprint=f"{kind}/cam/{id}", kind=kind, found_at=found_at, event_at=found_at, severity=severity,
        reason=Reason("seen"), camera="cam", findings=(UUID(int=id),), place=place,
    )  # fmt: skip


class History(RuleBasedStateMachine):
    @initialize(
        severity=st.integers(1, 3),
        grid=st.sampled_from(("g", "g", "g", None)),
        kind=st.sampled_from((Kind.SMOKE, Kind.CAMERA_FAULT)),
    )
    def open(self, severity: int, grid: str | None, kind: Kind = Kind.SMOKE) -> None:
        self.now = T0
        self.ticked = False
        self.said: Counter[tuple[object, ...]] = Counter()
        first = matter(1, T0, severity, kind)
        fresh = Task(
            id=1,
            state=TaskState.OPEN,
            place=PLACE,
            severity=severity,
            policy=POLICY,
            opened_at=T0,
            grid=grid,
            matters=(first,),
        )
        self.task = fresh
        self._adopt(begin(fresh, clocks.handle_at(first, POLICY, SHIPPED.calendar)))

    def _adopt(self, decision: Decision) -> None:
        before, done = self.task, dispatch.resolve(decision, SITUATION, self.now)
        self.task = done.task
        self._check_step(before, decision)
        for effect in done.effects:
            if isinstance(effect, Log) and effect.type in ("deadline_breached", "breach_revoked"):
                step_of = effect.detail.get("step", 0)
                self.said[effect.type, effect.detail["deadline"], effect.detail["matter"], step_of] += 1
            elif isinstance(effect, Notify) and effect.occasion.startswith(("escalated", "ceased", "lapsed")):
                self.said[effect.occasion, effect.target] += 1

    def _check_step(self, before: Task, decision: Decision) -> None:
        if decision.refused:
            assert decision.task == before
        now = {d.key: d for d in self.task.deadlines}
        for d in before.deadlines:
            again = d.kind in RENEWED and now[d.key].state is PENDING
            assert again or now[d.key].state in LEGAL[d.state]
            assert again or now[d.key].due_at == d.due_at
        back = ORDER.index(self.task.state) < ORDER.index(before.state)
        assert not back or (before.state, self.task.state) in BACKWARDS
        if before.accepted_at:
            assert self.task.accepted_at == before.accepted_at
        if before.arrived_at:
            assert self.task.arrived_at == before.arrived_at

    def _do(self, event: Event, lag_s: float = 0) -> None:
        self.ticked = False
        self._adopt(step(self.task, event, self.now - timedelta(seconds=lag_s)))

    @rule(s=st.sampled_from((0.001, 1.0, 14.0, 60.0, 89.999, 300.0, 3600.0)))
    def time_passes(self, s: float) -> None:
        self.now += timedelta(seconds=s)
        self.ticked = False

    @rule(kill_after=st.one_of(st.none(), st.integers(0, 3)))
    def engine_looks(self, kill_after: int | None) -> None:
        """A kill loses what was decided and not committed, and nothing else."""
        for n in range(1000):
            due = [
                d for d in sorted(self.task.deadlines, key=lambda d: d.due_at) if clocks.is_due(d, self.now)
            ]
            if not due:
                self.ticked = True
                return
            decision = step(self.task, Due(due[0].key), self.now)
            if n == kill_after:
                return
            self._adopt(decision)
        raise AssertionError("the engine never comes to rest")

    @rule(
        key=st.tuples(
            st.sampled_from(DeadlineKind), st.one_of(st.none(), st.integers(1, 3)), st.integers(0, 3)
        )
    )
    def a_deadline_is_fired_by_somebody_who_read_old_rows(self, key: DeadlineKey) -> None:
        self._do(Due(key))

    @rule(deed=deeds, officer=officers, lag_s=st.sampled_from((0, 0, 0.5, 2.0)))
    def officer_acts(self, deed: type[Accept], officer: str, lag_s: float) -> None:
        self._do(deed(Actor(officer, "officer", officer)), lag_s)

    @rule(
        officer=officers,
        lat=st.sampled_from((31.2, 31.2005, 31.3)),
        accuracy_m=st.sampled_from((None, 5.0, 600.0)),
    )
    def officer_arrives(self, officer: str, lat: float, accuracy_m: float | None) -> None:
        self._do(Arrive(Actor(officer, "officer", officer), Position(lat, 121.4, accuracy_m)))

    @precondition(lambda self: self.task.state in (TaskState.HANDLED, TaskState.VERIFIED))
    @rule(deed=st.sampled_from((Verify, Close)))
    def centre_acts(self, deed: type[Verify]) -> None:
        self._do(deed(Actor("centre", "centre")))

    @rule(note=st.sampled_from(("", "电话核实")), deed=st.sampled_from((Handle, FalseAlarm)))
    def centre_ends_the_visit(self, note: str, deed: type[Handle]) -> None:
        if self.now > T0 + timedelta(seconds=600):
            self._do(deed(Actor("centre", "centre"), note))

    @rule(officer=officers, note=st.sampled_from(("", "更近")))
    def centre_reassigns(self, officer: str, note: str) -> None:
        self._do(Reassign(CENTRE, officer, note))

    @rule(officer=officers, to=officers)
    def officer_hands_over(self, officer: str, to: str) -> None:
        self._do(HandOver(Actor(officer, "officer", officer), to, "换班"))

    @rule(kind=st.sampled_from(clocks.BREACHABLE), of=st.one_of(st.none(), st.integers(1, 3)))
    def centre_excuses(self, kind: DeadlineKind, of: int | None) -> None:
        before = self.task
        self._do(Excuse(CENTRE, kind, of, "断网"))
        assert [(d.key, d.state, d.due_at) for d in before.deadlines] == [
            (d.key, d.state, d.due_at) for d in self.task.deadlines
        ]

    @rule(of=st.integers(1, 3), severity=st.integers(1, 3), by=st.integers(7, 8))
    def another_eye_confirms(self, of: int, severity: int, by: int) -> None:
        self._do(Raise(of, severity, (by,), Reason("confirmed")))

    @rule(officer=officers)
    def offer_is_delivered(self, officer: str) -> None:
        self._do(Delivered(officer))

    @precondition(lambda self: len(self.task.matters) < 3)
    @rule(
        severity=st.integers(1, 3),
        ago_s=st.sampled_from((0.0, 0.2, 400.0)),
        place=st.sampled_from((None, PLACE, Position(31.3, 121.4))),
    )
    def matter_joins(self, severity: int, ago_s: float, place: Position | None) -> None:
        found_at = max(T0, self.now - timedelta(seconds=ago_s))
        joins = matter(len(self.task.matters) + 1, found_at, severity, place=place)
        self._do(Join(joins, Reason("near")))

    @rule(severity=st.integers(1, 3), finding=st.uuids())
    def finding_folds(self, severity: int, finding: UUID) -> None:
        self._do(Fold(1, finding, severity))

    @rule()
    def finding_ends(self) -> None:
        self._do(Ended(1, UUID(int=1), self.now))

    @rule(left=st.integers(1, 2))
    def one_of_several_findings_ends(self, left: int) -> None:
        before = self.task
        self._do(Ended(1, UUID(int=1), self.now, left))
        assert self.task.deadlines == before.deadlines

    @invariant()
    def each_place_has_its_own_arrival(self) -> None:
        for m in self.task.matters:
            for d in self.task.deadlines:
                if (d.kind, d.matter) == (DeadlineKind.ARRIVE, m.id) and m.arrived_at is not None:
                    assert d.state is (MET if m.arrived_at <= d.due_at else BREACHED)
                elif (d.kind, d.matter) == (DeadlineKind.ARRIVE, m.id):
                    assert d.state is not MET
            if self.task.arrived_at is None:
                assert m.arrived_at is None

    @invariant()
    def no_clock_is_lost(self) -> None:
        for m in self.task.matters:
            first, *worse = (
                d for d in self.task.deadlines if (d.kind, d.matter) == (DeadlineKind.ACCEPT, m.id)
            )
            assert first.due_at == m.found_at + timedelta(seconds=300)
            assert all(d.due_at < first.due_at for d in worse)
            for accept in (first, *worse):
                self._check_accept(m, accept)
        if self.ticked:
            assert not any(clocks.is_due(d, self.now) for d in self.task.deadlines)
        if self.task.handled_at or self.task.closed_at:
            assert not any(d.state is PENDING for d in self.task.deadlines)

    def _check_accept(self, m: Matter, accept: Deadline) -> None:
        if m.accepted_at:
            assert accept.state is (MET if m.accepted_at <= accept.due_at else BREACHED)
        elif m.closed_at:
            assert accept.state is (CANCELLED if m.closed_at <= accept.due_at else BREACHED)
        elif self.ticked and self.now > accept.due_at and self.task.handled_at is None:
            assert accept.state is BREACHED

    @invariant()
    def nothing_is_said_twice(self) -> None:
        assert set(self.said.values()) <= {1}
        for d in self.task.deadlines:
            if d.kind in clocks.BREACHABLE:
                breached = self.said["deadline_breached", d.kind.value, d.matter, d.step]
                revoked = self.said["breach_revoked", d.kind.value, d.matter, d.step]
                assert (breached - revoked == 1) is (d.state is BREACHED)

    @invariant()
    def the_task_is_what_its_state_says(self) -> None:
        task, at = self.task, ORDER.index(self.task.state)
        asked = [o for o in task.offered_to if o not in task.declined_by]
        assert len(set(task.offered_to)) == len(task.offered_to)
        ceased = task.outcome is Outcome.CEASED
        if task.state is TaskState.OFFERED:
            assert asked
        if task.state in (TaskState.ACCEPTED, TaskState.ARRIVED):
            assert task.officer in asked
        elif task.state in (TaskState.OPEN, TaskState.OFFERED):
            assert task.officer is None
        if task.state is TaskState.OPEN:
            assert not asked
            assert self._deadline(DeadlineKind.DISPATCH, None).state is PENDING
        assert task.handover_to is None or (
            task.state is TaskState.ACCEPTED and task.handover_to != task.officer
        )
        assert (task.handled_at is not None) is (at >= ORDER.index(TaskState.HANDLED) and not ceased)
        assert (task.closed_at is not None) is (task.state is TaskState.CLOSED)
        assert all(m.closed_at is not None for m in task.matters if task.state is TaskState.CLOSED)
        assert all(
            m.closed_reason == "ceased"
            for m in task.matters
            if m.closed_at and task.state is not TaskState.CLOSED
        )
        assert task.severity >= max(m.severity for m in task.matters)

    def _deadline(self, kind: DeadlineKind, of: int | None) -> clocks.Deadline:
        return next(d for d in self.task.deadlines if (d.kind, d.matter) == (kind, of))


History.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestHistories = History.TestCase


def test_the_histories_notice_a_lost_clock() -> None:
    """The machine itself must be able to fail."""
    history = History()
    history.open(2, "g")
    history.task = replace(
        history.task, deadlines=tuple(replace(d, state=MET) for d in history.task.deadlines)
    )
    history.now += timedelta(seconds=301)
    history.ticked = True
    try:
        history.no_clock_is_lost()
    except AssertionError:
        return
    raise AssertionError("a clock was lost and nobody noticed")
