"""Two rules play the same city: ours, which is Farwatch's own code, and the nearest idle officer. No sleeps: a heap of instants."""

import heapq
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, groupby
from uuid import UUID

from alerting import assigning, dispatch
from alerting.costs import AGE_STEPS_MAX
from alerting.lifecycle import begin, step
from alerting.steps import Accept, Arrive, Decision, Decline, Due, Handle, Log, Seek
from alerting.steps import Event as TaskEvent
from benchmarks.dispatch_city import REPORT_S, Body, City, Event, at, position
from farwatch.domain.finding import Kind, Reason
from farwatch.domain.place import Position, distance_m
from farwatch.domain.policy import SHIPPED, DispatchRule, Policy
from farwatch.domain.task import Actor, DeadlineKind, Matter, Task, TaskState
from farwatch.storage.choices import ASKED_SHARE

DRAIN_S = 3600.0
UNHANDLED = (TaskState.OPEN, TaskState.OFFERED, TaskState.ACCEPTED, TaskState.ARRIVED)


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of all tasks: accepted within five minutes of the finding, arrived within ten."""

    within_5: float
    within_10: float

    @property
    def both(self) -> float:
        return self.within_5 + self.within_10


@dataclass(slots=True)
class Play(ABC):
    """The physics both rules share: bodies, positions as the phones tell them, answers by the dice, visits."""

    city: City
    bodies: dict[str, Body] = field(init=False)
    accepted_s: dict[int, float] = field(default_factory=dict)
    arrived_s: dict[int, float] = field(default_factory=dict)
    events: dict[int, Event] = field(init=False)
    _heap: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _last_seen: dict[str, tuple[float, tuple[float, float]]] = field(default_factory=dict)
    _asked: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.bodies = {o: Body(self.city, o) for o in self.city.ways}
        self.events = {e.id: e for e in self.city.events}
        for officer, ways in self.city.ways.items():
            for begin_s, _ in ways.lost:
                self.at(begin_s, lambda s, o=officer: self._lose(o, s))

    def at(self, s: float, call: Callable[[float], None]) -> None:
        heapq.heappush(self._heap, (s, next(self._order), call))

    def run(self) -> Score:
        for s, together in groupby(self.city.events, key=lambda e: e.at_s):
            self.at(s, lambda now_s, found=tuple(together): self.found(found, now_s))
        end_s = self.city.events[-1].at_s + DRAIN_S
        while self._heap and self._heap[0][0] <= end_s:
            s, _, call = heapq.heappop(self._heap)
            call(s)
        return Score(self._share(self.accepted_s, 300), self._share(self.arrived_s, 600))

    def _share(self, times: dict[int, float], within_s: float) -> float:
        good = sum(times.get(e.id, float("inf")) - e.at_s <= within_s for e in self.city.events)
        return good / len(self.city.events)

    def _lose(self, officer: str, s: float) -> None:
        self._last_seen[officer] = s, self.bodies[officer].where(s)

    def seen(self, officer: str, s: float) -> tuple[float, tuple[float, float]] | None:
        """When and where the phone last told a position; None: never."""
        ways = self.city.ways[officer]
        if ways.mute:
            return None
        if ways.is_lost(s):
            return self._last_seen.get(officer)
        return s - s % REPORT_S, self.bodies[officer].where(s)

    def ask(self, officer: str, task: int, s: float) -> None:
        """He is asked once; asked again he makes up his mind no differently."""
        if (officer, task) in self._asked:
            return
        self._asked.add((officer, task))
        answer = self.city.dice(officer, task, busy=bool(self.bodies[officer].queue))
        if answer.after_s is not None:
            call = self._accepts if answer.accepts else self.declined
            self.at(s + answer.after_s, lambda now_s: call(officer, task, now_s))

    def _accepts(self, officer: str, task: int, s: float) -> None:
        if task in self.accepted_s or not self.accepted(officer, task, s):
            return
        self.accepted_s[task] = s
        body = self.bodies[officer]
        body.where(s)
        body.queue.append(task)
        if len(body.queue) == 1:
            self._go(officer, s)

    def _go(self, officer: str, s: float) -> None:
        body = self.bodies[officer]
        task = body.queue[0]
        self.at(body.go(self.events[task].place, s), lambda now_s: self._arrives(officer, task, now_s))

    def _arrives(self, officer: str, task: int, s: float) -> None:
        self.arrived_s[task] = s
        self.arrived(officer, task, s)
        self.at(s + self.events[task].visit_s, lambda now_s: self._done(officer, task, now_s))

    def _done(self, officer: str, task: int, s: float) -> None:
        body = self.bodies[officer]
        body.queue.pop(0)
        if body.queue:
            self._go(officer, s)
        else:
            body.rest(s)
        self.handled(officer, task, s)

    @abstractmethod
    def found(self, events: Iterable[Event], s: float) -> None: ...

    @abstractmethod
    def accepted(self, officer: str, task: int, s: float) -> bool: ...

    @abstractmethod
    def declined(self, officer: str, task: int, s: float) -> None: ...

    def arrived(self, officer: str, task: int, s: float) -> None:  # noqa: B027 - a rule need not care
        """Nothing, unless a rule wants to know."""

    def handled(self, officer: str, task: int, s: float) -> None:  # noqa: B027 - a rule need not care
        """Nothing, unless a rule wants to know."""


@dataclass(slots=True)
class NearestIdle(Play):
    """The rule to beat: the nearest officer on shift without a task, by his last known position however old, or his home.

    Who declines or does not answer within the same window is followed by the next nearest, and when all idle ones were asked it
    begins again. Whoever is being asked counts as not idle, so that one man is not asked for everything; a late answer still
    counts.
    """

    window_s: float = 60.0
    retry_s: float = 5.0
    _waiting: dict[int, set[str]] = field(default_factory=dict)
    _reserved: dict[str, int] = field(default_factory=dict)

    def found(self, events: Iterable[Event], s: float) -> None:
        for event in events:
            self._waiting[event.id] = set()
            self._seek(event.id, s)

    def _seek(self, task: int, s: float) -> None:
        if task not in self._waiting:
            return
        asked, now, place = self._waiting[task], at(s), position(*self.events[task].place)
        officers = self.city.registry.officers.values()
        idle = [
            o
            for o in officers
            if dispatch.on_shift(o, now) and not self.bodies[o.id].queue and o.id not in self._reserved
        ]
        left = [o for o in idle if o.id not in asked]
        if not left:
            asked.clear()
            self.at(s + self.retry_s, lambda now_s: self._seek(task, now_s))
            return
        best = min(left, key=lambda o: (distance_m(self._place(o.id, o.place, s), place), o.id))
        asked.add(best.id)
        self._reserved[best.id] = task
        self.ask(best.id, task, s)
        self.at(s + self.window_s, lambda now_s: self._lapsed(best.id, task, now_s))

    def _place(self, officer: str, home: Position, s: float) -> Position:
        seen = self.seen(officer, s)
        return position(*seen[1]) if seen else home

    def _lapsed(self, officer: str, task: int, s: float) -> None:
        if self._reserved.get(officer) == task:
            del self._reserved[officer]
            self._seek(task, s)

    def accepted(self, officer: str, task: int, s: float) -> bool:  # noqa: ARG002
        self._waiting.pop(task, None)
        for other in [o for o, t in self._reserved.items() if t == task]:
            del self._reserved[other]
        return True

    def declined(self, officer: str, task: int, s: float) -> None:
        self._lapsed(officer, task, s)


class Ours(Play):
    """Farwatch: lifecycle, deadlines, dispatch and assignment as the engine runs them, on the shipped policy."""

    def __init__(self, city: City, rule: DispatchRule | None = None, policy: Policy = SHIPPED) -> None:
        super().__init__(city)
        self._rule = rule or policy.dispatch
        self._policy = policy
        self._tasks: dict[int, Task] = {}
        self._active: dict[int, Task] = {}
        self._set: set[tuple[int, object, datetime]] = set()

    def found(self, events: Iterable[Event], s: float) -> None:
        events = tuple(events)
        for event in events:
            self._adopt(begin(_task(event, self._policy)), s, burst=len(events) > 1)
        self._assign(s)

    def _situation(self, s: float, *, burst: bool = False) -> dispatch.Situation:
        positions, ages_s = dict[str, Position](), dict[str, float]()
        for officer in self.city.registry.officers:
            seen = self.seen(officer, s)
            if seen and s - seen[0] < AGE_STEPS_MAX * self._policy.position_fresh_s:
                positions[officer], ages_s[officer] = position(*seen[1]), s - seen[0]
        return dispatch.Situation(
            self.city.registry,
            positions,
            self._load(),
            ages_s=ages_s,
            rule=self._rule,
            burst=burst,
            fresh_s=self._policy.position_fresh_s,
        )

    def _load(self) -> dict[str, float]:
        load: dict[str, float] = defaultdict(float)
        for task in self._active.values():
            if task.officer:
                load[task.officer] += 1
            else:
                for officer in set(task.offered_to) - set(task.declined_by):
                    load[officer] += ASKED_SHARE
        return load

    def _adopt(self, decision: Decision, s: float, *, burst: bool = False) -> None:
        """As the engine does: whoever is wanted is found, the decision is kept, its deadlines are waited for."""
        wanted = any(isinstance(effect, Seek) for effect in decision.effects)
        if wanted:
            decision = dispatch.resolve(decision, self._situation(s, burst=burst), at(s))
        task = decision.task
        self._tasks[task.id] = task
        if task.state in UNHANDLED:
            self._active[task.id] = task
        else:
            self._active.pop(task.id, None)
        self._wait(task, s)
        for effect in decision.effects:
            if isinstance(effect, Log) and effect.type == "task_offered":
                self.ask(str(effect.detail["officer"]), task.id, s)

    def _wait(self, task: Task, s: float) -> None:
        for deadline in task.deadlines:
            mark = (task.id, deadline.key, deadline.due_at)
            if deadline.state == "pending" and mark not in self._set:
                self._set.add(mark)
                due_s = max(s, (deadline.due_at - at(0)).total_seconds())
                self.at(due_s, lambda now_s, key=deadline.key: self._due(task.id, key, now_s))

    def _due(self, task: int, key: tuple[DeadlineKind, int | None, int], s: float) -> None:
        if key[0] is DeadlineKind.DISPATCH and self._tasks[task].state is TaskState.OPEN:
            self._assign(s)
        else:
            self._event(task, Due(key), s)

    def _assign(self, s: float) -> None:
        waiting = [t for t in self._active.values() if assigning.is_waiting(t, at(s))]
        for task, choice in assigning.plan(waiting, self._situation(s), at(s)).items():
            self._adopt(assigning.decide(self._tasks[task], choice, at(s)), s)

    def _event(self, task: int, event: TaskEvent, s: float) -> bool:
        decision = step(self._tasks[task], event, at(s))
        if not decision.refused:
            self._adopt(decision, s)
        return not decision.refused

    def accepted(self, officer: str, task: int, s: float) -> bool:
        return self._event(task, Accept(_actor(officer)), s)

    def declined(self, officer: str, task: int, s: float) -> None:
        self._event(task, Decline(_actor(officer)), s)

    def arrived(self, officer: str, task: int, s: float) -> None:
        self._event(task, Arrive(_actor(officer), self._tasks[task].place), s)

    def handled(self, officer: str, task: int, s: float) -> None:
        self._event(task, Handle(_actor(officer)), s)


def _actor(officer: str) -> Actor:
    return Actor(name=officer, role="officer", officer=officer)


def _task(event: Event, policy: Policy) -> Task:
    found_at = at(event.at_s)
    matter = Matter(
        id=event.id, fingerprint=f"smoke/cam/{event.id}", kind=Kind.SMOKE, found_at=found_at, event_at=found_at,
        severity=event.severity, reason=Reason("smoke_seen"), camera="cam", findings=(UUID(int=event.id),),
    )  # fmt: skip
    return Task(
        id=event.id, state=TaskState.OPEN, place=position(*event.place), severity=event.severity, policy=policy.task,
        opened_at=found_at, grid=f"g{event.grid:02}", matters=(matter,),
    )  # fmt: skip
