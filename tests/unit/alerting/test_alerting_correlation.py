from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting import lifecycle
from alerting.correlation import (
    Closed,
    FoldInto,
    Found,
    InStorm,
    JoinTo,
    OpenNew,
    confirmations,
    correlate,
    matter_of,
)
from alerting.steps import Fold, Join
from alerting.storms import MOST_MATTERS
from farwatch.domain.finding import Finding, Kind, Reason, Tier
from farwatch.domain.place import Position
from farwatch.domain.policy import SHIPPED, TaskPolicy
from farwatch.domain.registry import Camera, Registry
from farwatch.domain.task import Matter, Task, TaskState

T0 = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PLACE = Position(31.2, 121.4)


def found(s: float = 100, **changes: object) -> Found:
    values: dict[str, object] = {
        "rule": "smoke", "kind": Kind.SMOKE, "tier": Tier.VIOLATION, "place": PLACE, "onset_at": T0, "severity": 2,
        "reason": Reason("seen"), "enterprise": "e1", "camera": "cam", "zone": "stack",
    }  # fmt: skip
    return Found(UUID(int=5), Finding(**{**values, **changes}), T0 + timedelta(seconds=s))  # type: ignore[arg-type]


def task(state: TaskState = TaskState.OFFERED, **changes: object) -> Task:
    values: dict[str, object] = {
        "id": 1, "state": state, "place": PLACE, "severity": 2, "policy": TaskPolicy(), "opened_at": T0, "enterprise": "e1",
        "matters": (matter_of(found(0), 1),),
    }  # fmt: skip
    return Task(**{**values, **changes})  # type: ignore[arg-type]


