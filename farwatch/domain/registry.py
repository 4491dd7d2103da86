"""The city's registry: who is watched, by what, and who answers. Rows as the bureau's files hold them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from farwatch.domain.place import Area, Position
from farwatch.domain.reading import ReadingKind

if TYPE_CHECKING:
    from farwatch.domain.review import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Enterprise:
    id: str
    name: str
    place: Position
    contact_name: str = ""
    contact_phone: str = ""
    contact_channel: str = ""


class CrcPolicy(StrEnum):
    """Which checksums of a data logger are taken: HJ 212's own; CRC-16/MODBUS too, as many loggers send it; or any."""

    STRICT = "strict"
    ACCEPT_MODBUS = "accept-modbus"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A monitoring point (监测点/排口): one HJ 212 device, named by its MN.

    `credential` names the secrets of its HJ 212 frames (password, SM4 key); empty: frames need no password. `source`
    is the address or network (CIDR) that it must come from over TCP; empty: any. `minute_interval_min` is the period of
    its minute values; None: as observed. `o2_reference_percent` is the standard's reference oxygen (基准氧含量). `certificate`
    is the number of its review (验收备案) or calibration certificate, good up to and with `certificate_until`.
    """

    mn: str
    enterprise: str
    name: str
    place: Position
    medium: str
    drill: bool = False
    crc: CrcPolicy = CrcPolicy.STRICT
    credential: str = ""
    source: str = ""
    minute_interval_min: int | None = None
    o2_reference_percent: float | None = None
    certificate: str = ""
    certificate_until: date | None = None
    calibrated_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One pollutant code of a station. `range_low` and `range_high` are the analyser's span, in `unit`.

    `role` says what it measures where the code does not: o2, flow, temperature, humidity, velocity, load, fan, purifier.
    A channel that was never registered, only heard, is kept and shown and has no limits.
    """

    mn: str
    code: str
    unit: str
    range_low: float | None = None
    range_high: float | None = None
    role: str = ""
    registered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A channel's limit for one kind of reading; `converted` says that the converted value is what counts.

    `warn_share` of the limit is where the early warning begins (1.0: at the limit). In force over [valid_from, valid_to).
    `lower`: a value below it violates too (pH). `schedule` (`HH:MM-HH:MM` in Asia/Shanghai, may pass midnight; empty:
    always) holds for readings whose event time lies in it. `source` is standard and row; `unverified` says that nobody
    has compared it with the standard's text yet.
    """

    mn: str
    code: str
    unit: str
    kind: ReadingKind
    limit: float | None
    converted: bool = False
    warn_share: float = 1.0
    valid_from: datetime
    valid_to: datetime | None = None
    lower: float | None = None
    schedule: str = ""
    source: str = ""
    unverified: bool = False


class Transport(StrEnum):
    """How a camera's packets travel: inside the RTSP connection, as datagrams, or so only when the camera refuses the first."""

    AUTO = "auto"
    TCP = "tcp"
    UDP = "udp"


class ReaderKind(StrEnum):
    """Who reads a camera: our own reader, or FFmpeg's demuxer for one that ours does not get on with."""

    OWN = "own"
    FFMPEG = "ffmpeg"


class Attendance(StrEnum):
    """Whether a camera is watched all the time, or in turns with others."""

    ALWAYS = "always"
    PATROL = "patrol"


DEFAULT_START_KEY = "data.rtsp"
"""Where WVP's answer to /api/play/start has the RTSP address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """`ptz`: it is steered, so where it looks is nobody's fault.

    With a `start_url` the camera sends only when asked: that HTTP address starts the stream and answers JSON that has the
    RTSP address under `start_key` (names joined by dots); its host is that of `start_url` or of `url`. `stop_url` lets the
    stream go; `start_credential` names the header (user) and its value (password) that both want. `certificate` as of a station.
    """

    id: str
    name: str
    enterprise: str | None
    place: Position
    heading_deg: float | None
    url: str
    credential: str = ""
    drill: bool = False
    transport: Transport = Transport.AUTO
    reader: ReaderKind = ReaderKind.OWN
    watch: Attendance = Attendance.ALWAYS
    ptz: bool = False
    start_url: str = ""
    stop_url: str = ""
    start_key: str = DEFAULT_START_KEY
    start_credential: str = ""
    certificate: str = ""
    certificate_until: date | None = None
    calibrated_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A polygon in a camera's picture, points as shares (0-1) of width and height.

    `purpose`: ground, sky and stack say what is looked for there; mask says that nobody looks there, whatever else is drawn.
    """

    camera: str
    name: str
    purpose: str
    polygon: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A responsible grid (责任网格) and the team that answers for it; `street` is its street office (街道), if known."""

    id: str
    name: str
    team: str
    area: Area
    street: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    id: str
    name: str
    lead: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """`shift` is `HH:MM-HH:MM` in Asia/Shanghai (may pass midnight), `always`, or empty: never on shift.

    `contact_channel` names the messenger by which he is told beside his page; `badge` is the number of his 执法证.
    """

    id: str
    name: str
    team: str
    phone: str
    place: Position
    shift: str
    skills: frozenset[str] = frozenset()
    contact_channel: str = ""
    badge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All that is active, keyed by id, as of `version`. `limits` hold every validity period of an active channel.

    `marks` are declared conditions of the works by station: no part of the bureau's files.
    """

    version: int = 0
    enterprises: Mapping[str, Enterprise] = field(default_factory=dict)
    stations: Mapping[str, Station] = field(default_factory=dict)
    channels: Mapping[tuple[str, str], Channel] = field(default_factory=dict)
    limits: Mapping[tuple[str, str], tuple[Limit, ...]] = field(default_factory=dict)
    marks: "Mapping[str, tuple[Mark, ...]]" = field(default_factory=dict)
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    zones: Mapping[str, tuple[Zone, ...]] = field(default_factory=dict)
    grids: Mapping[str, Grid] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    officers: Mapping[str, Officer] = field(default_factory=dict)
