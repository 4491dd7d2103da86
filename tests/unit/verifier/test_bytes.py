"""Whatever is done to the bytes of an evidence ZIP is found, and called by its name; no file makes the verifier stumble."""

import io
import json
import random
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.sealing.packing import Package
from alerting.verifier.layout import Archive, Found
from alerting.verifier.verify import OLD_ROWS, SIGNER_SAYS, verify
from tests.support.evidence_case import TASK, Paper, a_key, judged, packed, rewritten, unpacked

CHANGES = 1000


async def test_a_case_as_it_was_exported_is_well(paper: Paper, good: bytes) -> None:
    verdict = judged(good, paper)
    assert verdict.found == []
    unsealed = "1 of the events lie under no seal yet: export again after the full hour"
    assert verdict.notes == [unsealed, SIGNER_SAYS]
    paper.exact = False
    verdict = judged(await paper.pack(), paper)
    assert (verdict.found, verdict.notes) == ([], [unsealed, OLD_ROWS, SIGNER_SAYS])
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


async def test_a_file_beside_the_manifest_is_named(paper: Paper, good: bytes) -> None:
    files = unpacked(good)
    files["more.txt"] = b"x"
    assert judged(rewritten(files), paper).found == [Found("file_extra", "more.txt")]
    del files["more.txt"], files["verify.py"]
    assert judged(rewritten(files), paper).found == [Found("file_missing", "verify.py")]


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
    package = Package(out)
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
