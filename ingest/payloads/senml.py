"""SenML in JSON (RFC 8428): `senml/{mn}`, real-time values; `senml/{mn}/{kind}` for the others. Pure.

    [{"bn": "urn:dev:ow:10e2073a01080063:", "bt": 1795334340, "n": "a21026", "u": "mg/m3", "v": 31.2}, {"n": "a01012", ...}]

The code is what follows the last `:` or `/` of a name. What stands before it is the station's MN, or a URN of the device.
A unit is turned into the channel's; without one the value is in the channel's unit.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from farwatch.domain.reading import LARGEST_VALUE
from ingest.payloads.measurement import MOST_CODES, Decoded, Measurement, Refusal, refused
from ingest.payloads.own import is_code
from ingest.payloads.topics import Route
from ingest.payloads.units import UnitError, converted

UnitOf = Callable[[str, str], str]
"""The unit in which a station's code is registered, by MN and code; empty: nobody knows."""

_ABSOLUTE_FROM_S = 2**28
"""RFC 8428 §4.5.3: a smaller time is relative to now."""
_VERSION = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*").fullmatch


class _BadPackError(Exception):
    """What cannot be understood: then nothing of the pack is."""

    def __init__(self, detail: str, reason: str = "bad_payload") -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(slots=True)
class _Base:
    """The base fields, which hold from the record they stand in on."""

    name: str = ""
    time_s: float = 0.0
    unit: str = ""
    value: float = 0.0


@dataclass(slots=True)
class _Pack:
    values: dict[datetime, dict[str, float]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def decode(to: Route, said: object, received_at: datetime, unit_of: UnitOf) -> Decoded:
    """One measurement for each time. A record without a number is left out, and named."""
    if not isinstance(said, list) or not 1 <= len(said) <= MOST_CODES:
        return refused("bad_payload", f"not a list of 1 to {MOST_CODES} records")
    base, pack = _Base(), _Pack()
    try:
        for record in said:
            _read(to, base, record, pack, received_at, unit_of)
    except _BadPackError as bad:
        return refused(bad.reason, str(bad)[:200])
    left_out = (Refusal("fields_left_out", ", ".join(pack.left_out)[:200]),) if pack.left_out else ()
    measurements = tuple(Measurement(to.mn, to.kind, ts, values) for ts, values in pack.values.items())
    return Decoded(measurements, left_out)


def _read(
    to: Route, base: _Base, record: object, pack: _Pack, received_at: datetime, unit_of: UnitOf
) -> None:
    if not isinstance(record, dict):
        raise _BadPackError("a record is not an object")
    _rebase(base, record)
    if not record.keys() & {"v", "vs", "vb", "vd", "s"}:
        return
    code = _code(to.mn, base.name + _text(record, "n"))
    number = record.get("v")
    if isinstance(record.get("vb"), bool):
        number = float(record["vb"])
    if type(number) not in (int, float):
        pack.left_out.append(f"{code}: not_a_number")
        return
    try:
        unit = _text(record, "u") or base.unit
        value = converted(float(number) + base.value, unit, unit_of(to.mn, code))  # type: ignore[arg-type]
    except UnitError as error:
        pack.left_out.append(f"{code}: {error}")
        return
    if not abs(value) <= LARGEST_VALUE:
        pack.left_out.append(f"{code}: too_large")
        return
    ts = _time(base.time_s + _number(record, "t"), received_at)
    pack.values.setdefault(ts, {})[code] = value


def _rebase(base: _Base, record: dict[str, object]) -> None:
    strange = next((name for name in record if name.endswith("_")), None)
    if strange is not None:
        raise _BadPackError(f"{strange[:40]}: must be understood and is not")
    if "bver" in record and not 0 < _number(record, "bver") <= _VERSION:
        raise _BadPackError("bver: newer than version 10")
    base.name = _text(record, "bn", base.name)
    base.unit = _text(record, "bu", base.unit)
    base.time_s = _number(record, "bt", base.time_s)
    base.value = _number(record, "bv", base.value)


def _code(mn: str, name: str) -> str:
    cut = max(name.rfind(":"), name.rfind("/")) + 1
    before, code = name[: max(cut - 1, 0)], name[cut:]
    if not _NAME(name) or not is_code(code):
        raise _BadPackError(f"no code: {name[:80]}")
    if before and not before.startswith("urn:") and before.rstrip(":/") != mn:
        raise _BadPackError(before[:80], "foreign_mn")
    return code


def _time(time_s: float, received_at: datetime) -> datetime:
    try:
        if time_s < _ABSOLUTE_FROM_S:
            return received_at + timedelta(seconds=time_s)
        return _EPOCH + timedelta(seconds=time_s)
    except OverflowError:
        raise _BadPackError(f"t: {time_s}") from None


def _number(record: dict[str, object], name: str, default: float = 0.0) -> float:
    number = record.get(name, default)
    if type(number) is int or type(number) is float:
        return float(number)
    raise _BadPackError(f"{name}: not a number")


def _text(record: dict[str, object], name: str, default: str = "") -> str:
    text = record.get(name, default)
    if not isinstance(text, str):
        raise _BadPackError(f"{name}: not a text")
    return text
