"""A report as a workbook: numbers as numbers, times as times of the city, and no text that runs as a formula."""

import io
from datetime import datetime

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from alerting.reports.cells import facts_of, title
from alerting.reports.formulas import formulas
from alerting.reports.tables import Cell, Report, Sort, Table
from alerting.reports.words import say, word
from farwatch.domain.review import CITY

_FORMATS = {
    Sort.COUNT: "0",
    Sort.SHARE: "0.0%",
    Sort.SECONDS: "[m]:ss",
    Sort.MOMENT: "yyyy-mm-dd hh:mm",
}
_DAY_S = 86_400.0
_SHEET_NAME_MAX = 31


def workbook(report: Report) -> bytes:
    """A sheet a table; the first says what the report is, the last by which formulas."""
    made = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(made, options) as book:
        bold = book.add_format({"bold": True})
        formats = {sort: book.add_format({"num_format": text}) for sort, text in _FORMATS.items()}
        _pairs(book.add_worksheet(word("report.title")), ((title(report), ""), *facts_of(report)), bold)
        for table in report.tables:
            _table(
                book.add_worksheet(word(f"report.table.{table.key}")[:_SHEET_NAME_MAX]), table, bold, formats
            )
        _pairs(book.add_worksheet(word("report.formulas")), formulas(), bold)
    return made.getvalue()


def _pairs(sheet: Worksheet, pairs: tuple[tuple[str, str], ...], bold: Format) -> None:
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 60)
    for row, (name, value) in enumerate(pairs):
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, value)


def _table(sheet: Worksheet, table: Table, bold: Format, formats: dict[Sort, Format]) -> None:
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, len(table.columns), 14)
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, word(f"report.column.{column.key}"), bold)
        if column.sort in (Sort.TEXT, Sort.WORD):
            sheet.set_column(place, place, 30)
    for row, cells in enumerate(table.rows, 1):
        for place, (cell, column) in enumerate(zip(cells, table.columns, strict=True)):
            _cell(sheet, row, place, cell, column.sort, formats)
    under = len(table.rows) + 2
    if table.left_out:
        sheet.write_string(under, 0, say("report.left_out", n=table.left_out))
    if table.note:
        sheet.write_string(under + 1, 0, word(table.note))


def _cell(
    sheet: Worksheet, row: int, place: int, cell: Cell, sort: Sort, formats: dict[Sort, Format]
) -> None:
    match cell:
        case None:
            return
        case datetime():
            sheet.write_datetime(row, place, cell.astimezone(CITY).replace(tzinfo=None), formats[Sort.MOMENT])
        case str():
            sheet.write_string(row, place, word(cell) if sort is Sort.WORD else cell)
        case _ if sort is Sort.SECONDS:
            sheet.write_number(row, place, cell / _DAY_S, formats[sort])
        case _:
            sheet.write_number(row, place, cell, formats.get(sort))
