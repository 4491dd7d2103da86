"""Reports of a day, a week, a month: as JSON for the page, CSV, XLSX and PDF, all from the same tables."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from alerting.reports import fonts, pdf, xlsx
from alerting.reports.daily import daily
from alerting.reports.figures import FORMULAS, Figures, counts_of
from alerting.reports.monthly import monthly
from alerting.reports.periods import ReportKind, before, last_whole, span_of, year_before
from alerting.reports.tables import Report, Sort, Table
from alerting.reports.weekly import weekly
from alerting.reports.words import word
from farwatch.domain.case import Span
from farwatch.domain.report_facts import Visited
from farwatch.domain.review import CITY
from farwatch.storage import audit, report_rows, seals, visits
from server.spreadsheet import BOM, Cell, lines
from server.web.authentication import NotOfficer
from server.web.context import Web, WebContext
from server.web.csv_answer import local
from server.web.errors import ApiError, errors

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])

FIRST_DAY = date(2020, 1, 1)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
        }
    }
}


class ColumnBody(BaseModel):
    key: str
    sort: Sort


class TableBody(BaseModel):
    """`left_out` rows are not shown; `note` is the key of a sentence, empty for none."""

    key: str
    columns: list[ColumnBody]
    rows: list[list[str | int | float | None]]
    note: str
    left_out: int


class FormulaBody(BaseModel):
    key: str
    numerator: str
    denominator: str


class ReportBody(BaseModel):
    kind: ReportKind
    since: datetime
    until: datetime
    made_at: datetime
    made_by: str
    drills: int
    fingerprint: str
    tables: list[TableBody]
    formulas: list[FormulaBody]


@router.get("/{kind}", responses={**errors(401, 403, 409), **_FILES}, response_model=ReportBody)
async def report(
    web: WebContext,
    session: NotOfficer,
    kind: ReportKind,
    day: Annotated[date | None, Query(alias="date")] = None,
    format: Literal["json", "csv", "xlsx", "pdf"] = "json",
) -> ReportBody | Response:
    """Of the day, week or month in which `date` lies; without one, of the last that is over."""
    now = web.deps.clock.now()
    today = now.astimezone(CITY).date()
    of = day or last_whole(kind, today)
    if not FIRST_DAY <= of <= today:
        raise ApiError(422, "bad_report_date")
    with web.reports.place():
        made = await _report(web, kind, of, now, session.name)
        if format == "json":
            return await web.reports.make(_body, made)
        content, media_type = await web.reports.make(_file, made, format, web.deps.settings.report_font)
    await audit.write(web.pool, session.name, "report_exported", f"report/{kind}/{of}", format=format)
    name = f"farwatch-{kind}-{made.span.since.astimezone(CITY):%Y-%m-%d}.{format}"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=disposition)


async def _report(web: Web, kind: ReportKind, day: date, now: datetime, made_by: str) -> Report:
    span = span_of(kind, day, now)
    cases = await report_rows.cases(web.pool, span)
    facts = await report_rows.facts(web.pool, span)
    if kind is ReportKind.MONTHLY:
        month, year = [
            await _figures(web, span_of(kind, d, now)) for d in (before(kind, day), year_before(day))
        ]
        tables = await web.reports.make(monthly, cases, facts, span, month, year, await _visited(web, day))
    else:
        tables = await web.reports.make(daily if kind is ReportKind.DAILY else weekly, cases, facts, span)
    return Report(
        kind=kind,
        span=span,
        made_by=made_by,
        bureau=web.deps.settings.bureau_name,
        drills=sum(c.drill and span.holds(c.opened_at) for c in cases),
        fingerprint=await seals.current_fingerprint(web.pool),
        tables=tables,
    )


async def _visited(web: Web, day: date) -> list[Visited]:
    counts = await visits.month_counts(web.pool, day)
    return [Visited(c.enterprise, c.visits, c.matters, c.warnings_cleared, c.saved) for c in counts]


async def _figures(web: Web, span: Span) -> Figures:
    """Of a month that another is compared with."""
    cases = await report_rows.cases(web.pool, span, bare=True)
    return await web.reports.make(counts_of, cases, span)


def _body(made: Report) -> ReportBody:
    return ReportBody(
        kind=ReportKind(made.kind),
        since=made.span.since,
        until=made.span.until,
        made_at=made.span.now,
        made_by=made.made_by,
        drills=made.drills,
        fingerprint=made.fingerprint,
        tables=[_table(t) for t in made.tables],
        formulas=[FormulaBody(key=f.key, numerator=f.numerator, denominator=f.denominator) for f in FORMULAS],
    )


def _table(table: Table) -> TableBody:
    return TableBody(
        key=table.key,
        columns=[ColumnBody(key=c.key, sort=c.sort) for c in table.columns],
        rows=[[local(cell) if isinstance(cell, datetime) else cell for cell in row] for row in table.rows],
        note=table.note,
        left_out=table.left_out,
    )


def _file(made: Report, format: str, font: Path | None) -> tuple[bytes, str]:
    if format == "csv":
        return BOM + lines(csv_rows(made)), "text/csv; charset=utf-8"
    if format == "xlsx":
        return xlsx.workbook(made), XLSX
    return pdf.paper(made, fonts.font(font)), "application/pdf"


def csv_rows(made: Report) -> Sequence[Sequence[Cell]]:
    """The tables one after the other, each under its name, with a blank line between."""
    rows: list[Sequence[Cell]] = [
        [
            word(f"report.{made.kind}"),
            local(made.span.since),
            local(made.span.until),
            local(made.span.now),
            made.made_by,
        ],
        [word("report.fingerprint"), made.fingerprint],
    ]
    for table in made.tables:
        rows += [
            [],
            [word(f"report.table.{table.key}")],
            [word(f"report.column.{c.key}") for c in table.columns],
        ]
        rows += [
            [_csv_cell(cell, c.sort) for cell, c in zip(row, table.columns, strict=True)]
            for row in table.rows
        ]
    return rows


def _csv_cell(cell: str | float | datetime | None, sort: Sort) -> Cell:
    if isinstance(cell, datetime):
        return local(cell)
    return word(cell) if sort is Sort.WORD and isinstance(cell, str) else cell