NORTH = 1 / 111_195  # degrees of latitude in a metre
AWAY = Position(31.2 + 149 * NORTH, 121.4)
OUT = Position(31.2 + 151 * NORTH, 121.4)
OTHER = {"zone": "yard"}
NOBODYS = task(enterprise=None)
CASES = [
    ("the same fingerprint folds", found(), [task()], FoldInto, "same_fingerprint"),
    ("whatever the place", found(place=OUT), [task(enterprise=None)], FoldInto, "same_fingerprint"),
    ("handled a moment ago", found(), [task(TaskState.HANDLED, handled_at=T0)], FoldInto, "same_fingerprint"),
    ("verified a moment ago", found(), [task(TaskState.VERIFIED, handled_at=T0)], FoldInto, "same_fingerprint"),
    ("handled long ago", found(1801), [task(TaskState.HANDLED, handled_at=T0)], OpenNew, "again_after_handled"),
    ("closed", found(), [task(TaskState.CLOSED)], OpenNew, "no_open_task"),
    ("the same enterprise joins", found(**OTHER, place=OUT), [task()], JoinTo, "same_enterprise"),
    ("however long ago", found(1e6, **OTHER), [task(TaskState.ARRIVED)], JoinTo, "same_enterprise"),
    ("but not a visit that is over", found(**OTHER), [task(TaskState.HANDLED, handled_at=T0)], OpenNew, "no_open_task"),
    ("near joins", found(**OTHER, enterprise=None, place=AWAY), [task()], JoinTo, "near"),
    ("no enterprise is not the same one", found(**OTHER, enterprise=None, place=OUT), [NOBODYS], OpenNew, "no_open_task"),
    ("out of the radius", found(**OTHER, enterprise="e2", place=OUT), [task()], OpenNew, "no_open_task"),
    ("near in time", found(1799, **OTHER, enterprise="e2"), [task()], JoinTo, "near"),
    ("out of the time", found(1801, **OTHER, enterprise="e2"), [task()], OpenNew, "no_open_task"),
    ("a drill folds into its drill", found(drill_id="d"), [task(), task(id=2, drill_id="d")], FoldInto, "same_fingerprint"),
    ("a drill never folds into the real", found(drill_id="d"), [task()], OpenNew, "no_open_task"),
    ("the real never joins a drill", found(**OTHER), [task(drill_id="d")], OpenNew, "no_open_task"),
    ("nor one drill another", found(**OTHER, drill_id="d"), [task(drill_id="e")], OpenNew, "no_open_task"),
    ("nothing there", found(), [], OpenNew, "no_open_task"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("new", "tasks", "kind", "reason"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_whose_business_a_finding_is(new: Found, tasks: list[Task], kind: type, reason: str) -> None:
    decided = correlate(new, tasks, SHIPPED)
    assert isinstance(decided, kind)
    assert decided.reason.key == reason


def test_folding_comes_before_joining_an_older_visit() -> None:
    other = task(matters=(matter_of(found(0, zone="yard"), 1),))
    same = task(id=2, matters=(matter_of(found(0), 2),))
    decided = correlate(found(), [other, same], SHIPPED)
    assert isinstance(decided, FoldInto)
    assert (decided.task.id, decided.matter.id) == (2, 2)


def test_the_same_enterprises_visit_comes_before_an_older_neighbours() -> None:
    neighbours, own = task(enterprise="e2"), task(id=2)
    decided = correlate(found(**OTHER), [neighbours, own], SHIPPED)
    assert isinstance(decided, JoinTo)
    assert (decided.task.id, decided.reason.key) == (2, "same_enterprise")


def test_a_matter_that_was_closed_takes_nothing_in() -> None:
    closed = replace(matter_of(found(0), 1), closed_at=T0)
    decided = correlate(found(), [task(TaskState.HANDLED, handled_at=T0, matters=(closed,))], SHIPPED)
    assert isinstance(decided, OpenNew)


def test_another_visit_names_the_one_it_follows() -> None:
    before = task(TaskState.HANDLED, handled_at=T0)
    decided = correlate(found(1801), [before], SHIPPED)
    assert isinstance(decided, OpenNew)
    assert (decided.follows, decided.closes) == (before, before.matters[0])


STORM = InStorm(7, "g")
HELD = task(enterprise=None, storm_id=7, grid="g", place=OUT)
FULL = replace(HELD, matters=tuple(matter_of(found(0, zone=f"z{n}"), n) for n in range(MOST_MATTERS)))
YARD = found(**OTHER, enterprise="e9")
IN_STORM = [
    ("the storm's task of its grid and kind takes it", YARD, [HELD], STORM, "storm"),
    ("before the enterprise's own visit", found(**OTHER), [task(id=2), HELD], STORM, "storm"),
    ("but its own matter comes first", found(), [task(id=2), HELD], STORM, "same_fingerprint"),
    ("not another grid's", YARD, [HELD], InStorm(7, "h"), "no_open_task"),
    ("nor one without grid", YARD, [HELD], InStorm(7, None), "no_open_task"),
    ("not another kind", found(**OTHER, enterprise="e9", kind=Kind.DUMPING), [HELD], STORM, "no_open_task"),
    ("not another storm's", YARD, [HELD], InStorm(8, "g"), "no_open_task"),
    ("not one that is full", YARD, [FULL], STORM, "no_open_task"),
    ("nor a visit that is over", YARD, [replace(HELD, state=TaskState.HANDLED, handled_at=T0)], STORM, "no_open_task"),
    ("nor after the storm", YARD, [HELD], None, "no_open_task"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("new", "tasks", "storm", "reason"), [c[1:] for c in IN_STORM], ids=[c[0] for c in IN_STORM]
)
def test_whose_business_a_finding_is_in_a_storm(
    new: Found, tasks: list[Task], storm: InStorm | None, reason: str
) -> None:
    assert correlate(new, tasks, SHIPPED, storm).reason.key == reason


DAY_S = SHIPPED.reopen_within_s
AGAIN = [
    (found(100), [], "again_after_closed", 9),
    (found(DAY_S), [], "again_after_closed", 9),
    (found(DAY_S + 1), [], "no_open_task", None),
    (found(100), [task()], "same_fingerprint", None),
    (found(100), [task(matters=(matter_of(found(0, **OTHER), 1),))], "same_enterprise", None),
]


@pytest.mark.parametrize(("new", "tasks", "reason", "reopens"), AGAIN)
def test_closed_business_that_comes_back_names_the_closed_task_unless_a_visit_is_under_way(
    new: Found, tasks: list[Task], reason: str, reopens: int | None
) -> None:
    decided = correlate(new, tasks, SHIPPED, closed=Closed(9, T0))
    assert (decided.reason.key, getattr(decided, "reopens", None)) == (reason, reopens)


def test_another_visit_after_a_handled_one_reopens_it() -> None:
    decided = correlate(found(1801), [task(TaskState.HANDLED, handled_at=T0)], SHIPPED, closed=Closed(9, T0))
    assert isinstance(decided, OpenNew)
    assert (decided.reason.key, decided.reopens) == ("again_after_handled", 1)


def test_a_matter_takes_in_what_was_counted_before_it() -> None:
    counted = tuple(
        Found(UUID(int=n), replace(found().finding, onset_at=T0 - timedelta(seconds=n), severity=n), T0)
        for n in (3, 1)
    )
    matter = matter_of(replace(found(60), counted=counted), 4)
    assert matter.findings == (UUID(int=3), UUID(int=1), UUID(int=5))
    assert (matter.found_at, matter.event_at, matter.severity) == (
        T0 + timedelta(seconds=60), T0 - timedelta(seconds=3), 3,
    )  # fmt: skip


def monitor(s: float = 0, **changes: object) -> Found:
    values = {
        "kind": Kind.EXCEEDANCE,
        "rule": "limit_rtd",
        "camera": None,
        "zone": None,
        "station": "mn1",
        "code": "a",
    }
    return found(s, **{**values, **changes})


def confirmed(
    new: Found, *others: Matter, registry: Registry | None = None, **changes: object
) -> list[tuple[int, int]]:
    """(matter, class) of every matter that is raised when `new` becomes matter 1."""
    of = task(matters=(*others, matter_of(new, 1)), **changes)
    return [(r.matter, r.severity) for r in confirmations(new, of, 1, SHIPPED, registry or Registry())]


SEEN, HALF_AN_HOUR = matter_of(found(0), 2), SHIPPED.confirm_within_s
CONFIRMING = [
    ("both are raised by a class", monitor(60), SEEN, {}, [(2, 3), (1, 3)]),
    ("whoever was first", found(60), matter_of(monitor(0), 2), {}, [(2, 3), (1, 3)]),
    ("at most to the worst", monitor(60, severity=3), replace(SEEN, severity=3), {}, [(2, 3), (1, 3)]),
    ("each by one", monitor(60, severity=1), SEEN, {}, [(2, 3), (1, 2)]),
    ("within the time", monitor(HALF_AN_HOUR), SEEN, {}, [(2, 3), (1, 3)]),
    ("not later", monitor(HALF_AN_HOUR + 1), SEEN, {}, []),
    ("two cameras are one kind of eye", found(60, camera="c2"), SEEN, {}, []),
    ("not of another enterprise", monitor(60, enterprise="e2"), SEEN, {}, []),
    ("nor of nobody", monitor(60, enterprise=None), SEEN, {"enterprise": None}, []),
    ("a fault of equipment confirms nothing", monitor(60, kind=Kind.DATA_FAULT), SEEN, {}, []),
    ("nor is one confirmed", monitor(60), matter_of(found(0, kind=Kind.CAMERA_FAULT), 2), {}, []),
    ("nor what is closed", monitor(60), replace(SEEN, closed_at=T0), {}, []),
    ("nor after the visit", monitor(60), SEEN, {"state": TaskState.HANDLED}, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("new", "other", "changes", "raised"), [c[1:] for c in CONFIRMING], ids=[c[0] for c in CONFIRMING]
)
def test_camera_and_monitor_confirm_each_other(
    new: Found, other: Matter, changes: dict[str, object], raised: list[tuple[int, int]]
) -> None:
    assert confirmed(new, other, **changes) == raised


def test_they_confirm_each_other_once() -> None:
    mine = replace(matter_of(monitor(60), 1), confirmed_by=(2,))
    of = task(matters=(replace(SEEN, confirmed_by=(1,)), mine))
    assert confirmations(monitor(120), of, 1, SHIPPED, Registry()) == ()


def test_the_neighbours_camera_in_a_joined_visit_confirms_nothing() -> None:
    cam = Camera(id="cam", name="", enterprise="e2", place=PLACE, heading_deg=None, url="")
    assert confirmed(monitor(60), SEEN, registry=Registry(cameras={"cam": cam})) == []


def settled(findings: list[Found]) -> list[Task]:
    """As the engine does it, one after the other."""
    tasks: list[Task] = []
    for n, new in enumerate(findings):
        now = T0 + timedelta(seconds=n)
        match correlate(new, tasks, SHIPPED):
            case FoldInto(task=into, matter=matter):
                after = lifecycle.step(into, Fold(matter.id, new.id, new.finding.severity), now).task
            case JoinTo(task=into, reason=reason):
                after = lifecycle.step(into, Join(matter_of(new, n), reason), now).task
            case OpenNew():
                opened = task(
                    TaskState.OPEN, id=n, place=new.finding.place, enterprise=new.finding.enterprise
                )
                after = lifecycle.begin(replace(opened, matters=(matter_of(new, n),))).task
        tasks = [*(t for t in tasks if t.id != after.id), after]
    return tasks


SOME = [
    Found(UUID(int=10 * zone + n), found(zone=f"z{zone}", onset_at=T0 + timedelta(seconds=n)).finding, T0)
    for zone in range(4)
    for n in range(3)
]


@given(st.permutations(SOME))
def test_in_whatever_order_they_arrive_the_matters_are_the_same(order: list[Found]) -> None:
    tasks = settled(order)
    assert len(tasks) == 1
    matters = {m.fingerprint: frozenset(m.findings) for t in tasks for m in t.matters}
    assert len(matters) == sum(len(t.matters) for t in tasks)
    assert matters == {f"smoke/cam/z{z}": frozenset(UUID(int=10 * z + n) for n in range(3)) for z in range(4)}
