"""Entries of a case that were left out without a trace in its seals: each entry of a task names the one before it."""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from alerting.verifier.layout import Found

Roots = Mapping[str, Mapping[str, Any]]


def left_out(
    events: Sequence[Mapping[str, Any]], task: int | None, sealed: Collection[int], roots: Roots
) -> Iterator[Found]:
    """What an entry follows and is not there, by its hour where a root of that was kept."""
    there = {event["n"] for event in events}
    for event in events:
        n = event.get("prev_n") if event["task"] == task else None
        if n is None or n in there or n in sealed:
            continue
        hour = next((hour for hour, root in roots.items() if root["n_first"] <= n <= root["n_last"]), None)
        why = f"n = {event['n']} follows n = {n}"
        yield Found("hour_missing", hour, why) if hour else Found("events_missing", f"n = {n}", why)


def unproven_hours(
    events: Sequence[Mapping[str, Any]], task: int | None, sealed: Collection[int], roots: Roots
) -> list[str]:
    """The kept hours between two entries of the task of which the ZIP says nothing: the later entry is of before entries named the
    one before them."""
    own = [event for event in events if event["task"] == task]
    between = [
        (a["n"], b["n"]) for a, b in itertools.pairwise(own) if "prev_n" not in b
    ]  # fmt: skip
    return sorted(
        hour for hour, root in roots.items()
        if root["n_first"] not in sealed and any(a < root["n_first"] and root["n_last"] < b for a, b in between)
    )  # fmt: skip
