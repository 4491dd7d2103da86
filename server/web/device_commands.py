"""Commands to a station's data logger: queued here, sent by role intake, and how far each has come."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from farwatch.domain.device import Command, CommandState, DeviceCommand, Way
from farwatch.domain.review import CITY
from farwatch.storage import audit, device_commands
from farwatch.storage.database import transaction
from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.errors import ApiError, errors
from server.web.shapes import Listing, position_of
from server.web.shapes import cursor as cursor_of
from server.web.station_access import KnownStation

router = APIRouter(prefix="/api/v1/stations", tags=["commands"])

MOST_WAITING = 20
LONGEST = {
    Command.FETCH_MINUTES: timedelta(days=7),
    Command.FETCH_HOURS: timedelta(days=62),
    Command.FETCH_DAYS: timedelta(days=400),
}
"""Of one fetch: what a small device can send in half an hour."""
MINUTE_INTERVALS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)


class CommandName(StrEnum):
    """As the API says it: `fetch_hours` for HJ 212's 2061."""

    SET_TIMEOUT = "set_timeout"
    GET_CLOCK = "get_clock"
    SET_CLOCK = "set_clock"
    GET_REALTIME_INTERVAL = "get_realtime_interval"
    SET_REALTIME_INTERVAL = "set_realtime_interval"
    GET_MINUTE_INTERVAL = "get_minute_interval"
    SET_MINUTE_INTERVAL = "set_minute_interval"
    START_REALTIME = "start_realtime"
    STOP_REALTIME = "stop_realtime"
    FETCH_DAYS = "fetch_days"
    FETCH_MINUTES = "fetch_minutes"
    FETCH_HOURS = "fetch_hours"
    SAMPLE_NOW = "sample_now"
    RETAIN_SAMPLE = "retain_sample"


Moment = Annotated[
    AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=CITY), lt=datetime(2100, 1, 1, tzinfo=CITY))
]
"""HJ 212 writes years with four digits; in the first and the last one local time has no date."""


class Parameters(BaseModel, extra="forbid"):
    """`from_at` and `to_at` are starts of periods, both included. `code` is the pollutant whose analyser is meant; without
    it the logger itself, or all analysers. Which are needed depends on the command."""

    from_at: Moment | None = None
    to_at: Moment | None = None
    interval_s: Annotated[int | None, Field(ge=30, le=3600)] = None
    interval_min: Annotated[int | None, Field(ge=1, le=30)] = None
    timeout_s: Annotated[int | None, Field(ge=1, le=99)] = None
    repeats: Annotated[int | None, Field(ge=1, le=99)] = None
    code: Annotated[str | None, Field(pattern=r"^[0-9A-Za-z]{1,12}$")] = None


class NewCommand(BaseModel):
    command: CommandName
    parameters: Parameters = Parameters()


class CommandBody(BaseModel):
    """`parameters` and `answer` are fields as HJ 212 writes them; `reason` names why the state is what it is."""

    id: int
    command: CommandName
    parameters: dict[str, str]
    state: CommandState
    reason: str
    asked_by: str
    asked_at: datetime
    tries: int
    way: Way | None
    sent_at: datetime | None
    confirmed_at: datetime | None
    ended_at: datetime | None
    answer: dict[str, str]


def _local(value: datetime) -> str:
    return f"{value.astimezone(CITY):%Y%m%d%H%M%S}"


_FIELDS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "from_at": ("BeginTime", _local),
    "to_at": ("EndTime", _local),
    "interval_s": ("RtdInterval", str),
    "interval_min": ("MinInterval", str),
    "timeout_s": ("OverTime", str),
    "repeats": ("ReCount", str),
    "code": ("PolId", str),
}
_PERIOD = frozenset({"from_at", "to_at"})
_NEEDED: dict[Command, frozenset[str]] = {
    Command.SET_TIMEOUT: frozenset({"timeout_s", "repeats"}),
    Command.SET_REALTIME_INTERVAL: frozenset({"interval_s"}),
    Command.SET_MINUTE_INTERVAL: frozenset({"interval_min"}),
    Command.FETCH_MINUTES: _PERIOD,
    Command.FETCH_HOURS: _PERIOD,
    Command.FETCH_DAYS: _PERIOD,
}
_POSSIBLE = frozenset({Command.GET_CLOCK, Command.SET_CLOCK, Command.SAMPLE_NOW})
"""Commands that may name one analyser."""


