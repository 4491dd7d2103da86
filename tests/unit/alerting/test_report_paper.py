"""Paper: a font that shows every sign, pages that are numbered, names that are no markup."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import reportlab

from alerting.reports import fonts, pdf, xlsx
from alerting.reports.cells import shown
from alerting.reports.tables import Report, Sort, table
from farwatch.domain.case import Span
from farwatch.domain.review import CITY

BEGIN = datetime(2026, 11, 21, tzinfo=CITY)
LATIN = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"


def report(rows: int) -> Report:
    names = ((f"<i>钢铁 & {n}", n, n / 7, n * 1.5, BEGIN) for n in range(rows))
    tables = (table("by_enterprise", "enterprise:w opened:n in_time_rate:p answer_p50_s:s begin:m", names),)
    span = Span(BEGIN, BEGIN + timedelta(days=1), BEGIN + timedelta(days=2))
    return Report(
        kind="daily",
        span=span,
        made_by="bo",
        bureau="生态环境局",
        drills=0,
        fingerprint="aa bb",
        tables=tables,
    )


def test_a_font_without_chinese_or_digits_is_refused_by_name() -> None:
    with pytest.raises(fonts.FontError, match=r"Vera\.ttf: .*—|Vera\.ttf: has no '中'"):
        fonts.font(LATIN)
    with pytest.raises(fonts.FontError):
        fonts.font(Path(__file__))
    with pytest.raises(fonts.FontError):
        fonts.font(Path("/nowhere/font.ttf"))


def test_known_places_with_unusable_fonts_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "KNOWN", (str(LATIN), __file__, "/nowhere"))
    assert fonts.font(None) == fonts.READERS_OWN


def test_a_long_table_goes_on_over_pages_and_ends_with_what_is_left_out() -> None:
    content = pdf.paper(report(pdf.MOST_ROWS + 7), fonts.readers_own(), compressed=False)
    pages = len(re.findall(rb"/Type /Page\b", content))
    assert pages >= 5
    assert "另有 7 行未列出".encode("utf-16-be").replace(b"\\", b"\\\\") in _plain(content)
    assert _plain(content).count("企业".encode("utf-16-be")) >= pages - 1, "the head stands on each page"


def _plain(content: bytes) -> bytes:
    """Without the escapes of PDF strings."""
    return re.sub(
        rb"\\([0-7]{3}|.)",
        lambda m: bytes([int(m[1], 8)]) if m[1].isdigit() else m[1],
        content,
        flags=re.DOTALL,
    )


def test_a_workbook_of_nothing_is_a_workbook() -> None:
    assert xlsx.workbook(report(0)).startswith(b"PK")


@pytest.mark.parametrize(
    ("cell", "sort", "text"),
    [
        (None, Sort.SHARE, "—"),
        (0, Sort.SHARE, "0.0 %"),
        (0.12345, Sort.SHARE, "12.3 %"),
        (59.6, Sort.SECONDS, "1:00"),
        (3723, Sort.SECONDS, "1:02:03"),
        (-2.0, Sort.SECONDS, "-0:02"),
        (BEGIN, Sort.MOMENT, "2026-11-21 00:00"),
        ("kind.smoke", Sort.WORD, "冒烟"),
        ("东方钢铁", Sort.WORD, "东方钢铁"),
        ("kind.smoke", Sort.TEXT, "kind.smoke"),
        (7, Sort.COUNT, "7"),
    ],
)
def test_cells_are_shown_by_their_sort(cell: object, sort: Sort, text: str) -> None:
    assert shown(cell, sort) == text  # type: ignore[arg-type]
