"""The columns of the registry's CSV files, and what a row of each becomes."""

from ipaddress import ip_network
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from farwatch.domain.place import Position
from farwatch.domain.registry import (
    DEFAULT_START_KEY,
    Attendance,
    Camera,
    CrcPolicy,
    Enterprise,
    Officer,
    ReaderKind,
    Station,
    Team,
    Transport,
)
from server.registry.cells import (
    Device,
    Identifier,
    Name,
    Number,
    OptionalDay,
    OptionalIdentifier,
    Phone,
    Shift,
    Text,
    Truth,
    identifier,
    narrow,
    optional_identifier,
    optional_number,
)
from server.registry.channel_rows import HEADER as CHANNEL_HEADER
from server.registry.channel_rows import ChannelRow
from server.registry.row import Row

CHINA_LAT, CHINA_LON = (3.0, 54.0), (73.0, 136.0)


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


def _crc(cell: object) -> str:
    return narrow(cell).lower().replace("_", "-") or CrcPolicy.STRICT.value


def _credential(cell: object) -> str:
    return optional_identifier(cell) or ""


def _network(cell: object) -> str:
    """An address, or a network as CIDR; either IP version."""
    word = narrow(cell)
    if not word:
        return ""
    try:
        network = ip_network(word if "%" not in word else "")  # an interface's name means nothing here
    except ValueError:
        raise ValueError(f"{word!r} is neither an IP address nor a network such as 10.1.2.0/24") from None
    is_one = network.prefixlen == network.max_prefixlen
    return str(network.network_address if is_one else network)


def _interval(cell: object) -> int | None:
    value = optional_number(cell)
    if value is not None and value not in range(1, 61):
        raise ValueError(f"{value:g} is not a whole number of minutes from 1 to 60")
    return None if value is None else int(value)


def _oxygen(cell: object) -> float | None:
    value = optional_number(cell)
    if value is not None and not 0 <= value < 21:
        raise ValueError(f"{value:g} is not from 0 to below 21 %")
    return value


class StationRow(_Placed):
    mn: Device
    enterprise: Identifier
    name: Name
    medium: Name
    drill: Truth = False
    crc: Annotated[CrcPolicy, BeforeValidator(_crc)] = CrcPolicy.STRICT
    credential: Annotated[str, BeforeValidator(_credential)] = ""
    source: Annotated[str, BeforeValidator(_network)] = ""
    minute_interval_min: Annotated[int | None, BeforeValidator(_interval)] = None
    o2_reference_percent: Annotated[float | None, BeforeValidator(_oxygen)] = None
    certificate: Text = ""
    certificate_until: OptionalDay = None
    calibrated_on: OptionalDay = None

    def value(self) -> Station:
        return Station(place=self.place, **self.model_dump(exclude={"lat", "lon"}))


def _stream_url(cell: object) -> str:
    value = str(cell).strip()
    try:
        parts = urlsplit(value)
        host, secret, _ = parts.hostname, parts.password or parts.username, parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme == "rtsps":
        raise ValueError("is rtsps://, which is not read: use rtsp:// in a network of your own, or a gateway")
    if parts.scheme != "rtsp" or not host or any(c.isspace() or ord(c) < 32 for c in value):
        raise ValueError("must be rtsp://HOST[:PORT]/PATH")
    if secret:
        raise ValueError("holds a user or password: put them into secrets.toml and name them in credential")
    return value


def _transport(cell: object) -> str:
    return narrow(cell).lower() or Transport.AUTO.value


def _reader(cell: object) -> str:
    return narrow(cell).lower() or ReaderKind.OWN.value


def _watch(cell: object) -> str:
    return narrow(cell).lower() or Attendance.ALWAYS.value


def _platform_url(cell: object) -> str:
    value = str(cell).strip()
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        host, secret, _ = parts.hostname, parts.password or parts.username, parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() or ord(c) < 32 for c in value):
        raise ValueError("must be http://HOST[:PORT]/PATH or https://…")
    if secret:
        raise ValueError("holds a user or password: put them into secrets.toml, named in start_credential")
    return value


def _start_key(cell: object) -> str:
    value = narrow(cell) or DEFAULT_START_KEY
    if not all(value.split(".")):
        raise ValueError(f"{value!r} is no list of names joined by dots, such as {DEFAULT_START_KEY}")
    return value


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
    transport: Annotated[Transport, BeforeValidator(_transport)] = Transport.AUTO
    reader: Annotated[ReaderKind, BeforeValidator(_reader)] = ReaderKind.OWN
    watch: Annotated[Attendance, BeforeValidator(_watch)] = Attendance.ALWAYS
    ptz: Truth = False
    start_url: Annotated[str, BeforeValidator(_platform_url), Field(max_length=500)] = ""
    stop_url: Annotated[str, BeforeValidator(_platform_url), Field(max_length=500)] = ""
    start_key: Annotated[str, BeforeValidator(_start_key), Field(max_length=100)] = DEFAULT_START_KEY
    start_credential: Annotated[str, BeforeValidator(_credential)] = ""
    certificate: Text = ""
    certificate_until: OptionalDay = None
    calibrated_on: OptionalDay = None

    @model_validator(mode="after")
    def _starts_before_it_stops(self) -> Self:
        if not self.start_url and (self.stop_url or self.start_credential):
            raise ValueError("start_url: is empty, but there is a stop_url or start_credential")
        return self

    def value(self) -> Camera:
        return Camera(place=self.place, **self.model_dump(exclude={"lat", "lon"}))


class TeamRow(Row):
    id: Identifier
    name: Name
    lead: OptionalIdentifier = None

    def value(self) -> Team:
        return Team(**self.model_dump())


def _skills(cell: object) -> frozenset[str]:
    """Words by blanks; each is named by `[[dispatch.skill]]` of policy.toml."""
    return frozenset(identifier(word) for word in narrow(cell).split())


class OfficerRow(_Placed):
    id: Identifier
    name: Name
    team: Identifier
    phone: Phone = ""
    shift: Shift = ""
    skills: Annotated[frozenset[str], BeforeValidator(_skills)] = frozenset()
    contact_channel: Text = ""
    badge: Text = ""

    def value(self) -> Officer:
        return Officer(place=self.place, **self.model_dump(exclude={"lat", "lon"}))


CAMERA_HEADER = (
    "id,name,enterprise,lat,lon,heading_deg,url,credential,drill,transport,reader,watch,ptz,start_url,stop_url,start_key,"
    "start_credential,certificate,certificate_until,calibrated_on"
)
STATION_HEADER = (
    "mn,enterprise,name,lat,lon,medium,drill,crc,credential,source,minute_interval_min,o2_reference_percent,"
    "certificate,certificate_until,calibrated_on"
)
HEADERS: dict[str, tuple[type[Row], str]] = {
    "enterprises.csv": (EnterpriseRow, "id,name,lat,lon,contact_name,contact_phone,contact_channel"),
    "stations.csv": (StationRow, STATION_HEADER),
    "channels.csv": (ChannelRow, CHANNEL_HEADER),
    "cameras.csv": (CameraRow, CAMERA_HEADER),
    "teams.csv": (TeamRow, "id,name,lead"),
    "officers.csv": (OfficerRow, "id,name,team,phone,lat,lon,shift,skills,contact_channel,badge"),
}
"""Every CSV file, with its columns in the order in which an export writes them."""


def columns(file: str) -> dict[str, bool]:
    """The file's columns in order; True: the file must have it."""
    row, header = HEADERS[file]
    return {name: row.model_fields[name].is_required() for name in header.split(",")}
