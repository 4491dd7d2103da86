from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.steps import Notify
from alerting.storms import Begins, Ends, Goes, Weather, decide, since, step_of
from farwatch.domain.place import Position
from farwatch.domain.policy import StormRule, TaskPolicy
from farwatch.domain.silence import Storm
from farwatch.domain.task import Task, TaskState

T0 = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
RULE = StormRule(tasks=20, within_s=60, quiet_s=300)
STORM = Storm(id=1, began_at=T0, last_at=T0)


def at(s: float) -> datetime:
    return T0 + timedelta(seconds=s)


CASES: list[tuple[str, Storm | None, int, float, Weather]] = [
    ("the twentieth task is business as usual", None, 19, 0, None),
    ("the one after it begins a storm", None, 20, 0, Begins()),
    ("it goes on while as much comes", STORM, 20, 30, Goes(STORM, still=True)),
    ("it goes on for a while when less comes", STORM, 19, 299, Goes(STORM, still=False)),
    ("and is over after the quiet", STORM, 19, 300, Ends(STORM)),
    ("what was found before it does not end it", STORM, 0, -50, Goes(STORM, still=False)),
]


@pytest.mark.parametrize(
    ("storm", "recent", "s", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_the_weather(storm: Storm | None, recent: int, s: float, expected: Weather) -> None:
    assert decide(storm, recent, RULE, at(s)) == expected


@dataclass
class City:
    """Findings that each want a task of their own, or one task per `grids` in a storm."""

    grids: int
    opened: list[datetime] = field(default_factory=list)
    found: list[datetime] = field(default_factory=list)
    storms: list[Storm] = field(default_factory=list)
    running: Storm | None = None
    served: set[int] = field(default_factory=set)

    def finding(self, grid: int, when: datetime) -> None:
        of = self.found if self.running else self.opened
        recent = sum(since(RULE, when) <= t <= when for t in of)
        match decide(self.running, recent, RULE, when):
            case Begins():
                self.running, self.served = Storm(id=len(self.storms) + 1, began_at=when, last_at=when), set()
                self.storms.append(self.running)
            case Ends():
                self.running = None
                return self.finding(grid, when)
            case Goes(storm, still=True):
                self.running = Storm(id=storm.id, began_at=storm.began_at, last_at=when)
        if not self.running or grid not in self.served:
            self.opened.append(when)
            self.served |= {grid} if self.running else set()
        self.found.append(when)
        return None


def test_a_hundred_stations_of_four_grids_in_one_minute_are_24_tasks() -> None:
    city = City(grids=4)
    for n in range(100):
        city.finding(n % 4, at(n * 0.6))
    assert (len(city.opened), len(city.found), len(city.storms)) == (24, 100, 1)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 3)), max_size=150))
def test_nothing_is_dropped_and_no_minute_opens_more_than_the_rule_and_a_task_a_grid(
    gaps: list[tuple[float, int]],
) -> None:
    city, s = City(grids=4), 0.0
    for gap, grid in gaps:
        s += gap
        city.finding(grid, at(s))
    assert len(city.found) == len(gaps)
    for t in city.opened:
        assert sum(since(RULE, t) <= other <= t for other in city.opened) <= RULE.tasks + 4
    if city.running and gaps:
        city.finding(0, at(s + RULE.quiet_s))
        assert city.running is None


def test_steady_business_of_less_than_a_storm_ends_it() -> None:
    city = City(grids=4)
    for n in range(30):
        city.finding(n % 4, at(n))
    assert city.running
    for n in range(6):
        city.finding(n % 4, at(60 + 60 * n))
    assert city.running is None


OCCASIONS = [
    ("offer", False), ("offer:3:2", False), ("taken", False), ("handled", False), ("storm", False), ("matter:3:2", True),
    ("breach_accept:3", True), ("escalated:3:2", True), ("nobody:officer:no_grid", True), ("again:x", True),
]  # fmt: skip


@pytest.mark.parametrize(("occasion", "together"), OCCASIONS)
def test_what_a_storm_tells_in_one_notice_a_minute_and_what_by_itself(occasion: str, together: bool) -> None:
    task = Task(
        id=1, state=TaskState.OPEN, place=Position(31.2, 121.4), severity=2, policy=TaskPolicy(), opened_at=T0, storm_id=7
    )  # fmt: skip
    step = step_of(task, Notify(occasion, "o1", "key"), at(30))
    assert (step is not None) is together
    if together:
        assert step == step_of(task, Notify("matter:99:1", "o1", "key"), at(59))
        assert step != step_of(task, Notify(occasion, "o1", "key"), at(60))
