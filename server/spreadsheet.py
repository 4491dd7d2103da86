"""CSV as spreadsheets read it: UTF-8 with BOM, and no text that a spreadsheet would run as a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

Cell = str | float | int | None

BOM = b"\xef\xbb\xbf"
_RUNS = re.compile(r"'*[=+\-@\t\r]")


def safe(cell: Cell) -> Cell:
    """A text that begins like a formula gets an apostrophe before it; numbers stay as they are."""
    return f"'{cell}" if isinstance(cell, str) and _RUNS.match(cell) else cell


def plain(text: str) -> str:
    """What `safe` was given."""
    return text[1:] if text.startswith("'") and _RUNS.match(text) else text


def lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Rows with CRLF, without BOM; None is an empty cell."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
