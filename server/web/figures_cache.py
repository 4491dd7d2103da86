"""The day's figures, counted once for all who ask, by the reports' formulas."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from alerting.reports.figures import FORMULAS, by, counted, total
from alerting.reports.periods import ReportKind, span_of
from farwatch.domain.case import Case, Span
from farwatch.domain.review import CITY
from farwatch.storage import report_rows
from farwatch.storage.camera_status import STALE_AFTER_S
from farwatch.storage.city_now import CityNow, city_now
from farwatch.storage.database import Pool

FRESH_S = 5.0
_RATES = {f.key: f for f in FORMULAS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Since `since`: what the daily report of this day says as of now (docs/reference/reports.md); `open` is now.

    Shares are null while nothing has fallen due. Response is from t1 to the acceptance. `readings` are those written today. A
    station reports when one of its channels was heard in the last 15 minutes.
    """

    since: datetime
    opened: int
    open: int
    closed: int
    by_kind: dict[str, int]
    accepted_within_5min_share: float | None
    arrived_within_10min_share: float | None
    response_p50_s: float | None
    response_p90_s: float | None
    false_alarms: int
    readings: int
    cameras_online: int
    cameras_total: int
    stations_reporting: int
    stations_total: int


class FiguresCache:
    """Asked once for all walls, at most each FRESH_S seconds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counting = asyncio.Lock()
        self._figures: Figures | None = None
        self._counted_at_s = float("-inf")

    async def today(self, now: datetime, now_s: float) -> Figures:
        """Raises TooManyCasesError."""
        async with self._counting:
            span = span_of(ReportKind.DAILY, now.astimezone(CITY).date(), now)
            old = self._figures is None or self._figures.since != span.since
            if self._figures is None or old or now_s - self._counted_at_s >= FRESH_S:
                cases = await report_rows.cases(self._pool, span, bare=True)
                city = await city_now(self._pool, now, STALE_AFTER_S)
                self._figures = await asyncio.to_thread(figures_of, cases, span, city)
                self._counted_at_s = now_s
            return self._figures


def figures_of(cases: Sequence[Case], span: Span, city: CityNow) -> Figures:
    marked = counted(cases, span)
    whole = total(marked, ("answer",))
    return Figures(
        since=span.since.astimezone(CITY),
        opened=whole.counts["opened"],
        open=whole.counts["open_at_end"],
        closed=whole.counts["closed"],
        by_kind={
            str(kind): n
            for kind, figures in sorted(by(marked, lambda c: c.kinds).items())
            if (n := figures.counts["opened"])
        },
        accepted_within_5min_share=whole.rate(_RATES["answered_5_rate"]),
        arrived_within_10min_share=whole.rate(_RATES["arrived_10_rate"]),
        response_p50_s=whole.rank("answer", 0.5),
        response_p90_s=whole.rank("answer", 0.9),
        false_alarms=whole.counts["false_alarms"],
        **asdict(city),
    )
