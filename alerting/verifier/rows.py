"""What the log told of deeds, of a task's moments and of its deadlines, held against the manifest's rows.

An entry tells the moment that was decided (`decided_at`); one of before entries did has only its own time, which is somewhat later.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from alerting.verifier.layout import Found
from alerting.verifier.told import Event, commits

ABOUT_S = 600.0
_MOMENTS = {
    "dispatched_at": ("task_offered", "task_reassigned", "task_accepted"),
    "delivered_at": ("task_delivered", "task_accepted"),
    "accepted_at": ("task_accepted",),
    "arrived_at": ("task_arrived",),
    "handled_at": ("task_handled",),
    "verified_at": ("task_verified",),
    "closed_at": ("task_closed",),
}
"""By column the entries of which the first tells when that was."""
_TARGETS = ("accept", "arrive", "handle")
Key = tuple[Any, Any, Any]


def _moment(told: Any) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)


def _tells(event: Event, shown: Any) -> bool:
    """Was it then, as the entry tells?"""
    at = _moment(shown)
    if "decided_at" in event:
        return at == _moment(event["decided_at"])
    then = datetime.fromisoformat(event["at"])
    return at is not None and abs((at - then).total_seconds()) <= ABOUT_S


def is_exact(events: Sequence[Event]) -> bool:
    """Did the log tell moments when the case began?"""
    return any(event["type"] == "task_opened" and "decided_at" in event for event in events)


def deeds_told(events: Sequence[Event], manifest: Event) -> Iterator[Found]:
    """Who did what, when it was received and when he says that he did it, as the first entry of the deed tells."""
    told: dict[Any, Event] = {}
    for first in filter(commits, events):
        told.setdefault(first["deed"], first)
    for row in manifest.get("actions", []):
        event = told.get(row["client_id"])
        if event is None:
            continue
        wrong = [
            name for name in ("actor", "action", "result") if name in event and event[name] != row.get(name)
        ]
        if "claimed_at" in event and _moment(event["claimed_at"]) != _moment(row.get("claimed_at")):
            wrong.append("claimed_at")
        if not _tells(event, row.get("received_at")):
            wrong.append("received_at")
        if wrong:
            yield Found(
                "deed_differs",
                f"deed {row['client_id']}",
                f"n = {event['n']} tells another {', '.join(wrong)}",
            )


def moments_told(events: Sequence[Event], manifest: Event) -> Iterator[Found]:
    """t0 to t8 of the task and its matters, and what came out."""
    task, exact = manifest["task"], is_exact(events)
    for name, types in _MOMENTS.items():
        event = next((e for e in events if e["type"] in types), None)
        if event is None and exact and task.get(name) is not None:
            yield Found("task_differs", name, "no entry of the log tells of it")
        if event is not None and not _tells(event, task.get(name)):
            yield Found("task_differs", name, f"n = {event['n']} tells another")
    ended = next((e for e in events if e["type"] in ("task_handled", "task_closed") and "outcome" in e), None)
    if (ended or exact) and task.get("outcome") != (ended["outcome"] if ended else None):
        yield Found(
            "task_differs", "outcome", f"n = {ended['n']} tells another" if ended else "no entry tells of it"
        )
    rows = {row["id"]: row for row in manifest.get("matters", [])}
    for event in events:
        for found in event.get("found", []):
            row = rows.get(found["matter"], {})
            if any(_moment(row.get(name)) != _moment(found[name]) for name in ("event_at", "found_at")):
                yield Found(
                    "task_differs",
                    f"matter {found['matter']}",
                    f"n = {event['n']} tells another event_at, found_at",
                )
            if event["type"] == "task_opened" and _moment(task.get("opened_at")) != _moment(
                found["found_at"]
            ):
                yield Found("task_differs", "opened_at", f"n = {event['n']} tells another")


def _key(event: Event) -> Key:
    return (event["deadline"], event.get("matter"), event.get("step", 0))


def _named(key: Key) -> str:
    kind, matter, step = key
    return f"{kind} of matter {matter}" + (f", step {step}" if step else "")


def deadlines_told(events: Sequence[Event], manifest: Event) -> Iterator[Found]:
    """When each target was due, which were missed, and which of those stand excused."""
    rows = {(r["kind"], r["matter_id"], r["step"]): r for r in manifest.get("deadlines", [])}
    missed, due = _missed(events), _due(events)
    for key, event in {**due, **missed}.items():
        if key not in rows:
            yield Found(
                "deadline_differs", _named(key), f"n = {event['n']} tells of it, and its row is missing"
            )
    exact = is_exact(events)
    decided = {_moment(event["decided_at"]) for event in events if "decided_at" in event}
    for key, row in rows.items():
        if key[0] in _TARGETS and (why := _wrong(row, missed.get(key), due.get(key), exact, decided)):
            yield Found("deadline_differs", _named(key), why)
        if row.get("excused_at") is not None and not any(_excuses(event, row) for event in events):
            yield Found("deadline_differs", _named(key), "no entry of the log tells that it was excused")
    excused = {(r["kind"], r["matter_id"] or 0) for r in rows.values() if r.get("excused_at") is not None}
    for event in events:
        for matter in event["matters"] if event["type"] == "breach_excused" else ():
            if (event["deadline"], matter) not in excused:
                place = _named((event["deadline"], matter, 0))
                yield Found("deadline_differs", place, f"n = {event['n']} tells that it was excused")


def _missed(events: Sequence[Event]) -> dict[Key, Event]:
    missed: dict[Key, Event] = {}
    for event in events:
        if event["type"] == "deadline_breached":
            missed.setdefault(_key(event), event)
        elif event["type"] == "breach_revoked":
            missed.pop(_key(event), None)
    return missed


def _due(events: Sequence[Event]) -> dict[Key, Event]:
    """By target what the first entry told of it."""
    due: dict[Key, Event] = {}
    for event in events:
        for clock in event.get("clocks", []):
            due.setdefault(_key(clock), {**clock, "n": event["n"]})
    return due


def _wrong(
    row: Mapping[str, Any],
    missed: Event | None,
    due: Event | None,
    exact: bool,
    decided: set[datetime | None],
) -> str:
    """What of a target's row the log tells otherwise; empty where nothing."""
    due_at, decided_at = datetime.fromisoformat(row["due_at"]), _moment(row.get("decided_at"))
    told = [one for one in (due, missed) if one is not None and "due_at" in one]
    if any(due_at != _moment(one["due_at"]) for one in told) or (exact and due is None):
        return "no entry tells that it was due then"
    if (row["state"] == "breached") != (missed is not None):
        return (
            f"n = {missed['n']} tells that it was missed" if missed else "no entry tells that it was missed"
        )
    if missed is not None and not _tells(missed, row.get("decided_at")):
        return f"n = {missed['n']} tells another decided_at"
    if not exact or row["state"] == "pending":
        return ""
    if decided_at is None or decided_at not in decided:
        return "no entry tells of that moment"
    return (
        "decided after it was due, and not missed"
        if row["state"] != "breached" and decided_at > due_at
        else ""
    )


def _excuses(event: Event, row: Mapping[str, Any]) -> bool:
    return (
        event["type"] == "breach_excused" and event["deadline"] == row["kind"] and (row["matter_id"] or 0) in event["matters"]
        and event["actor"] == row.get("excused_by") and _tells(event, row["excused_at"])
    )  # fmt: skip
