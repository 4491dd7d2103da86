"""A report on paper: A4, the fingerprint and the page's number on every page, tables that go on over pages."""

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
)

from alerting.reports.cells import facts_of, moment, shown, title
from alerting.reports.formulas import formulas
from alerting.reports.tables import Report, Sort, Table
from alerting.reports.words import say, word

MOST_ROWS = 200
"""Of a table; spreadsheet and CSV have the rest."""
_MARGIN = 12 * mm
_LINE = colors.HexColor("#9aa5b1")
_HEAD = colors.HexColor("#e8edf3")


def paper(report: Report, font: str, *, compressed: bool = True) -> bytes:
    """`font` is one that alerting.reports.fonts gave."""
    made = io.BytesIO()
    size = landscape(A4)
    document = BaseDocTemplate(
        made, pagesize=size, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=16 * mm,
        title=f"{title(report)} {moment(report.span.since)[:10]}", author="Farwatch", pageCompression=int(compressed),
    )  # fmt: skip
    frame = Frame(_MARGIN, 16 * mm, size[0] - 2 * _MARGIN, size[1] - _MARGIN - 16 * mm, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame]))
    document.build(_story(report, font), canvasmaker=_numbered(report, font))
    return made.getvalue()


def _story(report: Report, font: str) -> list[Flowable]:
    plain = ParagraphStyle("plain", fontName=font, fontSize=8, leading=10.5, wordWrap="CJK")
    head = ParagraphStyle("head", parent=plain, fontSize=17, leading=24)
    second = ParagraphStyle("second", parent=plain, fontSize=11, leading=15, spaceBefore=9, spaceAfter=3)
    story: list[Flowable] = [Paragraph(escape(title(report)), head)]
    story += [Paragraph(escape(f"{name}：{value}"), plain) for name, value in facts_of(report)]
    for table in report.tables:
        story += [CondPageBreak(35 * mm), Paragraph(escape(word(f"report.table.{table.key}")), second)]
        story += _table(table, plain)
    story += [CondPageBreak(35 * mm), Paragraph(escape(word("report.formulas")), second)]
    story.append(
        _grid([[name, text] for name, text in formulas()], (Sort.TEXT, Sort.TEXT), plain, head_row=False)
    )
    return story


def _table(table: Table, style: ParagraphStyle) -> list[Flowable]:
    if not table.rows:
        return [Paragraph(escape(word("report.no_rows")), style)]
    head = [word(f"report.column.{c.key}") for c in table.columns]
    rows = [
        [shown(cell, c.sort) for cell, c in zip(row, table.columns, strict=True)]
        for row in table.rows[:MOST_ROWS]
    ]
    parts: list[Flowable] = [_grid([head, *rows], [c.sort for c in table.columns], style, head_row=True)]
    if left_out := table.left_out + max(0, len(table.rows) - MOST_ROWS):
        parts.append(Paragraph(escape(say("report.left_out", n=left_out)), style))
    if table.note:
        parts += [Spacer(0, 2), Paragraph(escape(word(table.note)), style)]
    return parts


def _grid(
    rows: Sequence[Sequence[str]], sorts: Sequence[Sort], style: ParagraphStyle, *, head_row: bool
) -> LongTable:
    """Long names wrap, numbers stand right; a head is repeated on each page."""
    right = ParagraphStyle("right", parent=style, alignment=TA_RIGHT)
    words = (Sort.TEXT, Sort.WORD)
    styles = [style if sort in words else right for sort in sorts]
    cells = [[Paragraph(escape(text), one) for text, one in zip(row, styles, strict=True)] for row in rows]
    width = landscape(A4)[0] - 2 * _MARGIN
    shares = [3.0 if sort in words else 1.4 for sort in sorts]
    unit = min(width / sum(shares), 24 * mm)
    looks: list[tuple[Any, ...]] = [
        ("GRID", (0, 0), (-1, -1), 0.4, _LINE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    if head_row:
        looks.append(("BACKGROUND", (0, 0), (-1, 0), _HEAD))
    return LongTable(
        cells,
        colWidths=[share * unit for share in shares],
        repeatRows=int(head_row),
        hAlign="LEFT",
        style=looks,
    )


def _numbered(report: Report, font: str) -> type[Canvas]:
    """Pages are numbered once all are known: page n of m."""

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._kept, 1):
                self.__dict__.update(page)
                self._foot(number, len(self._kept))
                super().showPage()
            super().save()

        def _foot(self, number: int, pages: int) -> None:
            mark = report.fingerprint or word("report.no_fingerprint")
            self.setFont(font, 7.5)
            self.drawString(_MARGIN, 9 * mm, f"{title(report)} · {word('report.fingerprint')} {mark}")
            self.drawRightString(
                landscape(A4)[0] - _MARGIN, 9 * mm, say("report.page_of", page=number, pages=pages)
            )

    return Numbered
