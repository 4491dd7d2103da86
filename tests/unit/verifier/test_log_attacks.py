"""Whatever is done to the log of a case or to its seals is found, and called by its name."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerting.verifier.layout import Found
from alerting.verifier.verify import verify
from tests.support import evidence_case
from tests.support.evidence_case import (
    PIECES,
    Paper,
    a_key,
    forged,
    judged,
    names,
    packed,
    rewritten,
    unpacked,
)


async def test_a_clip_replaced_with_everything_made_anew_by_another_key(paper: Paper, tmp_path: Path) -> None:
    forger = forged(paper, key=a_key(2), contents={**paper.contents, "clip": b"another film"}, events=[])
    verdict = judged(await forger.pack(), paper)
    assert names(verdict) == {"key_unknown", "root_not_known"}
    assert Found("root_not_known", "2026-11-22T03:00:00+00:00") in verdict.found


async def test_a_clip_replaced_with_everything_made_anew_by_the_true_key(paper: Paper) -> None:
    """Only what was kept elsewhere can tell: that is what roots are for."""
    forger = forged(paper, contents={**paper.contents, "clip": b"another film"}, events=[])
    content = await forger.pack()
    assert names(judged(content, paper)) == {"root_not_known"}
    assert judged(content, paper, roots=False).found == []


def without_last(lines: list[dict[str, Any]], count: int) -> tuple[bytes, dict[str, Any]]:
    kept = lines[:-count]
    text = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in kept)
    last = kept[-1]
    return text, {"count": len(kept), "last_n": last["n"], "last_hash": last["hash"], "unsealed": 0}


@pytest.mark.parametrize("signed_anew", [True, False])
async def test_the_last_events_removed(paper: Paper, good: bytes, signed_anew: bool) -> None:
    files = unpacked(good)
    lines = [json.loads(line) for line in files["log.jsonl"].splitlines()]
    files["log.jsonl"], events = without_last(lines, 3)
    if signed_anew:
        content = packed(files, paper.key, {"events": events})
        found = judged(content, paper).found
        assert found[0] == Found("events_missing", "n = 15 to 16")
        assert {(f.name, f.place) for f in found[1:]} == {
            ("task_differs", n) for n in ("verified_at", "closed_at")
        }
        return
    manifest = json.dumps({**json.loads(files["manifest.json"]), "events": events}).encode()
    content = rewritten({**files, "manifest.json": manifest})
    assert names(judged(content, paper)) == {
        "events_missing",
        "signature_wrong",
        "file_changed",
        "task_differs",
    }


async def test_an_event_in_the_middle_removed(paper: Paper, good: bytes) -> None:
    files = unpacked(good)
    lines = files["log.jsonl"].splitlines(keepends=True)
    gone = json.loads(lines.pop(3))["n"]
    files["log.jsonl"] = b"".join(lines)
    found = judged(packed(files, paper.key), paper).found
    assert Found("events_missing", f"n = {gone}") in found


async def test_two_events_swapped_and_the_chain_made_anew(paper: Paper, good: bytes) -> None:
    """Accepted (7) and breached (9) change places: text, numbers, hashes, manifest and signature all fit again."""
    events = list(paper.events)
    events[6], events[8] = events[8], events[6]
    forger = forged(paper, events=events)
    files = unpacked(await forger.pack())
    files["seals.json"] = unpacked(good)["seals.json"]
    found = judged(packed(files, paper.key), paper).found
    assert Found("entries_swapped", "n = 7, 9") in found
    assert "leaf_missing" in {f.name for f in found}


async def test_two_lines_swapped(paper: Paper, good: bytes) -> None:
    files = unpacked(good)
    lines = files["log.jsonl"].splitlines(keepends=True)
    lines[2], lines[4] = lines[4], lines[2]
    files["log.jsonl"] = b"".join(lines)
    assert "entries_swapped" in names(judged(packed(files, paper.key), paper))


def edit_line(files: dict[str, bytes], place: int, change: Callable[[dict[str, Any]], None]) -> None:
    lines = [json.loads(line) for line in files["log.jsonl"].splitlines()]
    change(lines[place])
    files["log.jsonl"] = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def edit_seal(files: dict[str, bytes], change: Callable[[dict[str, Any]], None]) -> None:
    told = json.loads(files["seals.json"])
    change(told["seals"][0])
    files["seals.json"] = json.dumps(told).encode()


def set_text(line: dict[str, Any]) -> None:
    line["text"] = line["text"].replace("O1", "O2")


def set_link(line: dict[str, Any]) -> None:
    line["prev_hash"] = "00" * 32


def set_root(seal: dict[str, Any]) -> None:
    told = json.loads(seal["text"])
    seal["text"] = json.dumps({**told, "root": "11" * 32})


def drop_leaf(seal: dict[str, Any]) -> None:
    del seal["leaves"][3]


def give_leaf_away(seal: dict[str, Any]) -> None:
    seal["leaves"][3][0] = 8


def edit_all_seals(files: dict[str, bytes]) -> None:
    told = json.loads(files["seals.json"])
    files["seals.json"] = json.dumps({"seals": told["seals"][:1]}).encode()


EDITS: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "an entry's text": (lambda f: edit_line(f, 2, set_text), "entry_changed"),
    "an entry's link": (lambda f: edit_line(f, 2, set_link), "link_broken"),
    "an entry unreadable": (lambda f: f.update({"log.jsonl": b"{\n" + f["log.jsonl"]}), "entry_changed"),
    "a seal's root": (lambda f: edit_seal(f, set_root), "root_differs"),
    "a seal's text": (lambda f: edit_seal(f, set_root), "seal_signature_wrong"),
    "a leaf dropped": (lambda f: edit_seal(f, drop_leaf), "root_differs"),
    "a leaf of another task": (lambda f: edit_seal(f, give_leaf_away), "leaf_missing"),
    "a seal dropped": (edit_all_seals, "leaf_missing"),
    "a file added": (lambda f: f.update({"more.txt": b"x"}), ""),
    "no log": (lambda f: f.pop("log.jsonl"), "file_missing"),
    "no seals": (lambda f: f.pop("seals.json"), "file_missing"),
    "a piece left out": (lambda f: f.pop(f"evidence/{PIECES['still'][0]}.jpg"), "manifest_changed"),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_what_the_holder_of_the_key_changes_contradicts_the_seals(
    paper: Paper, good: bytes, edit: str
) -> None:
    change, name = EDITS[edit]
    files = unpacked(good)
    change(files)
    found = judged(packed(files, paper.key), paper)
    assert name in names(found) or (name == "" and found.found == [])


async def test_another_key_with_the_seals_of_the_true_one(paper: Paper, good: bytes) -> None:
    assert names(judged(packed(unpacked(good), a_key(2)), paper)) == {"key_unknown"}


async def test_a_key_named_by_the_kept_roots_may_have_signed_the_seals(paper: Paper, good: bytes) -> None:
    """The city changed its key since: the old seals stand, because their roots were kept."""
    now = a_key(3)
    content = packed(unpacked(good), now)
    assert verify(io.BytesIO(content), [now.fingerprint], paper.roots()).found == []
    assert {f.name for f in verify(io.BytesIO(content), [now.fingerprint]).found} == {"key_unknown"}


async def test_seals_left_out_that_were_there_when_it_was_exported(paper: Paper, good: bytes) -> None:
    case = paper.case()
    short = replace(case, seals=case.seals[:1], sealed_up_to=9)
    content = await paper.pack(short)
    assert names(judged(content, paper)) == {"leaf_missing"}
    assert names(judged(content, paper, roots=False)) == set()


@pytest.mark.parametrize("first_n", [1, 1000])
@pytest.mark.parametrize("exported_at", ["", "2026-11-22T02:00:00+00:00", "2026-11-22T04:30:00+00:00"])
async def test_what_is_under_no_seal_is_not_of_hours_that_were_sealed(
    paper: Paper, first_n: int, exported_at: str
) -> None:
    """By the true key, with other numbers and another time of the export: the roots kept elsewhere contradict it."""
    verdict = judged(await evidence_case.unsealed(paper, first_n, exported_at), paper)
    assert Found("leaf_missing", f"n = {first_n}", "under no seal, and its hour was sealed") in verdict.found
    assert ("manifest_changed" in names(verdict)) == (exported_at == "")


async def test_a_case_of_this_very_hour_is_not_called_sealed(paper: Paper) -> None:
    roots = {hour: root for hour, root in paper.roots().items() if hour < "2026-11-22T02"}
    content = await evidence_case.unsealed(paper, 1)
    verdict = verify(io.BytesIO(content), [paper.key.fingerprint], roots)
    assert verdict.found == [Found("leaf_missing", "log.jsonl", "none of it lies under any seal")]


async def test_roots_of_later_than_the_export_accuse_nobody(paper: Paper, good: bytes) -> None:
    later = {
        **paper.roots(),
        "2026-11-22T05:00:00+00:00": {"n_first": 17, "n_last": 40, "root": "", "key": ""},
    }
    assert verify(io.BytesIO(good), [paper.key.fingerprint], later).found == []


@pytest.mark.parametrize(("begun", "is_late"), [("03:54:59", False), ("03:49:59", True)])
async def test_an_entry_that_was_long_under_way_may_miss_the_seal_of_its_hour(
    paper: Paper, begun: str, is_late: bool
) -> None:
    paper.events[17] = {**paper.events[17], "at": f"2026-11-22T{begun}+00:00"}
    assert names(judged(await paper.pack(), paper)) == ({"leaf_missing"} if is_late else set())


async def test_an_entry_without_a_time_is_none_of_ours(paper: Paper) -> None:
    paper.events[17] = {**paper.events[17], "at": "yesterday"}
    assert "entry_changed" in names(judged(await paper.pack(), paper))
