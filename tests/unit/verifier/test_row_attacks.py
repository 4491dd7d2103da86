"""Rows of a case that the log tells otherwise are found, and called by their names: the service can change each of them, and signs
what it finds."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from alerting.verifier.layout import Found
from alerting.verifier.verify import OLD_ROWS, verify
from tests.support.evidence_case import TASK, Paper, judged, packed, sealed, unpacked

Manifest = dict[str, Any]
LATER = "2026-11-22T03:13:00+00:00"
DEED, ACCEPT, ARRIVE = "deed d1", "accept of matter 3", "arrive of matter 3"


def of(place: str, row: int | None = None, **changes: Any) -> Callable[[Manifest], None]:
    def change(manifest: Manifest) -> None:
        (manifest[place] if row is None else manifest[place][row]).update(changes)

    return change


def also(place: str, **changes: Any) -> Callable[[Manifest], None]:
    return lambda manifest: manifest[place].append({**manifest[place][0], **changes})


def without(place: str, row: int) -> Callable[[Manifest], None]:
    return lambda manifest: manifest[place].pop(row)


TAMPERED: dict[str, tuple[Callable[[Manifest], None], str, str]] = {
    "another did it": (of("actions", 0, actor="li"), "deed_differs", DEED),
    "another deed": (of("actions", 0, action="false-alarm"), "deed_differs", DEED),
    "refused, they say": (of("actions", 0, result="too_far"), "deed_differs", DEED),
    "claimed earlier": (of("actions", 0, claimed_at="2026-11-22T03:50:00+00:00"), "deed_differs", DEED),
    "received earlier": (of("actions", 0, received_at="2026-11-22T03:51:59.9+00:00"), "deed_differs", DEED),
    "accepted earlier": (of("task", accepted_at="2026-11-22T02:55:59+00:00"), "task_differs", "accepted_at"),
    "arrived in time": (of("task", arrived_at="2026-11-22T03:04:00+00:00"), "task_differs", "arrived_at"),
    "never arrived": (of("task", arrived_at=None), "task_differs", "arrived_at"),
    "another outcome": (of("task", outcome="false_alarm"), "task_differs", "outcome"),
    "no outcome": (of("task", outcome=None), "task_differs", "outcome"),
    "found later": (of("task", opened_at=LATER), "task_differs", "opened_at"),
    "a matter found later": (of("matters", 0, found_at=LATER), "task_differs", "matter 3"),
    "a matter begun later": (of("matters", 0, event_at=LATER), "task_differs", "matter 3"),
    "no matter": (without("matters", 0), "task_differs", "matter 3"),
    "a matter accepted earlier": (of("matters", 0, accepted_at="2026-11-22T02:32:00+00:00"), "task_differs", "matter 3"),
    "a matter arrived at in time": (of("matters", 0, arrived_at="2026-11-22T03:04:00+00:00"), "task_differs", "matter 3"),
    "a matter not arrived at": (of("matters", 0, arrived_at=None), "task_differs", "matter 3"),
    "a matter invented": (also("matters", id=4), "task_differs", "matter 4"),
    "a breach met": (of("deadlines", 1, state="met"), "deadline_differs", ARRIVE),
    "a breach cancelled": (of("deadlines", 1, state="cancelled"), "deadline_differs", ARRIVE),
    "a breach later": (of("deadlines", 1, decided_at=LATER), "deadline_differs", ARRIVE),
    "a breach due later": (of("deadlines", 1, due_at=LATER), "deadline_differs", ARRIVE),
    "a breach gone": (without("deadlines", 1), "deadline_differs", ARRIVE),
    "a breach excused": (
        of("deadlines", 1, excused_at=LATER, excused_by="li", excuse="x"), "deadline_differs", ARRIVE,
    ),
    "a breach invented": (of("deadlines", 0, state="breached"), "deadline_differs", ACCEPT),
    "met at another moment": (of("deadlines", 0, decided_at=LATER), "deadline_differs", ACCEPT),
    "met though it was late": (of("deadlines", 0, due_at="2026-11-22T02:50:00+00:00"), "deadline_differs", ACCEPT),
    "met by nothing": (of("deadlines", 0, decided_at="2026-11-22T02:32:00+00:00"), "deadline_differs", ACCEPT),
    "met, called off": (of("deadlines", 0, state="cancelled"), "deadline_differs", ACCEPT),
    "met, of no state": (of("deadlines", 0, state="fired"), "deadline_differs", ACCEPT),
    "met, still running": (of("deadlines", 0, state="pending", decided_at=None), "deadline_differs", ACCEPT),
    "a target gone": (without("deadlines", 0), "deadline_differs", ACCEPT),
}  # fmt: skip


def signed_anew(good: bytes, paper: Paper, change: Callable[[Manifest], None]) -> bytes:
    files = unpacked(good)
    manifest = json.loads(files["manifest.json"])
    change(manifest)
    return packed(files, paper.key, manifest)


@pytest.mark.parametrize("how", TAMPERED)
async def test_a_row_that_the_log_tells_otherwise(paper: Paper, good: bytes, how: str) -> None:
    change, name, place = TAMPERED[how]
    found = judged(signed_anew(good, paper, change), paper).found
    assert {(one.name, one.place) for one in found} == {(name, place)}


STILL_FOUND = (
    "another did it",
    "claimed earlier",
    "a breach met",
    "a breach gone",
    "a breach invented",
    "never arrived",
)


@pytest.mark.parametrize("how", STILL_FOUND)
async def test_in_a_case_of_before_entries_told_moments(paper: Paper, how: str) -> None:
    paper.exact = False
    change, name, place = TAMPERED[how]
    verdict = judged(signed_anew(await paper.pack(), paper, change), paper)
    assert (name, place) in {(one.name, one.place) for one in verdict.found}
    assert OLD_ROWS in verdict.notes


@pytest.mark.parametrize(
    ("accepted", "is_well"), [("02:55:59", True), ("02:46:00", True), ("02:45:59", False)]
)
async def test_an_old_moment_is_about_when_its_entry_was_written(
    paper: Paper, accepted: str, is_well: bool
) -> None:
    paper.exact = False
    moved = of("task", accepted_at=f"2026-11-22T{accepted}+00:00")
    found = judged(signed_anew(await paper.pack(), paper, moved), paper).found
    assert found == ([] if is_well else [Found("task_differs", "accepted_at", "n = 7 tells another")])


REVOKED = {
    "type": "breach_revoked", "task": TASK, "deadline": "arrive", "matter": 3, "due_at": "2026-11-22T03:05:00+00:00",
    "decided_at": "2026-11-22T03:04:00+00:00",
}  # fmt: skip
EXCUSED = {
    "type": "breach_excused", "task": TASK, "actor": "li", "deadline": "arrive", "matters": [3], "decided_at": LATER,
}  # fmt: skip


async def test_a_breach_that_was_revoked_is_none(paper: Paper) -> None:
    paper.events[10] = {**paper.events[10], "decided_at": REVOKED["decided_at"]}
    paper.events[11] = REVOKED
    met = of("deadlines", 1, state="met", decided_at=REVOKED["decided_at"])
    arrived = of("task", arrived_at=REVOKED["decided_at"])
    there = of("matters", 0, arrived_at=REVOKED["decided_at"])
    good = await paper.pack()
    assert {f.place for f in judged(good, paper).found} == {ARRIVE, "arrived_at", "matter 3"}
    for change in (met, arrived, there):
        good = signed_anew(good, paper, change)
    assert judged(good, paper).found == []


@pytest.mark.parametrize("arrived_at", [None, "2026-11-22T03:28:00+00:00", "2026-11-22T03:30:00+00:00"])
async def test_a_matter_that_joins_where_the_officer_is_has_his_arrival(
    paper: Paper, arrived_at: str | None
) -> None:
    found_at = "2026-11-22T03:36:00+00:00"
    joined = {"matter": 4, "event_at": found_at, "found_at": found_at}
    paper.events[11] = {"type": "matter_joined", "task": TASK, "decided_at": found_at, "found": [joined]}
    row = also("matters", id=4, event_at=found_at, found_at=found_at, accepted_at=None, arrived_at=arrived_at)
    found = judged(signed_anew(await paper.pack(), paper, row), paper).found
    assert {one.place for one in found} == (
        {"matter 4"} if arrived_at == "2026-11-22T03:30:00+00:00" else set()
    )


ARRIVED_IN_TIME = {
    "type": "task_arrived", "task": TASK, "matters": [3], "decided_at": "2026-11-22T03:04:00+00:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("decided_at", "more"),
    [
        ("2026-11-22T03:04:00+00:00", {}),
        ("2026-11-22T02:32:00+00:00", {}),
        ("2026-11-22T02:56:00+00:00", {}),
        ("2026-11-22T03:28:00+00:00", {}),
        ("2026-11-22T03:04:00+00:00", ARRIVED_IN_TIME),
        (None, {}),
    ],
    ids=[
        "of nothing",
        "of an offer",
        "of the acceptance",
        "of the late arrival",
        "of a second arrival",
        "of no moment",
    ],
)
async def test_a_breach_that_was_revoked_for_no_deed_in_time_stands(
    paper: Paper, decided_at: str | None, more: dict[str, Any]
) -> None:
    """Whoever may change the row may add the entry; the arrival itself was late."""
    paper.events[16] = {**REVOKED, "decided_at": decided_at}
    paper.events[17] = more or paper.events[17]
    met = of("deadlines", 1, state="met", decided_at=decided_at or "2026-11-22T03:04:00+00:00")
    found = judged(signed_anew(await paper.pack(), paper, met), paper).found
    assert ("deadline_differs", ARRIVE) in {(one.name, one.place) for one in found}


CALLED_OFF = {"type": "task_handled", "task": TASK, "outcome": "handled", "officer": None}


@pytest.mark.parametrize(("state", "is_well"), [("cancelled", True), ("met", False)])
async def test_a_target_that_was_called_off_is_not_met(paper: Paper, state: str, is_well: bool) -> None:
    """The centre ended the visit that nobody had accepted."""
    del paper.events[6]
    paper.events.insert(6, {**CALLED_OFF, "decided_at": "2026-11-22T02:56:00+00:00"})
    paper.events[13] = paper.events[7]
    then = "2026-11-22T02:56:00+00:00"
    ended = of("task", accepted_at=None, delivered_at=None, handled_at=then, outcome="handled")
    off = of("deadlines", 0, state=state, decided_at=then)
    good = signed_anew(await paper.pack(), paper, ended)
    found = judged(signed_anew(good, paper, off), paper).found
    assert (ACCEPT not in {one.place for one in found}) == is_well


@pytest.mark.parametrize(
    ("accepted", "is_well"), [("02:55:59", True), ("02:46:00", True), ("02:45:59", False)]
)
async def test_a_deed_of_a_program_of_before_meets_a_target_within_ten_minutes(
    paper: Paper, accepted: str, is_well: bool
) -> None:
    """The engine was renewed before the web's role, whose entries told no moments."""
    paper.events[6] = {**paper.events[6], "decided_at": None}
    then = f"2026-11-22T{accepted}+00:00"
    moved, met = of("task", accepted_at=then, delivered_at=then), of("deadlines", 0, decided_at=then)
    found = judged(signed_anew(signed_anew(await paper.pack(), paper, moved), paper, met), paper).found
    assert {one.place for one in found} == (set() if is_well else {ACCEPT, "accepted_at", "delivered_at"})


