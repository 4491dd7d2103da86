"""Writes decisions down: the tasks' differences, their events and their notices, in the caller's transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from alerting import metrics, storms, superseding, telling
from alerting.steps import Chosen, Decision, Effect, Log, Notify
from farwatch.domain.task import Task
from farwatch.storage import choices, events, notices, outages, tasks
from farwatch.storage.choices import NewChoice
from farwatch.storage.database import Connection
from farwatch.storage.outages import Outage

ENGINE = "engine"
"""The engine's name among heartbeats and outages."""
EXPLAINED = ("task_offered", "escalated")
"""Events that name the choice they follow from."""

Step = tuple[Task | None, Decision]
"""A task before, None where there was none yet, and what was decided about it."""


async def write(
    connection: Connection, before: Task | None, decision: Decision, now: datetime, actor: str | None = None
) -> None:
    """As `write_all`."""
    await write_all(connection, [(before, decision)], now, actor)


async def write_all(
    connection: Connection, steps: Sequence[Step], now: datetime, actor: str | None = None
) -> None:
    """Several decisions, those about one task in their order, each from where the one before it ended: with as few ways to the
    database as one. The caller holds the tasks' rows. Raises FingerprintTakenError when a new matter came second."""
    for run in _runs(steps):
        await _write_run(connection, run, now, actor)


def _runs(steps: Sequence[Step]) -> Sequence[Sequence[Step]]:
    """No task twice in one: what a second decision settles are notices that the first one told as well."""
    runs: list[list[Step]] = []
    nth: Counter[int] = Counter()
    for step in steps:
        task = step[1].task.id
        if nth[task] == len(runs):
            runs.append([])
        runs[nth[task]].append(step)
        nth[task] += 1
    return runs


async def _write_run(connection: Connection, steps: Sequence[Step], now: datetime, actor: str | None) -> None:
    changes = [(before, decision.task) for before, decision in steps]
    await tasks.save(connection, changes)
    await superseding.follow(connection, changes, now)
    said, told = await _said(connection, steps, now, actor), list[notices.Notice]()
    for _, decision in steps:
        told += [_notice(decision.task, e, now) for e in decision.effects if isinstance(e, Notify)]
    if told:
        await notices.add_all(connection, told, now)
    if said:
        await events.append_all(connection, said)


async def _said(
    connection: Connection, steps: Sequence[Step], now: datetime, actor: str | None
) -> list[events.Event]:
    chosen = [
        NewChoice(task=d.task.id, wanted=e.wanted, chosen=e.officer, reason=e.reason, candidates=e.candidates)
        for _, d in steps
        for e in d.effects
        if isinstance(e, Chosen)
    ]
    numbers = iter(await choices.add_all(connection, chosen, now) if chosen else ())
    away = await _away(connection, steps)
    said: list[events.Event] = []
    for before, decision in steps:
        choice: dict[str, object] = {}
        begun = telling.begun(before, decision.task)
        for effect in decision.effects:
            if isinstance(effect, Chosen):
                choice = {"choice": next(numbers)}
            elif isinstance(effect, Log):
                excuse = _excuse(decision.task, effect, away)
                detail = {**effect.detail, **excuse, **telling.moment(now), **begun}
                begun = {}
                if effect.type in EXPLAINED:
                    detail, choice = {**detail, **choice}, {}
                said.append(events.Event(effect.type, decision.task.id, actor, detail))
    return said


async def _away(connection: Connection, steps: Sequence[Step]) -> Sequence[Outage]:
    """The engine's outages that the breaches among these may lie in."""
    opened = [
        d.task.opened_at
        for _, d in steps
        if any(isinstance(e, Log) and e.type == "deadline_breached" for e in d.effects)
    ]
    return await outages.of(connection, ENGINE, min(opened)) if opened else ()


def _excuse(task: Task, event: Log, away: Sequence[Outage]) -> Mapping[str, object]:
    """A breach says how much of its time the engine itself was away, when it was. It stays a breach."""
    if event.type != "deadline_breached":
        return {}
    due_at = datetime.fromisoformat(str(event.detail["due_at"]))
    lost = outages.overlap(away, task.opened_at, due_at)
    return {"outage_s": round(lost.total_seconds(), 1)} if lost else {}


def _notice(task: Task, notify: Notify, now: datetime) -> notices.Notice:
    if step := storms.step_of(task, notify, now):
        return notices.Notice(
            task=None, finding=None, step=step, channel=notices.PAGE, target=notify.target, key="storm_notices",
            params={"storm": task.storm_id}, drill_id=None, urgent=False,
        )  # fmt: skip
    return notices.Notice(
        task=task.id,
        finding=None,
        step=notify.occasion,
        channel=notices.PAGE,
        target=notify.target,
        key=notify.key,
        params=notify.params,
        drill_id=task.drill_id,
        urgent=notify.urgent,
    )


def count(effects: Sequence[Effect]) -> None:
    """Counts what was committed; call it after the commit."""
    for effect in effects:
        if isinstance(effect, Notify):
            metrics.NOTICES.labels(channel=notices.PAGE, result="sent").inc()
        elif isinstance(effect, Log):
            _count_event(effect)


def _count_event(event: Log) -> None:
    if event.type == "task_opened":
        kinds = event.detail["kinds"]
        assert isinstance(kinds, list)
        for kind in kinds:
            metrics.TASKS_OPENED.labels(kind=kind).inc()
    elif event.type == "deadline_breached":
        metrics.DEADLINES_BREACHED.labels(kind=event.detail["deadline"]).inc()
