"""Transmission and validity rates (传输率, 有效率) of stations and enterprises."""

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from farwatch.domain.rates import Rates, together
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Registry
from farwatch.domain.review import CITY, DUE_AFTER
from farwatch.storage import rates as store
from server.spreadsheet import Cell
from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.csv_answer import CSV_TOO, CsvWanted, csv_answer
from server.web.errors import ApiError, errors
from server.web.shapes import Named, enterprise_named
from server.web.station_access import Day, midnight, month_of

router = APIRouter(prefix="/api/v1/rates", tags=["reviews"])

LONGEST = timedelta(days=366)
SETTLES_AFTER = DUE_AFTER[ReadingKind.HOUR] + timedelta(minutes=5)
"""So long after its end an hour has been reviewed."""
_COLUMNS = (
    "enterprise", "enterprise_name", "mn", "station_name", "expected", "sent", "valid", "stopped", "transmission", "validity",
    "effective",
)  # fmt: skip


class RatesBody(BaseModel):
    """Channel-hours and their shares (0-1), null where there is nothing to divide by; `effective` is their product."""

    expected: int
    sent: int
    valid: int
    stopped: int
    transmission: float | None
    validity: float | None
    effective: float | None


class StationRates(RatesBody):
    station: Named
    enterprise: Named


class EnterpriseRates(RatesBody):
    enterprise: Named


class RatesReport(BaseModel):
    """Over the whole hours of [since, until) that have been reviewed, a quarter of an hour after their end."""

    since: datetime
    until: datetime
    stations: list[StationRates]
    enterprises: list[EnterpriseRates]


@router.get("", responses={**errors(401, 403), **CSV_TOO}, response_model=RatesReport)
async def rates(
    web: WebContext,
    _: NotOfficer,
    csv: CsvWanted,
    since: Annotated[Day | None, Query(alias="from")] = None,
    until: Annotated[Day | None, Query(alias="to")] = None,
) -> RatesReport | StreamingResponse:
    """`from` and `to` are days of the city, `to` not included; this month when both are left out. At most 366 days."""
    now = web.deps.clock.now()
    month = month_of(now.astimezone(CITY).date())
    begin = midnight(since) if since else month[0]
    settled = (now - SETTLES_AFTER).replace(minute=0, second=0, microsecond=0)
    end = min(midnight(until) if until else month[1], settled)
    if end - begin > LONGEST:
        raise ApiError(422, "span_too_long", {"most_days": LONGEST.days})
    found = await store.of_stations(web.pool, begin, max(begin, end))
    report = _report(found, await web.registry.current(), begin, max(begin, end))
    return await csv_answer(f"rates-{begin:%Y-%m-%d}", _COLUMNS, _csv_pages(report)) if csv else report


def _report(found: dict[str, Rates], registry: Registry, since: datetime, until: datetime) -> RatesReport:
    by_enterprise: dict[str, list[Rates]] = defaultdict(list)
    stations = []
    for mn, counted in found.items():
        if station := registry.stations.get(mn):
            by_enterprise[station.enterprise].append(counted)
            named = Named(id=mn, name=station.name)
            enterprise = enterprise_named(registry, station.enterprise)
            stations.append(StationRates(**_fields(counted), station=named, enterprise=enterprise))
    return RatesReport(
        since=since,
        until=until,
        stations=stations,
        enterprises=[
            EnterpriseRates(**_fields(together(every)), enterprise=enterprise_named(registry, enterprise))
            for enterprise, every in sorted(by_enterprise.items())
        ],
    )


def _fields(r: Rates) -> dict[str, Any]:
    return {
        "expected": r.expected,
        "sent": r.sent,
        "valid": r.valid,
        "stopped": r.stopped,
        "transmission": r.transmission,
        "validity": r.validity,
        "effective": r.effective,
    }


async def _csv_pages(report: RatesReport) -> AsyncIterator[list[list[Cell]]]:
    yield [
        [s.enterprise.id, s.enterprise.name, s.station.id, s.station.name, s.expected, s.sent, s.valid, s.stopped,
         s.transmission, s.validity, s.effective]
        for s in report.stations
    ]  # fmt: skip
