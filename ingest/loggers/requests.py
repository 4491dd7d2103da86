"""A command as the frame that its logger understands: in its dialect, with its system type, password and checksum. Pure."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from farwatch.domain.device import Command, DeviceCommand, StationLink, StationSecret
from farwatch.domain.registry import Station
from ingest.hj212.content import time_text
from ingest.hj212.encode import encode
from ingest.hj212.frame import FrameVerdict

SYSTEMS = {"air": "31", "water": "32", "noise": "36"}
"""ST by a station's medium (HJ 212-2017 table 5), for a station that has not said its own."""
OTHER_SYSTEM = "31"
ASKS_FOR_ANSWER = {2005: 1, 2017: 5, 2025: 9}
"""Flag of a request by dialect (HJ 212-2017 table 3)."""
NEWEST_KNOWN_TO_ALL = 2017

FIELD_ORDER = (
    "PolId", "BeginTime", "EndTime", "OverTime", "ReCount", "RtdInterval", "MinInterval", "SystemTime",
)  # fmt: skip
"""As the standard's examples write them: some devices read by place. The store does not keep an order."""

_NAME = re.compile(r"[0-9A-Za-z-]{1,20}")
_VALUE = re.compile(r"[0-9A-Za-z_.-]{1,64}")


class BadParametersError(ValueError):
    """A parameter that would be another field, or none, in a frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """How a station is spoken to."""

    dialect: int
    system: str
    checksum: FrameVerdict = FrameVerdict.PASS
    password: str = field(repr=False)
    sm4_key: bytes | None = field(default=None, repr=False)


def speech_for(
    station: Station, link: StationLink | None, secret: StationSecret, heard_password: str
) -> Speech:
    """As it was heard last. Where no secret is kept, the password is what its own frames bear."""
    same_way = FrameVerdict.PASS
    if link is not None and link.checksum in (FrameVerdict.MODBUS, FrameVerdict.MODSWAP):
        same_way = FrameVerdict(link.checksum)
    return Speech(
        dialect=NEWEST_KNOWN_TO_ALL if link is None else link.dialect,
        system=(link.system if link is not None else "") or SYSTEMS.get(station.medium, OTHER_SYSTEM),
        checksum=same_way,
        password=secret.password or heard_password,
        sm4_key=secret.sm4_key,
    )


def request(command: DeviceCommand, speech: Speech, now: datetime) -> bytes:
    """The whole frame. A clock is set to `now`, the moment of sending. Raises BadParametersError."""
    parameters = dict(command.parameters)
    if command.command is Command.SET_CLOCK:
        parameters["SystemTime"] = time_text(now)
    for name, value in parameters.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise BadParametersError(name[:20])
    return encode(
        mn=command.mn,
        cn=command.command,
        st=speech.system,
        pw=speech.password,
        qn=command.qn,
        flag=ASKS_FOR_ANSWER[speech.dialect],
        content=";".join(f"{name}={parameters[name]}" for name in sorted(parameters, key=_place)),
        sm4_key=speech.sm4_key,
        crc=speech.checksum,
    )


def _place(name: str) -> tuple[int, str]:
    return (FIELD_ORDER.index(name) if name in FIELD_ORDER else len(FIELD_ORDER), name)
