"""Who may look at a station's rows: everybody but officers; an officer while he has a task there."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import Depends, Path, Query

from farwatch.domain.registry import Enterprise, Station
from farwatch.domain.review import CITY
from farwatch.storage import curves, task_views
from farwatch.storage.database import Record
from server.web.authentication import SignedIn
from server.web.context import WebContext
from server.web.errors import not_found

Mn = Annotated[str, Path(max_length=64, pattern=r"^[^\x00]+$")]
Code = Annotated[str, Query(max_length=32, pattern=r"^[^\x00]+$")]
Day = Annotated[date, Query(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
"""A day of the city, Asia/Shanghai."""


async def _station(web: WebContext, session: SignedIn, mn: Mn) -> str:
    if session.officer and not await task_views.sees_subject(web.pool, session.officer, station=mn):
        raise not_found()
    return mn


StationSeen = Annotated[str, Depends(_station)]
"""The MN of a station that this session may look at; that there is one at all is for the route to see."""


async def _channel(web: WebContext, mn: StationSeen, code: Code) -> Record:
    channel = await curves.channel(web.pool, mn, code)
    if channel is None:
        raise not_found()
    return channel


ChannelSeen = Annotated[Record, Depends(_channel)]
"""`id` and `unit`."""


@dataclass(frozen=True, slots=True)
class Known:
    """A registered station with its enterprise; None for an enterprise that is no longer active."""

    station: Station
    enterprise: Enterprise | None


async def _known(web: WebContext, mn: StationSeen) -> Known:
    registry = await web.registry.current()
    station = registry.stations.get(mn)
    if station is None:
        raise not_found()
    return Known(station, registry.enterprises.get(station.enterprise))


KnownStation = Annotated[Known, Depends(_known)]


def midnight(day: date) -> datetime:
    """When a day of the city begins."""
    return datetime.combine(day, time(), CITY)


def month_of(day: date) -> tuple[datetime, datetime]:
    """[begin, end) of the month that `day` lies in."""
    first = day.replace(day=1)
    return midnight(first), midnight((first + timedelta(days=32)).replace(day=1))
