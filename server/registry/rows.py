"""The columns of the registry's CSV files, and what a row of each becomes."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from farwatch.domain.place import Position
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Camera, Enterprise, Limit, Officer, Station, Team
from server.registry.cells import (
    ALWAYS_VALID_FROM,
    Device,
    Identifier,
    Instant,
    Name,
    Number,
    OptionalIdentifier,
    OptionalNumber,
    Phone,
    Shift,
    Text,
    Truth,
    narrow,
    optional_identifier,
    optional_number,
)

CHINA_LAT, CHINA_LON = (3.0, 54.0), (73.0, 136.0)


class Row(BaseModel):
    """A validator over several columns begins its message with the column to look at, and a colon."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Placed(Row):
    lat: Number
    lon: Number

    @model_validator(mode="after")
    def _on_earth(self) -> Self:
        swapped = _within(self.lat, CHINA_LON) and _within(self.lon, CHINA_LAT)
        hint = ": lat and lon look swapped" if swapped else ""
        if swapped or not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError(f"lat: {self.lat:g} with lon {self.lon:g} is not a position{hint}")
        return self

    @property
    def place(self) -> Position:
        return Position(self.lat, self.lon)


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


class EnterpriseRow(_Placed):
    id: Identifier
    name: Name
    contact_name: Text = ""
    contact_phone: Phone = ""
    contact_channel: Text = ""

    def value(self) -> Enterprise:
        return Enterprise(place=self.place, **self.model_dump(exclude={"lat", "lon"}))


class StationRow(_Placed):
    mn: Device
    enterprise: Identifier
    name: Name
    medium: Name
    drill: Truth = False

    def value(self) -> Station:
        return Station(place=self.place, **self.model_dump(exclude={"lat", "lon"}))


def _limit_kind(cell: object) -> str:
    return narrow(cell).lower()


def _warn_share(cell: object) -> object:
    return cell if narrow(cell) else "1"


class ChannelRow(Row):
    """An empty limit says: measured, but no limit. Such a row may leave limit_kind empty too; it then says rtd."""

    mn: Device
    code: Device
    unit: Name
    limit: OptionalNumber
    limit_kind: Annotated[Literal["rtd", "min", "hour", "day", ""], BeforeValidator(_limit_kind)]
    converted: Truth = False
    warn_share: Annotated[Number, BeforeValidator(_warn_share), Field(gt=0, le=1)] = 1.0
    valid_from: Instant = ALWAYS_VALID_FROM

    @model_validator(mode="after")
    def _limit_makes_sense(self) -> Self:
        if self.limit is not None and self.limit <= 0:
            raise ValueError("limit: must be above 0; leave it empty where there is none")
        if self.limit is not None and not self.limit_kind:
            raise ValueError("limit_kind: must say which readings the limit is for: rtd, min, hour or day")
        return self

    def value(self) -> Limit:
        return Limit(
            mn=self.mn,
            code=self.code,
            unit=self.unit,
            kind=ReadingKind(self.limit_kind or "rtd"),
            limit=self.limit,
            converted=self.converted,
            warn_share=self.warn_share,
            valid_from=self.valid_from,
        )


def _stream_url(cell: object) -> str:
    value = str(cell).strip()
    try:
        parts = urlsplit(value)
        host, secret, _ = parts.hostname, parts.password or parts.username, parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in ("rtsp", "rtsps") or not host or any(c.isspace() or ord(c) < 32 for c in value):
        raise ValueError("must be rtsp://HOST[:PORT]/PATH or rtsps://…")
    if secret:
        raise ValueError("holds a user or password: put them into secrets.toml and name them in credential")
    return value


def _credential(cell: object) -> str:
    return optional_identifier(cell) or ""


def _heading(cell: object) -> float | None:
    value = optional_number(cell)
    if value is not None and not 0 <= value <= 360:
        raise ValueError(f"{value:g} is not between 0 and 360 degrees")
    return value


class CameraRow(_Placed):
    id: Identifier
    name: Name
    enterprise: OptionalIdentifier = None
    heading_deg: Annotated[float | None, BeforeValidator(_heading)] = None
    url: Annotated[str, BeforeValidator(_stream_url), Field(max_length=500)]
    credential: Annotated[str, BeforeValidator(_credential)] = ""
    drill: Truth = False

    def value(self) -> Camera:
        return Camera(place=self.place, **self.model_dump(exclude={"lat", "lon"}))


class TeamRow(Row):
    id: Identifier
    name: Name
    lead: OptionalIdentifier = None

    def value(self) -> Team:
        return Team(**self.model_dump())


class OfficerRow(_Placed):
    id: Identifier
    name: Name
    team: Identifier
    phone: Phone = ""
    shift: Shift = ""

    def value(self) -> Officer:
        return Officer(place=self.place, **self.model_dump(exclude={"lat", "lon"}))


HEADERS: dict[str, tuple[type[Row], str]] = {
    "enterprises.csv": (EnterpriseRow, "id,name,lat,lon,contact_name,contact_phone,contact_channel"),
    "stations.csv": (StationRow, "mn,enterprise,name,lat,lon,medium,drill"),
    "channels.csv": (ChannelRow, "mn,code,unit,limit,limit_kind,converted,warn_share,valid_from"),
    "cameras.csv": (CameraRow, "id,name,enterprise,lat,lon,heading_deg,url,credential,drill"),
    "teams.csv": (TeamRow, "id,name,lead"),
    "officers.csv": (OfficerRow, "id,name,team,phone,lat,lon,shift"),
}
"""Every CSV file, with its columns in the order in which an export writes them."""


def columns(file: str) -> dict[str, bool]:
    """The file's columns in order; True: the file must have it."""
    row, header = HEADERS[file]
    return {name: row.model_fields[name].is_required() for name in header.split(",")}
