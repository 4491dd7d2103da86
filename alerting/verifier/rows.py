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
_ANSWERS = {
    "accept": ("task_accepted", "task_handed_over", "task_handled"),
    "arrive": ("task_arrived",),
    "handle": ("task_handled",),
}
"""By target the entries of deeds that may meet it."""
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
    """t1 to t8 of the task, and what came out."""
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


def matters_told(events: Sequence[Event], manifest: Event) -> Iterator[Found]:
    """When each began; none is missing, none invented, and each was accepted and arrived at by the deed that tells so."""
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
            if event["type"] == "task_opened" and _moment(manifest["task"].get("opened_at")) != _moment(
                found["found_at"]
            ):
                yield Found("task_differs", "opened_at", f"n = {event['n']} tells another")
    for row in rows.values() if is_exact(events) else ():
        if why := _matter_mistold(row, events):
            yield Found("task_differs", f"matter {row['id']}", why)


def _matter_mistold(row: Mapping[str, Any], events: Sequence[Event]) -> str:
    id_, arrived_at, accepted_at = row["id"], row.get("arrived_at"), row.get("accepted_at")
    begun = next((e for e in events if any(f["matter"] == id_ for f in e.get("found", []))), None)
    if begun is None:
        return "no entry tells of it"
    arrived = next(_answers(events, "arrive", id_), None)
    # Who is there already when it joins has arrived at it, too.
    there = [e for e in events if e["type"] == "task_arrived" and (e is arrived or e["n"] < begun["n"])]
    # A program of before told no matters and noted no arrival at them.
    unknown = arrived is None or "matters" not in arrived
    if not any(_tells(e, arrived_at) for e in there) and not (unknown and arrived_at is None):
        return "no entry tells that arrived_at"
    named = (e for e in _answers(events, "accept", id_) if _names(e, id_))
    if accepted_at is not None and not any(_tells(e, accepted_at) for e in named):
        return "no entry tells that accepted_at"
    return ""


def _key(event: Event) -> Key:
    return (event["deadline"], event.get("matter"), event.get("step", 0))


def _named(key: Key) -> str:
    kind, matter, step = key
    return f"{kind} of matter {matter}" + (f", step {step}" if step else "")


def deadlines_told(events: Sequence[Event], manifest: Event) -> Iterator[Found]:
    """When each target was due, which were missed, and which of those stand excused."""
    rows = {(r["kind"], r["matter_id"], r["step"]): r for r in manifest.get("deadlines", [])}
    missed, due, exact = _missed(events), _due(events), is_exact(events)
    for key, event in {**due, **missed}.items():
        if key not in rows:
            yield Found(
                "deadline_differs", _named(key), f"n = {event['n']} tells of it, and its row is missing"
            )
    for key, row in rows.items():
        if key[0] not in _ANSWERS:
            continue
        why = _mistold(row, missed.get(key), due.get(key), exact) or (
            _undecided(row, events) if exact else ""
        )
        if why:
            yield Found("deadline_differs", _named(key), why)
    for key, row in rows.items():
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
        elif event["type"] == "breach_revoked" and _is_right(event, missed.get(_key(event)), events):
            del missed[_key(event)]
    return missed


def _is_right(revoked: Event, missed: Event | None, events: Sequence[Event]) -> bool:
    """Whoever may add to the log may revoke: it counts for a deed that met the target, at its moment and in time."""
    if missed is None:
        return False
    exact = "decided_at" in revoked
    then = revoked["decided_at"] if exact else revoked["at"]
    late_s = (datetime.fromisoformat(then) - datetime.fromisoformat(missed["due_at"])).total_seconds()
    kind, matter, _ = _key(revoked)
    return late_s <= (0 if exact else ABOUT_S) and any(
        _tells(a, then) for a in _answers(events, kind, matter)
    )


def _answers(events: Sequence[Event], kind: Any, matter: Any) -> Iterator[Event]:
    """The entries of deeds that may have met a target: none behind the first that names its matter."""
    for event in events:
        if event["type"] in _ANSWERS.get(kind, ()):
            names = _names(event, matter)
            # Who accepts answers a matter, too, that is over already, and need not name it.
            if (names or kind == "accept") and _meets(event, kind):
                yield event
            if names:
                return


def _names(event: Event, matter: Any) -> bool:
    """A hand-over names what it answers; others that name none are about them all."""
    return matter in event["matters"] if "matters" in event else event["type"] != "task_handed_over"


def _meets(event: Event, kind: Any) -> bool:
    """Who handles has accepted, but the centre ends a visit for nobody; a false alarm is not handled."""
    if event["type"] != "task_handled":
        return True
    return event.get("outcome") == "handled" if kind == "handle" else event.get("officer") is not None


def _due(events: Sequence[Event]) -> dict[Key, Event]:
    """By target what the first entry told of it."""
    due: dict[Key, Event] = {}
    for event in events:
        for clock in event.get("clocks", []):
            due.setdefault(_key(clock), {**clock, "n": event["n"]})
    return due


def _mistold(row: Mapping[str, Any], missed: Event | None, due: Event | None, exact: bool) -> str:
    """When it was due or whether it was missed, where the log tells that otherwise; empty where not."""
    due_at = datetime.fromisoformat(row["due_at"])
    told = [one for one in (due, missed) if one is not None and "due_at" in one]
    if any(due_at != _moment(one["due_at"]) for one in told) or (exact and due is None):
        return "no entry tells that it was due then"
    if (row["state"] == "breached") != (missed is not None):
        return (
            f"n = {missed['n']} tells that it was missed" if missed else "no entry tells that it was missed"
        )
    if missed is not None and not _tells(missed, row.get("decided_at")):
        return f"n = {missed['n']} tells another decided_at"
    return ""


def _undecided(row: Mapping[str, Any], events: Sequence[Event]) -> str:
    """What became of a target that was not missed, where no entry tells so; empty where one does."""
    state, kind, decided_at = row["state"], row["kind"], row.get("decided_at")
    if state == "breached":
        return ""
    if state == "pending":
        over = any(event["type"] in ("task_handled", "task_closed") for event in events)
        return "it is said to run, and the task is over" if over else ""
    if decided_at is None or datetime.fromisoformat(decided_at) > datetime.fromisoformat(row["due_at"]):
        return "decided after it was due, and not missed"
    answers = list(_answers(events, kind, row["matter_id"]))
    if state == "met":
        met = any(_tells(event, decided_at) for event in answers)
        return "" if met else "no entry tells of a deed that met it"
    # Only here may it be either: who handles may be a lead and not the officer, which the log does not tell.
    sure = [e for e in answers if "decided_at" in e and (kind, e["type"]) != ("accept", "task_handled")]
    if state != "cancelled" or any(_tells(event, decided_at) for event in sure):
        return "an entry tells that it was met"
    told = (event for event in events if "decided_at" in event or event["type"].startswith("task_"))
    return "" if any(_tells(event, decided_at) for event in told) else "no entry tells of that moment"


def _excuses(event: Event, row: Mapping[str, Any]) -> bool:
    return (
        event["type"] == "breach_excused" and event["deadline"] == row["kind"] and (row["matter_id"] or 0) in event["matters"]
        and event["actor"] == row.get("excused_by") and _tells(event, row["excused_at"])
    )  # fmt: skip
