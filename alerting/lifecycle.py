"""The life of a task: one table that decides every (event, state) pair. Pure; `now` is the database's clock.

受理→立案→派遣→处置→反馈→核查→结案. An officer's deed carries the time at which it was received, before any lock was waited for.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from alerting import clocks
from alerting.arriving import arrive
from alerting.ceasing import ended
from alerting.deeds import (
    accept,
    acknowledge,
    by_centre,
    close,
    decline,
    false_alarm,
    handle_arrived,
    verify,
)
from alerting.handing import decline_over, excuse, hand_over, offer_over, reassign
from alerting.offers import (
    delivered,
    due,
    fold,
    fold_after,
    join,
    more_at_once,
    nobody_more,
    nobody_yet,
    offer,
    raised,
)
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
    Nobody,
    Offer,
    Raise,
    Reassign,
    Seek,
    Verify,
    refuse,
    unchanged,
)
from farwatch.domain.finding import Reason
from farwatch.domain.task import Task, TaskState


def begin(task: Task, handle_at: datetime | None = None) -> Decision:
    """A new task, in state open with its first matter: its clocks run from that matter's t1, and somebody is wanted.
    `handle_at` is the matter's legal limit."""
    (matter,) = task.matters
    own = clocks.clocks_of(
        matter, task.policy, arrive=True, steps_of=("accept", "arrive"), handle_at=handle_at
    )
    task = replace(task, deadlines=own)
    opened = Log(
        "task_opened",
        {
            "kinds": [matter.kind.value], "place": {"lat": task.place.lat, "lon": task.place.lon}, "grid": task.grid,
            "enterprise": task.enterprise, "severity": task.severity, "matter": matter.id, "drill": task.drill_id,
            "finding": str(matter.findings[0]), "reopened_from": task.reopened_from,
        },
    )  # fmt: skip
    return Decision(task, Reason("opened"), (opened, Seek("officer"), *more_at_once(task)))


def step(task: Task, event: Event, now: datetime) -> Decision:
    """What `event` does to `task`: total over all pairs, and a refused event changes nothing."""
    return TABLE[type(event)][task.state](task, event, now)


def _no(task: Task, _event: Event, _now: datetime) -> Decision:
    return refuse(task, "wrong_state", state=task.state.value)


def _known(task: Task, _event: Event, _now: datetime) -> Decision:
    return unchanged(task, "already_known")


_Handler = Callable[[Task, Any, datetime], Decision]
_ROWS: dict[type, tuple[_Handler, ...]] = {
    # event:     open         offered      accepted      arrived         handled     verified    closed
    Offer:      (offer,       offer,       offer_over,   _no,            _no,        _no,        _no),
    Nobody:     (nobody_yet,  nobody_more, nobody_more,  _no,            _no,        _no,        _no),
    Delivered:  (delivered,   delivered,   delivered,    delivered,      _known,     _known,     _known),
    Accept:     (accept,      accept,      acknowledge,  acknowledge,    _no,        _no,        _no),
    Decline:    (decline,     decline,     decline_over, _no,            _no,        _no,        _no),
    Arrive:     (_no,         _no,         arrive,       arrive,         _no,        _no,        _no),
    Handle:     (by_centre,   by_centre,   by_centre,    handle_arrived, _no,        _no,        _no),
    FalseAlarm: (false_alarm, false_alarm, false_alarm,  false_alarm,    _no,        _no,        _no),
    Verify:     (_no,         _no,         _no,          _no,            verify,     _no,        _no),
    Close:      (_no,         _no,         _no,          _no,            _no,        close,      _no),
    Reassign:   (reassign,    reassign,    reassign,     reassign,       _no,        _no,        _no),
    HandOver:   (_no,         _no,         hand_over,    _no,            _no,        _no,        _no),
    Excuse:     (excuse,      excuse,      excuse,       excuse,         excuse,     excuse,     excuse),
    Join:       (join,        join,        join,         join,           _no,        _no,        _no),
    Fold:       (fold,        fold,        fold,         fold,           fold_after, fold_after, _no),
    Raise:      (raised,      raised,      raised,       raised,         _no,        _no,        _no),
    Ended:      (ended,       ended,       ended,        ended,          ended,      ended,      _no),
    Due:        (due,         due,         due,          due,            due,        due,        due),
}  # fmt: skip
TABLE: dict[type, dict[TaskState, _Handler]] = {
    event: dict(zip(TaskState, row, strict=True)) for event, row in _ROWS.items()
}
