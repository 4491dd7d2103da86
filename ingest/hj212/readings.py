"""What a packet measured: values of codes for one time, by the command that sent them."""

import re
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from farwatch.domain.reading import NORMAL_FLAG, ReadingKind
from ingest.hj212.content import time_of
from ingest.hj212.packet import Malformed, Packet

KINDS: dict[str, ReadingKind] = {
    "2011": ReadingKind.RTD,
    "2021": ReadingKind.RTD,
    "2051": ReadingKind.MIN,
    "2111": ReadingKind.MIN,
    "2061": ReadingKind.HOUR,
    "2031": ReadingKind.DAY,
    "2041": ReadingKind.DAY,
}
"""Real-time values, equipment states, minutes, furnace temperatures (2025), hours, days, run times of a day."""

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

_BARE_CODE = re.compile(r"[waeg]\d{4,5}\w?|[BS]?\d{2,3}|L(?:[A-Z]|eq|d|n|dn|\d\d?)")
"""A code without a suffix, as some loggers send it; other names without one are settings."""
_CODE = re.compile(r"[A-Za-z0-9_]{1,20}")
_FLAG = re.compile(r"[A-Za-z0-9]{1,4}")
UNREADABLE_FLAG = "?"


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
    with its reason: not_a_number, not_finite, repeated (the first counts: devices repeat a flow's code for its totaliser),
    bad_code, no_value (a code with a minimum, maximum or converted value only)."""

    kind: ReadingKind
    ts: datetime
    channels: tuple[Said, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def readings_of(packet: Packet) -> Sample | Malformed | None:
    """None: the packet measures nothing (a request, a reply, a heartbeat). Malformed: it does, but without a time."""
    kind = KINDS.get(packet.cn)
    if kind is None:
        return None
    reader = _Reader()
    time_text: str | None = None
    for name, text in packet.content:
        code, dash, suffix = name.rpartition("-")
        if dash:
            reader.take(code, suffix, text)
        elif name == "DataTime":
            time_text = time_text or text
        elif _BARE_CODE.fullmatch(name):
            reader.take(name, "Rtd", text)
    channels = reader.said(kind)
    if not channels and not reader.left_out:
        return None
    ts = time_of(time_text) if time_text else None
    if ts is None:
        return Malformed("bad_data_time" if time_text else "no_data_time", (time_text or "")[:80])
    return Sample(kind, ts, channels, tuple(reader.left_out))


class _Reader:
    """Gathers the fields of each code in the order in which the codes come."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, float]] = {}
        self.flags: dict[str, str] = {}
        self.left_out: list[tuple[str, str]] = []
        self._spoilt: set[str] = set()
        self._bases: dict[str, str] = {}

    def take(self, code: str, suffix: str, text: str) -> None:
        if suffix == "Flag":
            self.flags.setdefault(code, text)
            return
        meaning = _SUFFIXES.get(suffix) or _FOLDED.get(suffix.lower())
        if meaning is None:
            return
        which, addition = meaning
        number = _number(text)
        if isinstance(number, str):
            self._leave_out(code, suffix, number)
            return
        if addition:
            self._bases[code + addition] = code
            code += addition
        fields = self.values.get(code)
        if fields is None:
            if not _CODE.fullmatch(code):
                self._leave_out(code, suffix, "bad_code")
                return
            self.values[code] = {which: number}
        elif which in fields:
            self._leave_out(code, suffix, "repeated")
        else:
            fields[which] = number

    def _leave_out(self, code: str, suffix: str, reason: str) -> None:
        self.left_out.append((f"{code}-{suffix}"[:80], reason))
        self._spoilt.add(code)

    def said(self, kind: ReadingKind) -> tuple[Said, ...]:
        first, second = ("rtd", "mean") if kind is ReadingKind.RTD else ("mean", "rtd")
        channels = []
        for code, fields in self.values.items():
            get = fields.get
            value = get(first, get(second))
            flag = self.flags.get(self._bases.get(code, code), NORMAL_FLAG)
            if flag != NORMAL_FLAG:
                flag = _flag(flag)
            if value is not None:
                converted = get(f"{first}_converted", get(f"{second}_converted"))
                channels.append(
                    Said(code, value, flag, converted, get("minimum"), get("maximum"), get("amount"))
                )
            elif fields.keys() == {"amount"} and code not in self._spoilt:
                channels.append(Said(f"{code}_Cou", fields["amount"], flag))
            else:
                self.left_out.append((code, "no_value"))
        return tuple(channels)


def _number(text: str) -> float | str:
    """The number, or the name of what is wrong with it. Python's own reader takes more than a device may send."""
    try:
        number = float(text)
    except ValueError:
        return "not_a_number"
    if not isfinite(number):
        return "not_finite"
    return number if text.isascii() and "_" not in text else "not_a_number"


def _flag(text: str) -> str:
    """An empty flag is a normal one; one that cannot be a flag is not."""
    if not text:
        return NORMAL_FLAG
    return text.upper() if _FLAG.fullmatch(text) else UNREADABLE_FLAG
