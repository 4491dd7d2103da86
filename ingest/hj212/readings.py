"""What a packet measured: values of codes for one time, by the command that sent them."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import isfinite

from farwatch.domain.reading import LARGEST_VALUE, NORMAL_FLAG, ReadingKind
from ingest.hj212.packet import Malformed, Packet

KINDS: dict[str, ReadingKind] = {
    "2011": ReadingKind.RTD,
    "2021": ReadingKind.RTD,
    "2052": ReadingKind.RTD,
    "2051": ReadingKind.MIN,
    "2111": ReadingKind.MIN,
    "2061": ReadingKind.HOUR,
    "2031": ReadingKind.DAY,
    "2041": ReadingKind.DAY,
}
"""Real-time values, equipment states, single measurements of noise (2025), minutes, furnace temperatures (2025), hours, days,
equipment's hours of a day. Raw data (2013) and standard checks (2062) of 2025 are no readings: nobody said of what time."""

_SUFFIXES: dict[str, tuple[str, str]] = {
    "Rtd": ("rtd", ""),
    "td": ("rtd", ""),  # a typo in the standard's neighbourhood that devices copied
    "Avg": ("mean", ""),
    "Data": ("mean", ""),
    "RS": ("rtd", ""),
    "RT": ("mean", ""),
    "DayData": ("mean", "_day"),
    "NightData": ("mean", "_night"),
    "ZsRtd": ("rtd_converted", ""),
    "ZsAvg": ("mean_converted", ""),
    "Min": ("minimum", ""),
    "Max": ("maximum", ""),
    "Cou": ("amount", ""),
}
"""Suffix -> which value it is, and what it adds to the code. Others (ZsMin, EFlag, SampleTime, ID ...) are no values."""
_FOLDED = {suffix.lower(): meaning for suffix, meaning in _SUFFIXES.items()}

_BARE_CODE = re.compile(r"[waeg]\d{4,5}\w?|[BS]?\d{2,3}|L(?:[A-Z]|eq|d|n|dn|\d\d?)", re.ASCII)
"""A code without a suffix, as some loggers send it; other names without one are settings."""
_CODE = re.compile(r"[A-Za-z0-9_]{1,20}")
_FLAG = re.compile(r"[A-Za-z0-9]{1,4}")
_COMMON_FLAG = re.compile(r"[A-Za-z]")
"""`Flag=D` without a code: of all that have none of their own. (A digit there is the packet's Flag, in the wrong place.)"""
UNREADABLE_FLAG = "?"
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Said:
    """One code of a sample. `converted` is at reference oxygen (折算); `amount` what passed in the period."""

    code: str
    value: float
    flag: str = NORMAL_FLAG
    converted: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    amount: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """`ts` in UTC, for minutes, hours and days the period's start. `left_out` are the fields that were not taken, each
    with its reason: not_a_number, not_finite, too_large, bad_code, repeated (the first counts: devices repeat a flow's code for
    its totaliser), no_value (a code with a minimum, maximum or converted value only), another_time (a second DataTime)."""

    kind: ReadingKind
    ts: datetime
    channels: tuple[Said, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def readings_of(packet: Packet) -> Sample | Malformed | None:
    """None: the packet measures nothing (a request, a reply, a heartbeat). Malformed: it does, but without a time."""
    kind = KINDS.get(packet.cn)
    if kind is None:
        return None
    gathered = _Gathered()
    for name, text in packet.content:
        if (field := _known_field(name) if len(name) <= _LONGEST_NAME else _field(name)) is not None:
            gathered.take(name, *field, text)
    channels = gathered.said(kind)
    if not channels and not gathered.left_out:
        return None
    ts = packet.data_at
    if len({text for name, text in packet.content if name == "DataTime"}) > 1:
        gathered.left_out.append(("DataTime", "another_time"))
    if ts is None:
        written = packet.field("DataTime")
        return Malformed("no_data_time" if written is None else "bad_data_time", (written or "")[:80])
    return Sample(kind, ts, channels, tuple(gathered.left_out))


def _field(name: str) -> tuple[str, str] | None:
    """The code and which of its values `name` is (`flag`, `bad_code`); None: no value."""
    code, dash, suffix = name.rpartition("-")
    if suffix.lower() == "flag":
        return code, "flag"
    if not dash:
        return (name, "rtd") if _BARE_CODE.fullmatch(name) else None
    meaning = _SUFFIXES.get(suffix) or _FOLDED.get(suffix.lower())
    if meaning is None:
        return None
    which, addition = meaning
    return (code + addition, which) if _CODE.fullmatch(code) else (code, "bad_code")


_known_field = lru_cache(maxsize=4096)(_field)
"""Devices say the same names all day."""


class _Gathered:
    """The values of each code, in the order in which the codes come."""

    def __init__(self) -> None:
        self.left_out: list[tuple[str, str]] = []
        self._values: dict[str, dict[str, float]] = {}
        self._flags: dict[str, str] = {}
        self._spoilt: set[str] = set()

    def take(self, name: str, code: str, which: str, text: str) -> None:
        if which == "flag":
            if code or _COMMON_FLAG.fullmatch(text):
                self._flags.setdefault(code, text)
            return
        number = _number(text) if which != "bad_code" else which
        if isinstance(number, str):
            self.left_out.append((name, number))
            self._spoilt.add(code)
        elif (fields := self._values.get(code)) is None:
            self._values[code] = {which: number}
        elif which in fields:
            self.left_out.append((name, "repeated"))
        else:
            fields[which] = number

    def said(self, kind: ReadingKind) -> tuple[Said, ...]:
        first, second = ("rtd", "mean") if kind is ReadingKind.RTD else ("mean", "rtd")
        first_converted, second_converted = f"{first}_converted", f"{second}_converted"
        channels = []
        for code, fields in self._values.items():
            get = fields.get
            value = get(first, get(second))
            if value is not None:
                converted = get(first_converted, get(second_converted))
                minimum, maximum, amount = get("minimum"), get("maximum"), get("amount")
                channels.append(Said(code, value, self._flag(code), converted, minimum, maximum, amount))
            elif fields.keys() == {"amount"} and code not in self._spoilt:
                channels.append(Said(f"{code}_Cou", fields["amount"], self._flag(code)))
            else:
                self.left_out.append((code, "no_value"))
        return tuple(channels)

    def _flag(self, code: str) -> str:
        """None or an empty one is normal; one that cannot be a flag is not. A day's and a night's value share one."""
        flags = self._flags
        shared = code.removesuffix("_day").removesuffix("_night")
        text = flags.get(code) or flags.get(shared) or flags.get("")
        if not text or text == NORMAL_FLAG:
            return NORMAL_FLAG
        return text.upper() if _FLAG.fullmatch(text) else UNREADABLE_FLAG


def _number(text: str) -> float | str:
    """The number, or the name of what is wrong with it. Python's own reader takes more than a device may send."""
    try:
        number = float(text)
    except ValueError:
        return "not_a_number"
    if not isfinite(number):
        return "not_finite"
    if abs(number) > LARGEST_VALUE:
        return "too_large"
    return number + 0.0 if text.isascii() and "_" not in text else "not_a_number"  # -0 is 0
