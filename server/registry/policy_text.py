"""A policy written out as policy.toml; every value stands in it, also those that are as shipped."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import date
from typing import Any

from farwatch.domain.policy import NoticeRule, Policy, TaskPolicy

_TABLES = (
    "limit", "silence", "quality", "retention", "evidence", "storm", "first_time", "calendar", "dispatch", "notices", "task",
)  # fmt: skip
_ROWS = {"escalation", "severities", "handling", "skills", "channels"}
"""What is written as rows of its own."""


def render_policy(policy: Policy) -> str:
    scalars = [f.name for f in fields(Policy) if isinstance(getattr(policy, f.name), float | int)]
    lines = [f"{name} = {_value(getattr(policy, name))}" for name in scalars]
    if not policy.actions:
        lines.append("actions = []")
    for (rule, tier), action in policy.actions.items():
        lines += _row("actions", [("rule", rule), ("tier", tier.value), ("action", action.value)])
    for counted in policy.n_of_m:
        lines += _row("n_of_m", _plain(counted))
    for name in _TABLES:
        table = getattr(policy, name)
        lines += [
            "",
            f"[{name}]",
            *(f"{key} = {_value(value)}" for key, value in _plain(table)),
            *_rows(table),
        ]
    return "\n".join(lines) + "\n"


def _plain(values: Any) -> Iterator[tuple[str, object]]:
    for field in fields(values):
        if field.name not in _ROWS:
            yield field.name, getattr(values, field.name)


def _rows(table: Any) -> Iterable[str]:
    if isinstance(table, TaskPolicy):
        return _task_rows(table)
    if isinstance(table, NoticeRule):
        return [line for channel in table.channels for line in _row("notices.channel", _plain(channel))]
    skills = getattr(table, "skills", ())
    return [
        line for kind, skill in skills for line in _row("dispatch.skill", [("kind", kind), ("skill", skill)])
    ]


def _task_rows(task: TaskPolicy) -> Iterator[str]:
    """Empty lists first: a key after a table would be that table's."""
    rows = (("escalation", task.escalation), ("severity", task.severities), ("handling", task.handling))
    yield from (f"{name} = []" for name, listed in rows if not listed)
    for step in task.escalation:
        yield from _row("task.escalation", _plain(step))
    for limit in task.handling:
        yield from _row("task.handling", _plain(limit))
    for level, clocks in sorted(task.severities.items()):
        yield from _row("task.severity", [("level", level), *_plain(clocks)])
        if not clocks.escalation:
            yield "escalation = []"
        for step in clocks.escalation:
            yield from _row("task.severity.escalation", _plain(step))


def _row(name: str, values: Iterable[tuple[str, object]]) -> list[str]:
    return ["", f"[[{name}]]", *(f"{key} = {_value(value)}" for key, value in values)]


def _value(value: object) -> str:
    """Numbers, texts and lists of texts are written by JSON as by TOML; a date is bare."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return "[" + ", ".join(_value(v) for v in sorted(value)) + "]"
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return json.dumps(value)
