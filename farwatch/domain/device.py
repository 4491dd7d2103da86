"""What is said to a data logger (数采仪) and what it says back: commands, replies, and the secrets of its frames."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSecret:
    """`password` is HJ 212's PW (empty: none is asked for), `sm4_key` its 16 bytes (None: frames are in clear)."""

    password: str = field(default="", repr=False)
    sm4_key: bytes | None = field(default=None, repr=False)


StationSecrets: TypeAlias = Mapping[str, StationSecret]
"""By the credential's name that a station's registry row gives."""


@dataclass(frozen=True, slots=True)
class DeviceReply:
    """A packet without readings: 9011, 9012, 9013, the answer to a question, a log. `qn` names the exchange, empty where
    the device gave none; `content` is its data area, field by field."""

    mn: str
    cn: str
    qn: str
    content: Mapping[str, str]
    received_at: datetime


class Way(StrEnum):
    """How a station's HJ 212 frames come and commands go: over TCP, or wrapped in MQTT."""

    TCP = "tcp"
    MQTT = "mqtt"


class Command(StrEnum):
    """What can be asked of a logger; the numbers are HJ 212's CN."""

    SET_TIMEOUT = "1000"
    GET_CLOCK = "1011"
    SET_CLOCK = "1012"
    GET_REALTIME_INTERVAL = "1061"
    SET_REALTIME_INTERVAL = "1062"
    GET_MINUTE_INTERVAL = "1063"
    SET_MINUTE_INTERVAL = "1064"
    START_REALTIME = "2011"
    STOP_REALTIME = "2012"
    FETCH_DAYS = "2031"
    FETCH_MINUTES = "2051"
    FETCH_HOURS = "2061"
    SAMPLE_NOW = "3012"
    RETAIN_SAMPLE = "3015"


class CommandState(StrEnum):
    """From QUEUED over SENT and CONFIRMED (9011) to an end: DONE (9012, or 9013 for a notice), ANSWERED (the data came,
    a 9012 never did), REFUSED by the device, TIMED_OUT, or UNREACHABLE (no way to the device)."""

    QUEUED = "queued"
    SENT = "sent"
    CONFIRMED = "confirmed"
    DONE = "done"
    ANSWERED = "answered"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"


OPEN = (CommandState.QUEUED, CommandState.SENT, CommandState.CONFIRMED)
"""States in which a command still waits for something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCommand:
    """A command to the station `mn` and how far it has come; `parameters` are HJ 212 fields (BeginTime, RtdInterval, …).

    `qn` names the exchange from the first try on, every further try says the same. `reason` says why the state is what it
    is; `answer` is what the device said. All times are PostgreSQL's.
    """

    id: int
    mn: str
    command: Command
    parameters: Mapping[str, str]
    asked_by: str
    asked_at: datetime
    state: CommandState = CommandState.QUEUED
    reason: str = ""
    qn: str = ""
    tries: int = 0
    way: Way | None = None
    sent_at: datetime | None = None
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None
    answer: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StationLink:
    """How a station was heard last: the way, the dialect (2005, 2017, 2025), its system type (HJ 212's ST), which checksum
    matched (pass, modbus, modswap, fail) and, over TCP, from which address."""

    mn: str
    way: Way
    dialect: int
    system: str
    checksum: str
    address: str
    heard_at: datetime
