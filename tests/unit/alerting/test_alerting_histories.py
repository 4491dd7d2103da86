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
    FalseAlarm,
    Fold,
    Handle,
    Join,
    Log,
    Notify,
    Verify,
)  # fmt: skip
from farwatch.domain.finding import Kind, Reason
from farwatch.domain.place import Area, Position
from farwatch.domain.policy import TaskPolicy
from farwatch.domain.registry import Grid, Officer, Registry, Team
from farwatch.domain.task import Actor, DeadlineKey, DeadlineKind, DeadlineState, Matter, Task, TaskState

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
officers = st.sampled_from(sorted(OFFICERS))
deeds = st.sampled_from((Accept, Decline, Handle, FalseAlarm, Verify, Close))


def matter(id: int, found_at: datetime, severity: int) -> Matter:
    return Matter(
        id=id, fingerprint=f"smoke/cam/{id}", kind=Kind.SMOKE, found_at=found_at, event_at=found_at, severity=severity,
        reason=Reason("seen"), camera="cam", findings=(UUID(int=id),),
    )  # fmt: skip


class History(RuleBasedStateMachine):
    @initialize(severity=st.integers(1, 3), grid=st.sampled_from(("g", "g", "g", None)))
    def open(self, severity: int, grid: str | None) -> None:
        self.now = T0
        self.ticked = False
        self.said: Counter[tuple[object, ...]] = Counter()
        first = matter(1, T0, severity)
        fresh = Task(
            id=1,
            state=TaskState.OPEN,
            place=PLACE,
            severity=severity,
            policy=TaskPolicy(),
            opened_at=T0,
            grid=grid,
            matters=(first,),
        )
        self.task = fresh
        self._adopt(begin(fresh))

    def _adopt(self, decision: Decision) -> None:
        before, done = self.task, dispatch.resolve(decision, SITUATION, self.now)
        self.task = done.task
        self._check_step(before, decision)
        for effect in done.effects:
            if isinstance(effect, Log) and effect.type in ("deadline_breached", "breach_revoked"):
                self.said[effect.type, effect.detail["deadline"], effect.detail["matter"]] += 1
            elif isinstance(effect, Notify) and effect.occasion.startswith("escalated"):
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
        assert not back or (before.state, self.task.state) == (TaskState.OFFERED, TaskState.OPEN)

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

    @rule(officer=officers)
    def offer_is_delivered(self, officer: str) -> None:
        self._do(Delivered(officer))

    @precondition(lambda self: len(self.task.matters) < 3)
    @rule(severity=st.integers(1, 3), ago_s=st.sampled_from((0.0, 0.2, 400.0)))
    def matter_joins(self, severity: int, ago_s: float) -> None:
        found_at = max(T0, self.now - timedelta(seconds=ago_s))
        self._do(Join(matter(len(self.task.matters) + 1, found_at, severity), Reason("near")))

    @rule(severity=st.integers(1, 3), finding=st.uuids())
    def finding_folds(self, severity: int, finding: UUID) -> None:
        self._do(Fold(1, finding, severity))

    @rule()
    def finding_ends(self) -> None:
        self._do(Ended(1, UUID(int=1), self.now))

    @invariant()
    def no_clock_is_lost(self) -> None:
        for m in self.task.matters:
            accept = self._deadline(DeadlineKind.ACCEPT, m.id)
            assert accept.due_at == m.found_at + timedelta(seconds=300)
            if m.accepted_at:
                assert accept.state is (MET if m.accepted_at <= accept.due_at else BREACHED)
            elif self.ticked and self.now > accept.due_at and self.task.handled_at is None:
                assert accept.state is BREACHED
        if self.ticked:
            assert not any(clocks.is_due(d, self.now) for d in self.task.deadlines)
        if self.task.handled_at:
            assert not any(d.state is PENDING for d in self.task.deadlines)

    @invariant()
    def nothing_is_said_twice(self) -> None:
        assert set(self.said.values()) <= {1}
        for d in self.task.deadlines:
            if d.kind in clocks.BREACHABLE:
                breached = self.said["deadline_breached", d.kind.value, d.matter]
                revoked = self.said["breach_revoked", d.kind.value, d.matter]
                assert (breached - revoked == 1) is (d.state is BREACHED)

    @invariant()
    def the_task_is_what_its_state_says(self) -> None:
        task, at = self.task, ORDER.index(self.task.state)
        asked = [o for o in task.offered_to if o not in task.declined_by]
        assert len(set(task.offered_to)) == len(task.offered_to)
        if task.state is TaskState.OFFERED:
            assert asked
        if task.state in (TaskState.ACCEPTED, TaskState.ARRIVED):
            assert task.officer in asked
        if task.state is TaskState.OPEN:
            assert not asked
            assert self._deadline(DeadlineKind.DISPATCH, None).state is PENDING
        assert (task.handled_at is not None) is (at >= ORDER.index(TaskState.HANDLED))
        assert (task.closed_at is not None) is (task.state is TaskState.CLOSED)
        assert all((m.closed_at is not None) is (task.state is TaskState.CLOSED) for m in task.matters)
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
