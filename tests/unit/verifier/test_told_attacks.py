"""Pieces and notes that are not the ones of which the log told are found, and called by their names."""

import hashlib
import json
from typing import Any

import pytest

from alerting.verifier.layout import Found
from farwatch.domain.commitment import commitment
from tests.support import evidence_case
from tests.support.evidence_case import PIECES, TASK, Paper, forged, judged, names, packed, unpacked


async def test_a_clip_replaced_and_the_manifest_signed_anew_by_the_true_key(
    paper: Paper, good: bytes
) -> None:
    path = f"evidence/{PIECES['clip'][0]}.mp4"
    files = {**unpacked(good), path: b"another film"}
    assert (
        Found("file_changed", path, "it was damaged when it was exported")
        in judged(packed(files, paper.key), paper).found
    )
    rows = json.loads(files["manifest.json"])["evidence"]
    rows[0]["sha256"] = "aa" * 32
    assert (
        Found("file_changed", path, "n = 6 tells another hash")
        in judged(packed(files, paper.key, {"evidence": rows}), paper).found
    )


@pytest.mark.parametrize(
    "change",
    [
        {"note": "nothing found"},
        {"lat": 31.3},
        {"note": "x", "committed": '{"note":"x","position":null}'},
        {"salted_with": "00" * 16},
    ],
)
async def test_a_note_that_the_log_did_not_commit_to(
    paper: Paper, good: bytes, change: dict[str, Any]
) -> None:
    deeds = [{**evidence_case.DEED, **change}]
    content = packed(unpacked(good), paper.key, {"actions": deeds})
    assert judged(content, paper).found == [Found("commitment_differs", "deed d1")]


ERASED = {
    **evidence_case.DEED, "note": "", "lat": None, "lon": None, "accuracy_m": None, "salted_with": None,
    "committed": '{"note":"","position":null}',
}  # fmt: skip
NOTE_ERASED = {"type": "note_erased", "task": TASK, "actor": "operator", "deed": "d1"}


async def test_an_erased_note_leaves_the_case_whole_when_the_log_tells_it(paper: Paper, good: bytes) -> None:
    told = forged(paper, events=[*paper.events, NOTE_ERASED])
    erased = {"actions": [ERASED]}
    assert judged(packed(unpacked(await told.pack()), paper.key, erased), paper).found == []
    content = packed(unpacked(good), paper.key, erased)
    assert judged(content, paper).found == [Found("commitment_differs", "deed d1")]


@pytest.mark.parametrize(
    "words",
    [{"note": "nobody fined"}, {"lat": 0.0}, {"committed": '{"note":"nobody fined","position":null}'}],
)
async def test_an_erased_note_says_nothing(paper: Paper, words: dict[str, Any]) -> None:
    told = forged(paper, events=[*paper.events, NOTE_ERASED])
    content = packed(unpacked(await told.pack()), paper.key, {"actions": [{**ERASED, **words}]})
    assert judged(content, paper).found == [Found("commitment_differs", "deed d1")]


async def test_a_deed_is_in_the_log_and_among_the_rows(paper: Paper, good: bytes) -> None:
    invented = {**evidence_case.DEED, "client_id": "d2"}
    for rows, place in (([evidence_case.DEED, invented], "deed d2"), ([], "deed d1")):
        content = packed(unpacked(good), paper.key, {"actions": rows})
        (found,) = judged(content, paper).found
        assert (found.name, found.place) == ("commitment_differs", place)


@pytest.mark.parametrize(("received", "is_old"), [("03:28:00", True), ("03:29:00", False)])
async def test_a_deed_of_before_commitments_is_noted_and_none_can_be_added_later(
    paper: Paper, good: bytes, received: str, is_old: bool
) -> None:
    """The last entry of a deed without its name is of 03:28."""
    row = {**ERASED, "client_id": "old", "note": "seen", "received_at": f"2026-11-22T{received}+00:00"}
    verdict = judged(packed(unpacked(good), paper.key, {"actions": [row, evidence_case.DEED]}), paper)
    assert names(verdict) == (set() if is_old else {"commitment_differs"})
    assert any("1 of the deeds are of before" in note for note in verdict.notes) == is_old
    paper.events[15] = {"type": "task_accepted", "task": TASK, "officer": "O1"}
    row["received_at"] = "2026-11-22T03:30:00+00:00"
    later = packed(unpacked(await paper.pack()), paper.key, {"actions": [row, evidence_case.DEED]})
    assert names(judged(later, paper)) == {"commitment_differs"}


