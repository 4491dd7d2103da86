"""The one way to write a case's ZIP, also beyond 4 GiB; and the names of what can be wrong with it."""

import io
import itertools
import re
import zipfile
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from alerting.sealing.exporting import Asked, export
from alerting.sealing.packing import Package
from alerting.verifier import single
from alerting.verifier.layout import BIG, Archive, Entry, directory, local_header
from farwatch.storage.blobs import BlobStore
from tests.support.evidence_case import T0, TASK, Paper, a_key

ROOT = Path(__file__).parents[3]
SPARSE = BIG + 10


def test_a_film_beyond_4_gib_is_a_zip_for_everybody(tmp_path: Path) -> None:
    """Holes instead of bytes: the file takes no room. The piece behind it begins beyond 4 GiB."""
    name, second = b"evidence/film.mp4", b"second"
    header = local_header(name, 0, SPARSE)
    begin = len(header) + SPARSE
    entries = [Entry(name, 0, SPARSE, 0), Entry(b"b", zlib.crc32(second), len(second), begin)]
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        file.write(header)
        file.seek(begin)
        file.write(local_header(b"b", zlib.crc32(second), len(second)) + second)
        file.write(directory(entries, file.tell()))
    with zipfile.ZipFile(path) as archive:
        assert [(i.filename, i.file_size, i.header_offset) for i in archive.infolist()] == [
            ("evidence/film.mp4", SPARSE, 0),
            ("b", len(second), begin),
        ]
        assert archive.read("b") == second
    with path.open("rb") as file:
        ours = Archive(file)
        assert ours.damage == []
        assert ours.entries["evidence/film.mp4"].size == SPARSE
        assert ours.read("b") == second
        with pytest.raises(ValueError, match="too large"):
            ours.read("evidence/film.mp4")


def test_more_entries_than_16_bits_count() -> None:
    out = io.BytesIO()
    package = Package(out)
    for i in range(66_000):
        package.add(f"e/{i}", [])
    package.finish()
    assert Archive(out).damage == []
    with zipfile.ZipFile(out) as archive:
        assert len(archive.namelist()) == 66_000


def test_a_piece_that_grew_beyond_what_was_expected_is_an_error() -> None:
    with pytest.raises(ValueError, match="has 1 bytes"):
        Package(io.BytesIO()).add("a", [b"x"], expected_bytes=BIG)


async def test_the_leaves_of_a_seal_are_written_as_they_come(tmp_path: Path) -> None:
    """An hour may hold a million entries, and nobody holds them all."""
    paper, out, sizes = Paper(folder=tmp_path), io.BytesIO(), list[int]()
    case = replace(paper.case(), facts={"task": {"id": TASK}, "evidence": [], "actions": []})

    async def leaves(first: int, last: int) -> AsyncIterator[Sequence[tuple[int | None, bytes]]]:
        for _ in range(first, last + 1):
            sizes.append(out.tell())
            yield [(TASK, bytes(32))]

    await export(case, leaves, BlobStore(tmp_path), a_key(), Asked(by="chen", purpose="case", at=T0), out)
    assert len(sizes) == 16
    assert all(before < after for before, after in itertools.pairwise(sizes))


def names_in_code() -> set[str]:
    texts = [
        (ROOT / "alerting" / "verifier" / f).read_text("utf-8")
        for f in ("verify.py", "layout.py", "told.py", "rows.py", "gaps.py")
    ]
    texts.append((ROOT / "alerting" / "sealing" / "stamping.py").read_text("utf-8"))
    return {n for text in texts for n in re.findall(r'(?:say|Found)\(\s*"([a-z0-9_]+)"', text)} | {
        n for text in texts for n in re.findall(r'"([a-z]+_(?:missing|changed))"', text)
    }


def test_every_name_is_explained_and_has_words_on_the_page() -> None:
    names = names_in_code()
    assert len(names) >= 17
    reference = (ROOT / "docs" / "reference" / "evidence-export.md").read_text("utf-8")
    assert {name for name in names if f"`{name}`" not in reference} == set()
    page = single.page().decode()
    assert {n for n in names - {"stamp_wrong"} if len(re.findall(rf'\b{n}: "', page)) != 2} == set()
