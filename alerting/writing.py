"""Writes a decision down: the task's difference, its events and its notices, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from alerting import metrics, storms, superseding
from alerting.steps import Chosen, Decision, Effect, Log, Notify
from farwatch.domain.task import Task
from farwatch.storage import choices, events, notices, outages, tasks
from farwatch.storage.database import Connection

ENGINE = "engine"
"""The engine's name among heartbeats and outages."""
EXPLAINED = ("task_offered", "escalated")
"""Events that name the choice they follow from."""


async def write(
    connection: Connection, before: Task | None, decision: Decision, now: datetime, actor: str | None = None
) -> None:
    """The caller holds the task's row. Raises FingerprintTakenError when a new matter came second."""
    await tasks.save(connection, before, decision.task)
    if before is not None:
        await superseding.follow(connection, before, decision.task, now)
    choice: dict[str, object] = {}
    said: list[events.Event] = []
    for effect in decision.effects:
        if isinstance(effect, Chosen):
            why = (effect.wanted, effect.officer, effect.reason, effect.candidates)
            choice = {"choice": await choices.add(connection, decision.task.id, now, *why)}
        elif isinstance(effect, Log):
            detail = {**effect.detail, **await _excuse(connection, decision.task, effect)}
            if effect.type in EXPLAINED:
                detail, choice = {**detail, **choice}, {}
            said.append(events.Event(effect.type, decision.task.id, actor, detail))
        elif isinstance(effect, Notify):
            await notices.add(connection, _notice(decision.task, effect, now), now)
    await events.append_all(connection, said)


async def _excuse(connection: Connection, task: Task, event: Log) -> Mapping[str, object]:
    """A breach says how much of its time the engine itself was away, when it was. It stays a breach."""
    if event.type != "deadline_breached":
        return {}
    due_at = datetime.fromisoformat(str(event.detail["due_at"]))
    away = outages.overlap(await outages.of(connection, ENGINE, task.opened_at), task.opened_at, due_at)
    return {"outage_s": round(away.total_seconds(), 1)} if away else {}


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