@router.post("/{mn}/commands", status_code=201, responses=errors(401, 403, 404, 409))
async def add_command(web: WebContext, who: NotOfficer, known: KnownStation, body: NewCommand) -> CommandBody:
    """Queues it behind the station's earlier ones. Written to the audit."""
    mn, command = known.station.mn, Command[body.command.name]
    fields = fields_of(command, body.parameters)
    async with transaction(web.pool) as connection:
        if await device_commands.open_count(connection, mn) >= MOST_WAITING:
            raise ApiError(409, "too_many_commands", {"most": MOST_WAITING})
        number = await device_commands.add(connection, mn, command, fields, who.name)
        await audit.write(
            connection, who.name, "device_command", f"station/{mn}", command=body.command, **fields
        )
        (added,) = await device_commands.of_station(connection, mn, 1, before=number + 1)
    return _body(added)


@router.get("/{mn}/commands", responses=errors(401, 403, 404))
async def list_commands(
    web: WebContext,
    _: NotOfficer,
    known: KnownStation,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Listing[CommandBody]:
    """Newest first."""
    before = _before(cursor) if cursor else None
    found = await device_commands.of_station(web.pool, known.station.mn, limit, before)
    return Listing(
        items=[_body(c) for c in found], next=cursor_of(found[-1].id) if len(found) == limit else None
    )


def fields_of(command: Command, parameters: Parameters) -> dict[str, str]:
    """HJ 212's fields. Raises ApiError 422 for what is missing, not meant for the command, or out of bounds."""
    given = {name: getattr(parameters, name) for name in parameters.model_fields_set}
    given = {name: value for name, value in given.items() if value is not None}
    needed = _NEEDED.get(command, frozenset())
    possible = needed | ({"code"} if command in _POSSIBLE else set())
    if missing := sorted(needed - given.keys()):
        raise ApiError(422, "parameter_missing", {"name": missing[0]})
    if odd := sorted(given.keys() - possible):
        raise ApiError(422, "parameter_not_meant", {"name": odd[0]})
    if parameters.interval_min is not None and parameters.interval_min not in MINUTE_INTERVALS:
        raise ApiError(422, "not_an_interval", {"name": "interval_min"})
    if parameters.from_at and parameters.to_at:
        _check_period(command, parameters.from_at, parameters.to_at)
    return {_FIELDS[name][0]: _FIELDS[name][1](given[name]) for name in _FIELDS if name in given}


def _check_period(command: Command, from_at: datetime, to_at: datetime) -> None:
    if to_at < from_at:
        raise ApiError(422, "ends_before_it_begins")
    if to_at - from_at > LONGEST[command]:
        raise ApiError(422, "span_too_long", {"most_days": LONGEST[command].days})


def _before(text: str) -> int:
    position = position_of(text)
    if not position.isdecimal() or len(position) > 18:
        raise ApiError(422, "bad_cursor")
    return int(position)


def _body(command: DeviceCommand) -> CommandBody:
    return CommandBody(
        id=command.id,
        command=CommandName[command.command.name],
        parameters=dict(command.parameters),
        state=command.state,
        reason=command.reason,
        asked_by=command.asked_by,
        asked_at=command.asked_at,
        tries=command.tries,
        way=command.way,
        sent_at=command.sent_at,
        confirmed_at=command.confirmed_at,
        ended_at=command.ended_at,
        answer=dict(command.answer),
    )
