"""Farwatch's own JSON: `farwatch/v1/{mn}/{rtd|min|hour|day}`. Pure.

    {"ts": RFC 3339, "values": {"a21026": 31.2}, "flags": {"a21026": "N"}, "zs": {"a21026": 40.1}}

`ts` is the event time, for min, hour and day the period's start; `flags` default to N; `zs` are converted values (折算),
`min` and `max` the period's smallest and largest value, `cou` its amount. Checked by hand: this is the path of tens of
thousands of readings a second.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from farwatch.domain.reading import LARGEST_VALUE
from ingest.payloads.measurement import MOST_CODES, Measurement, Numbers, Refusal
from ingest.payloads.topics import Route

_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
).fullmatch
is_code = re.compile(r"[A-Za-z0-9_]{1,20}").fullmatch
is_flag = re.compile(r"[A-Za-z]{1,2}").fullmatch


class _BadPayloadError(Exception):
    """Where the payload is not what was agreed, in words."""


def measurement(to: Route, said: object) -> Measurement | Refusal:
    """Of JSON as orjson reads it: its numbers are finite, its texts are Unicode. Never raises."""
    try:
        if not isinstance(said, dict):
            raise _BadPayloadError("not an object")  # noqa: TRY301 - one exit for all that is wrong
        named = said.get("mn", to.mn)
        if named != to.mn:
            return Refusal("foreign_mn", str(named)[:80])
        return Measurement(
            to.mn,
            to.kind,
            _time(said.get("ts")),
            _numbers(said, "values", at_least=1),
            _flags(said.get("flags", {})),
            _numbers(said, "zs"),
            _numbers(said, "min"),
            _numbers(said, "max"),
            _numbers(said, "cou"),
        )
    except _BadPayloadError as bad:
        return Refusal("bad_payload", str(bad)[:200])


def encode(measurement: Measurement) -> tuple[str, bytes]:
    """The topic and payload that `decode` reads back: what simulated monitors publish."""
    maps: dict[str, Mapping[str, object]] = {
        "flags": measurement.flags,
        "zs": measurement.converted,
        "min": measurement.minima,
        "max": measurement.maxima,
        "cou": measurement.amounts,
    }
    said = {"ts": measurement.ts.isoformat(), "values": measurement.values}
    said |= {name: said_of for name, said_of in maps.items() if said_of}
    return f"farwatch/v1/{measurement.mn}/{measurement.kind}", orjson.dumps(said)


def _time(text: object) -> datetime:
    if isinstance(text, str) and _RFC_3339(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _BadPayloadError("ts: not an RFC 3339 time")


def _numbers(said: dict[str, object], name: str, at_least: int = 0) -> Numbers:
    numbers = said.get(name)
    if numbers is None and name not in said and not at_least:
        return {}
    if not isinstance(numbers, dict) or not at_least <= len(numbers) <= MOST_CODES:
        raise _BadPayloadError(f"{name}: not an object of {at_least} to {MOST_CODES} numbers")
    for code, number in numbers.items():
        if not is_code(code):
            raise _BadPayloadError(f"{name}: no code: {code[:40]}")
        if type(number) is int:
            numbers[code] = float(number)
        elif type(number) is not float:
            raise _BadPayloadError(f"{name}.{code}: not a number")
        if not -LARGEST_VALUE <= number <= LARGEST_VALUE:
            raise _BadPayloadError(f"{name}.{code}: too large")
    return numbers


def _flags(flags: object) -> Mapping[str, str]:
    if not isinstance(flags, dict) or len(flags) > MOST_CODES:
        raise _BadPayloadError(f"flags: not an object of at most {MOST_CODES} flags")
    for code, flag in flags.items():
        if not is_code(code):
            raise _BadPayloadError(f"flags: no code: {code[:40]}")
        if not isinstance(flag, str) or not is_flag(flag):
            raise _BadPayloadError(f"flags.{code}: no flag")
    return flags