async def test_an_excuse_is_the_one_that_the_log_tells(paper: Paper) -> None:
    paper.events[11] = EXCUSED
    good = await paper.pack()
    assert {(f.name, f.place) for f in judged(good, paper).found} == {("deadline_differs", ARRIVE)}
    told = of("deadlines", 1, excused_at=LATER, excused_by="li", excuse="")
    assert judged(signed_anew(good, paper, told), paper).found == []
    other = of("deadlines", 1, excused_at=LATER, excused_by="chen", excuse="")
    assert judged(signed_anew(good, paper, other), paper).found != []


def without_hour(good: bytes, paper: Paper) -> bytes:
    """The holder of the key leaves out all of the case's entries of the middle one of three hours, and its seal."""
    files = unpacked(good)
    lines = [json.loads(line) for line in files["log.jsonl"].splitlines()]
    kept = [line for line in lines if not 7 <= line["n"] <= 12]
    files["log.jsonl"] = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in kept)
    told = json.loads(files["seals.json"])
    files["seals.json"] = json.dumps({"seals": [told["seals"][0], told["seals"][2]]}).encode()
    manifest = json.loads(files["manifest.json"])
    path = next(row.pop("path") for row in manifest["evidence"] if row["kind"] == "clip_copy")
    del files[path]
    rows = [row for row in manifest["evidence"] if row["kind"] != "clip_copy"]
    end = {"count": len(kept), "last_n": kept[-1]["n"], "last_hash": kept[-1]["hash"], "unsealed": 1}
    return packed(files, paper.key, {**manifest, "evidence": rows, "events": end})


@pytest.mark.parametrize("roots", [True, False])
async def test_an_hour_that_was_left_out_with_its_seal(
    paper: Paper, monkeypatch: pytest.MonkeyPatch, roots: bool
) -> None:
    monkeypatch.setattr("tests.support.evidence_case.HOURS", ((1, 6), (7, 12), (13, 16)))
    monkeypatch.setattr(sealed, "__defaults__", (((1, 6), (7, 12), (13, 16)),))
    good = await paper.pack()
    assert judged(good, paper).found == []
    found = judged(without_hour(good, paper), paper, roots=roots).found
    missing = Found("hour_missing", "2026-11-22T04:00:00+00:00", "n = 13 follows n = 11")
    assert (missing if roots else Found("events_missing", "n = 11", "n = 13 follows n = 11")) in found
    paper.exact = False
    old = without_hour(await paper.pack(), paper)
    verdict = verify(io.BytesIO(old), [paper.key.fingerprint], paper.roots())
    assert "hour_missing" not in {f.name for f in verdict.found}
    assert (
        "nothing proves that no event of the case is left out of 1 kept hours, from 2026-11-22T04:00:00+00:00 on"
        in verdict.notes
    )
