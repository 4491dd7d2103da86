"""Whatever is done to an evidence ZIP is found, and called by its name."""

import hashlib
import io
import json
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.verifier.layout import Archive, Found
from alerting.verifier.verify import verify
from farwatch.domain.commitment import commitment
from tests.support import evidence_case
from tests.support.evidence_case import PIECES, TASK, Paper, a_key, forged, judged, names, packed, unpacked

CHANGES = 1000


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    return Paper(folder=tmp_path / "blobs")


@pytest.fixture
async def good(paper: Paper) -> bytes:
    return await paper.pack()


async def test_a_case_as_it_was_exported_is_well(paper: Paper, good: bytes) -> None:
    verdict = judged(good, paper)
    assert verdict.found == []
    assert verdict.notes == ["1 of the events lie under no seal yet: export again after the full hour"]
    assert judged(good, paper, roots=False).notes[0].startswith("no roots were given")


async def test_it_is_a_zip_for_everybody(good: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        assert archive.testzip() is None
        assert {"manifest.json", "manifest.sig", "log.jsonl", "seals.json", "verify.py", "verify.html"} < set(
            archive.namelist()
        )
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


async def test_a_thousand_changes_of_a_byte_are_all_found_and_named(paper: Paper, good: bytes) -> None:
    """The verifier's own copies in the ZIP are left short: their bytes are like any other file's."""
    files = {**unpacked(good), "verify.py": b"# short", "verify.html": b"<p>short"}
    small = packed(files, paper.key)
    assert judged(small, paper).found == []
    chance, missed = random.Random(5), []
    for place in chance.sample(range(len(small)), CHANGES):
        changed = bytearray(small)
        changed[place] ^= chance.randrange(1, 256)
        if not judged(bytes(changed), paper).found:
            missed.append(place)
    assert missed == []


async def test_each_byte_between_the_files_counts(paper: Paper, good: bytes) -> None:
    """Headers, directory and end: every single one of their bytes, not a sample."""
    small = packed({"manifest.json": unpacked(good)["manifest.json"], "a": b"1", "b/c": b"22"}, paper.key)
    archive = Archive(io.BytesIO(small))
    data = {
        place
        for name, entry in archive.entries.items()
        for place in range(entry.at + 30 + len(name), entry.at + 30 + len(name) + entry.size)
    }
    for place in sorted(set(range(len(small))) - data):
        changed = bytearray(small)
        changed[place] ^= 0x20
        archive = Archive(io.BytesIO(bytes(changed)))
        crc = archive.damage or judged(bytes(changed), paper).found
        assert crc, place


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
        assert judged(content, paper).found == [Found("events_missing", "n = 15 to 16")]
        return
    manifest = json.dumps({**json.loads(files["manifest.json"]), "events": events}).encode()
    content = rewritten({**files, "manifest.json": manifest})
    assert {"events_missing", "signature_wrong", "file_changed"} == names(judged(content, paper))


def rewritten(files: dict[str, bytes]) -> bytes:
    """A sound ZIP around whatever is in it."""
    out = io.BytesIO()
    package = evidence_case.Package(out)
    for path, content in files.items():
        package.add(path, [content])
    package.finish()
    return out.getvalue()


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


EDITS: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "an entry's text": (lambda f: edit_line(f, 2, set_text), "entry_changed"),
    "an entry's link": (lambda f: edit_line(f, 2, set_link), "link_broken"),
    "an entry unreadable": (lambda f: f.update({"log.jsonl": b"{\n" + f["log.jsonl"]}), "entry_changed"),
    "a seal's root": (lambda f: edit_seal(f, set_root), "root_differs"),
    "a seal's text": (lambda f: edit_seal(f, set_root), "seal_signature_wrong"),
    "a leaf dropped": (lambda f: edit_seal(f, drop_leaf), "root_differs"),
    "a leaf of another task": (lambda f: edit_seal(f, give_leaf_away), "leaf_missing"),
    "a seal dropped": (edit_all_seals, "leaf_missing"),
    "a file added": (lambda f: f.update({"more.txt": b"x"}), ""),
    "no log": (lambda f: f.pop("log.jsonl") and None, "file_missing"),
    "no seals": (lambda f: f.pop("seals.json") and None, "file_missing"),
    "a piece left out": (lambda f: f.pop(f"evidence/{PIECES['still'][0]}.jpg") and None, "manifest_changed"),
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


@pytest.mark.parametrize(("received", "is_old"), [("02:56:00", True), ("02:57:00", False)])
async def test_a_deed_of_before_commitments_is_noted_and_none_can_be_added_later(
    paper: Paper, good: bytes, received: str, is_old: bool
) -> None:
    """The last entry of a deed without its name is of 02:56."""
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


async def test_a_file_beside_the_manifest_is_named(paper: Paper, good: bytes) -> None:
    files = unpacked(good)
    files["more.txt"] = b"x"
    assert judged(rewritten(files), paper).found == [Found("file_extra", "more.txt")]
    del files["more.txt"], files["verify.py"]
    assert judged(rewritten(files), paper).found == [Found("file_missing", "verify.py")]


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


async def test_the_verdict_names_the_case_and_its_day(paper: Paper, good: bytes) -> None:
    assert judged(good, paper).case == (
        "case 7, exported 2026-11-22T04:30:00+00:00 by chen for review, 13 events up to n = 18, sealed up to n = 16"
    )
    hostile = packed(unpacked(good), paper.key, {"exported_by": "\x1b[2J\nGOOD"})
    assert judged(hostile, paper).case.isprintable()


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "junk before": lambda z: b"junk" + z,
    "junk behind": lambda z: z + b"junk",
    "a comment": lambda z: z[:-2] + struct.pack("<H", 4) + b"junk",
    "cut off": lambda z: z[: len(z) // 2],
    "cut by a byte": lambda z: z[:-1],
    "empty": lambda _: b"",
    "no ZIP": lambda _: b"\x89PNG" * 99,
    "twice": lambda z: z + z,
    "deflated": lambda _: with_zipfile({"a": b"1"}, zipfile.ZIP_DEFLATED),
    "a bomb": lambda _: with_zipfile({"manifest.json": bytes(10_000_000)}, zipfile.ZIP_DEFLATED),
    "up and away": lambda _: rewritten({"../../etc/passwd": b"x", "manifest.json": b"{}"}),
    "absolute": lambda _: rewritten({"/etc/passwd": b"x"}),
    "a terminal's": lambda _: rewritten({"\x1b[2Jx": b"x"}),
    "one name twice": lambda _: doubled(),
    "deep": lambda _: rewritten({"manifest.json": b"[" * 100_000, "manifest.sig": b""}),
    "huge numbers": lambda _: rewritten({"manifest.json": b'{"task": {"id": ' + b"9" * 9000 + b"}}"}),
    "lone surrogates": lambda _: rewritten(
        {"manifest.json": b'{"task": {"id": 1}, "files": [{"path": "\\ud800"}]}'}
    ),
}


def with_zipfile(files: dict[str, bytes], method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def doubled() -> bytes:
    out = io.BytesIO()
    package = evidence_case.Package(out)
    package.add("manifest.json", [b"{}"])
    package.add("manifest.json", [b"[]"])
    package.finish()
    return out.getvalue()


@pytest.mark.parametrize("how", HOSTILE)
async def test_a_hostile_file_is_refused_by_name(paper: Paper, good: bytes, how: str) -> None:
    verdict = judged(HOSTILE[how](good), paper)
    assert verdict.found
    for found in verdict.found:
        assert str(found).isprintable()
        assert str(found).isascii()


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just({"id": TASK}),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["task", "id", "files", "events", "evidence", "path", "seals", "text", "leaves", "n"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(manifest=SHAPES, log=SHAPES, seals=SHAPES)
def test_texts_of_any_shape_are_judged_not_stumbled_over(manifest: Any, log: Any, seals: Any) -> None:
    content = rewritten(
        {
            "manifest.json": json.dumps(manifest).encode(),
            "log.jsonl": json.dumps(log).encode() + b"\n",
            "seals.json": json.dumps(seals).encode(),
            "manifest.sig": b"",
        }
    )
    assert verify(io.BytesIO(content), [a_key().fingerprint], {}).found


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_bytes_of_any_kind_are_judged_not_stumbled_over(data: st.DataObject) -> None:
    """Parts of a sound ZIP taken out, doubled or written over."""
    whole = rewritten({"manifest.json": b"{}", "log.jsonl": b"[]", "evidence/a.jpg": bytes(50)})
    begin, end = sorted(data.draw(st.lists(st.integers(0, len(whole)), min_size=2, max_size=2)))
    other = data.draw(st.binary(max_size=40) | st.just(whole[begin:end] * 2) | st.just(whole))
    content = whole[:begin] + other + whole[end:]
    verdict = verify(io.BytesIO(content), [])
    assert verdict.found
