from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from alerting.correlation import FoldInto, Found, JoinTo, OpenNew, correlate, matter_of
from farwatch.domain.finding import Finding, Kind, Reason, Tier
from farwatch.domain.place import Position
from farwatch.domain.policy import SHIPPED, TaskPolicy
from farwatch.domain.task import Task, TaskState

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
