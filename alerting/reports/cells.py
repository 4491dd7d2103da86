"""Cells as people read them on paper, in zh-CN. Pure."""

from datetime import datetime

from alerting.reports.tables import Cell, Report, Sort
from alerting.reports.words import say, word
from farwatch.domain.review import CITY

NOTHING = "—"


def shown(cell: Cell, sort: Sort) -> str:
    """A count whole, a share with one decimal of a percent, seconds as minutes and seconds, a moment in the city's time."""
    match sort, cell:
        case _, None:
            return NOTHING
        case Sort.WORD, str():
            return word(cell)
        case Sort.SHARE, int() | float():
            return f"{cell * 100:.1f} %"
        case Sort.SECONDS, int() | float():
            return span(float(cell))
        case _, datetime():
            return moment(cell)
        case _:
            return str(cell)


def span(seconds: float) -> str:
    """`0:07`, `12:34`, `1:02:03`; before zero with a minus."""
    whole = round(abs(seconds))
    hours, minutes = divmod(whole // 60, 60)
    text = f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
    return f"-{text}" if seconds < 0 and whole else text


def moment(at: datetime) -> str:
    return f"{at.astimezone(CITY):%Y-%m-%d %H:%M}"


def title(report: Report) -> str:
    return word(f"report.{report.kind}")


def facts_of(report: Report) -> tuple[tuple[str, str], ...]:
    """What stands over every report: name and value."""
    bureau = ((word("report.bureau"), report.bureau),) if report.bureau else ()
    return (
        *bureau,
        (word("report.period"), f"{moment(report.span.since)} – {moment(report.span.until)}"),
        (word("report.as_of"), moment(report.span.now)),
        (word("report.made_by"), report.made_by),
        (word("report.fingerprint"), report.fingerprint or word("report.no_fingerprint")),
        (word("report.drills"), say("report.drills_out", n=report.drills)),
    )
