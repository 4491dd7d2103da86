"""From the bytes of a file to its text: UTF-8 with or without BOM, else GB18030, as Excel in China saves CSV."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from server.registry.problems import Findings, did_you_mean

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_FILE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file's rows by column name, each with its row number in a spreadsheet."""

    file: str
    columns: frozenset[str]
    rows: tuple[tuple[int, dict[str, str]], ...]


def read_text(path: Path, found: Findings) -> str | None:
    """The file's text; None, with an error noted, when it cannot be read as text."""
    try:
        if path.stat().st_size > _LONGEST_FILE_BYTES:
            found.error(path.name, f"is larger than {_LONGEST_FILE_BYTES >> 20} MiB")
            return None
        content = path.read_bytes()
    except OSError as error:
        found.error(path.name, f"cannot be read: {error.strerror}")
        return None
    if content.startswith(_UTF16):
        found.error(path.name, "is UTF-16 text: save it as 'CSV UTF-8'")
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            row = content.count(b"\n", 0, error.start) + 1
    found.error(path.name, "is neither UTF-8 nor GB18030 text", row)
    return None


def read_table(path: Path, columns: dict[str, bool], found: Findings) -> Table | None:
    """The rows of a CSV file with a header. `columns` are the known names; True: the file must have it."""
    text = read_text(path, found)
    if text is None:
        return None
    try:
        lines = [
            (number, cells) for number, cells in enumerate(_records(text), 1) if any(c.strip() for c in cells)
        ]
    except csv.Error as error:
        found.error(path.name, f"is not CSV: {error}", len(text.splitlines()))
        return None
    if not lines:
        found.error(path.name, f"has no header; it begins with {','.join(columns)}", 1)
        return None
    header_row, header = lines[0]
    names = [_column_name(cell) for cell in header]
    if not _header_is_right(path.name, header_row, names, columns, found):
        return None
    rows = tuple((number, _cells(path.name, number, names, cells, found)) for number, cells in lines[1:])
    return Table(path.name, frozenset(names), rows)


def _records(text: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), strict=True)


def _column_name(cell: str) -> str:
    return cell.strip("\ufeff\u200b \t\u3000").lower()


def _header_is_right(
    file: str, row: int, names: list[str], columns: dict[str, bool], found: Findings
) -> bool:
    before = len(found.errors)
    for name in dict.fromkeys(n for n in names if n):
        if name not in columns:
            found.error(file, f"unknown column{did_you_mean(name, columns)}", row, name)
        elif names.count(name) > 1:
            found.error(file, "the column is there twice", row, name)
    for name, needed in columns.items():
        if needed and name not in names:
            found.error(file, "the column is missing", row, name)
    return len(found.errors) == before


def _cells(file: str, row: int, names: list[str], cells: list[str], found: Findings) -> dict[str, str]:
    for index, cell in enumerate(cells):
        if cell.strip() and (index >= len(names) or not names[index]):
            found.error(file, f"{cell.strip()[:40]!r} stands in column {index + 1}, which has no name", row)
    return {name: cells[i] if i < len(cells) else "" for i, name in enumerate(names) if name}