async def test_an_entry_that_names_no_piece_and_no_deed_accuses_nobody(paper: Paper) -> None:
    paper.events[14] = {"type": "evidence_stored", "task": TASK}
    paper.events[15] = {"type": "task_closed", "task": TASK, "deed": ["d1"], "commitment": "x"}
    paper.events[17] = {"type": "evidence_purged", "task": TASK}
    assert judged(await paper.pack(), paper).found == []


async def test_two_rows_of_one_deed_are_both_looked_at(paper: Paper, good: bytes) -> None:
    rows = [{**evidence_case.DEED, "note": "x"}, evidence_case.DEED]
    content = packed(unpacked(good), paper.key, {"actions": rows})
    assert judged(content, paper).found == [Found("commitment_differs", "deed d1")]


@pytest.mark.parametrize("n", [16, 18])
async def test_a_piece_told_a_second_time_is_the_one_that_was_told_first(paper: Paper, n: int) -> None:
    """Whoever may add to the log and write the rows needs no key: the service itself signs what he made of the case."""
    paper.contents["clip"] = b"another film"
    paper.events[n - 1] = evidence_case.stored("clip", b"another film")
    verdict = judged(await paper.pack(), paper)
    path = f"evidence/{PIECES['clip'][0]}.mp4"
    assert verdict.found == [Found("file_changed", path, "n = 6 tells another hash")]
    assert any("otherwise than the first" in note for note in verdict.notes)


async def test_a_deed_told_a_second_time_is_the_one_that_was_told_first(paper: Paper) -> None:
    salt, said = bytes(16), '{"note":"nothing found","position":null}'
    again = {
        "type": "task_verified",
        "task": TASK,
        "deed": "d1",
        "commitment": commitment(salt, "nothing found", None),
    }
    paper.events[14] = again
    row = {**ERASED, "note": "nothing found", "salted_with": salt.hex(), "committed": said}
    content = packed(unpacked(await paper.pack()), paper.key, {"actions": [row]})
    assert judged(content, paper).found == [Found("commitment_differs", "deed d1")]


PURGED = {
    "type": "evidence_purged",
    "task": TASK,
    "evidence": str(PIECES["clip"][0]),
    "reason": "quota_closed",
}
GONE = {
    "purged": {"state": "purged", "erased_at": "2026-11-22T03:00:00+00:00"},
    "lost": {"state": "lost"},
    "never stored": {"state": "lost", "sha256": None},
}


@pytest.mark.parametrize("how", GONE)
async def test_a_piece_that_is_gone_was_purged_and_told_so(paper: Paper, how: str) -> None:
    case = paper.case()
    case.facts["evidence"][0].update(GONE[how])
    (found,) = judged(await paper.pack(case), paper).found
    assert (found.name, found.place) == ("file_missing", f"evidence {PIECES['clip'][0]}")


@pytest.mark.parametrize("sha256", ["", "aa" * 32])
async def test_a_purged_piece_keeps_the_hash_that_it_had(paper: Paper, sha256: str) -> None:
    true = hashlib.sha256(paper.contents["clip"]).hexdigest()
    paper.events.append({**PURGED, "sha256": sha256 or true})
    case = paper.case()
    case.facts["evidence"][0].update(GONE["purged"])
    assert names(judged(await paper.pack(case), paper)) == ({"file_missing"} if sha256 else set())


async def test_a_piece_that_is_given_up_is_exported_until_the_log_tells_its_end(paper: Paper) -> None:
    case = paper.case()
    case.facts["evidence"][0].update(GONE["purged"], erased_at=None)
    content = await paper.pack(case)
    assert judged(content, paper).found == []
    assert f"evidence/{PIECES['clip'][0]}.mp4" in unpacked(content)


async def test_a_piece_whose_sm3_the_log_told_otherwise(paper: Paper) -> None:
    paper.events[5] = {**paper.events[5], "sm3": "ab" * 32}
    assert names(judged(await paper.pack(), paper)) == {"sm3_differs"}


async def test_what_a_camera_machine_tells_of_deeds_and_clocks_counts_for_nothing(paper: Paper) -> None:
    told = forged(paper, events=evidence_case.meddled(paper.events))
    for exact in (True, False):
        told.exact = exact
        assert judged(await told.pack(), told).found == []
