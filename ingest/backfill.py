"""Rows of a file of readings, as an archive or another platform exports them, into late readings or named errors. Pure."""

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from farwatch.domain.reading import LARGEST_VALUE, NORMAL_FLAG, Reading, ReadingKind, out_of_time
from farwatch.domain.review import CITY

_OUT_OF_TIME = {"time_in_future": "lies in the future", "time_too_old": "is more than 400 days ago"}
REQUIRED = ("mn", "code", "kind", "ts", "value")
OPTIONAL = ("converted", "flag", "min", "max", "amount")

_CODE = re.compile(r"[A-Za-z0-9_]{1,20}")
_FLAG = re.compile(r"[A-Za-z0-9]{1,4}")
_KINDS = {str(kind): kind for kind in ReadingKind}
_STARTS = {ReadingKind.HOUR: "an hour", ReadingKind.DAY: "a day"}


class HeaderError(ValueError):
    """The first line does not name the columns."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """`line` as an editor counts it; `reason` in words for whoever mends the file."""

    line: int
    reason: str


class _RowError(ValueError):
    pass


def rows_of(lines: Iterator[str], stations: Collection[str], now: datetime) -> Iterator[Reading | BadRow]:
    """Every row as a reading marked late and received `now`, or why it is none. Raises HeaderError.

    Times without an offset are Asia/Shanghai. The first line names the columns; blank lines are skipped.
    """
    reader = csv.reader(lines)
    columns = _columns(next(reader, []))
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(reader.line_num, f"not CSV: {error}")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        try:
            yield _reading(columns, cells, stations, now)
        except _RowError as error:
            yield BadRow(reader.line_num, str(error))


def _columns(header: list[str]) -> list[str]:
    names = [name.strip().lower() for name in header]
    if missing := [name for name in REQUIRED if name not in names]:
        raise HeaderError(f"the first line must name the columns; {', '.join(missing)} is missing")
    if unknown := [name for name in names if name not in REQUIRED + OPTIONAL]:
        raise HeaderError(f"column '{unknown[0]}' is unknown: choose from {', '.join(REQUIRED + OPTIONAL)}")
    if len(set(names)) < len(names):
        raise HeaderError("a column is named twice")
    return names


def _reading(columns: list[str], cells: list[str], stations: Collection[str], now: datetime) -> Reading:
    if len(cells) != len(columns):
        raise _RowError(f"{len(cells)} cells, the header has {len(columns)}")
    row = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
    if row["mn"] not in stations:
        raise _RowError(f"station '{row['mn'][:40]}' is not in the registry")
    if not _CODE.fullmatch(row["code"]):
        raise _RowError(f"'{row['code'][:40]}' is not a code")
    kind = _KINDS.get(row["kind"])
    if kind is None:
        raise _RowError(f"kind '{row['kind'][:40]}' is not one of {', '.join(_KINDS)}")
    flag = row.get("flag", "").upper() or NORMAL_FLAG
    if not _FLAG.fullmatch(flag):
        raise _RowError(f"'{flag[:40]}' is not a flag")
    value = _number(row, "value")
    if value is None:
        raise _RowError("value is empty")
    return Reading(
        row["mn"], row["code"], kind, _time(row["ts"], kind, now), value, now, _number(row, "converted"),
        _number(row, "min"), _number(row, "max"), _number(row, "amount"), flag, late=True,
    )  # fmt: skip


def _number(row: Mapping[str, str], name: str) -> float | None:
    text = row.get(name, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or "_" in text:
        raise _RowError(f"{name} '{text[:40]}' is not a number")
    if abs(number) > LARGEST_VALUE:
        raise _RowError(f"{name} '{text[:40]}' is too large")
    return number


def _time(text: str, kind: ReadingKind, now: datetime) -> datetime:
    try:
        local = datetime.fromisoformat(text)
        at = (local if local.tzinfo else local.replace(tzinfo=CITY)).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        raise _RowError(f"ts '{text[:40]}' is not a time (2026-11-22T10:00:00+08:00)") from None
    if wrong := out_of_time(at, now):
        raise _RowError(f"ts '{text[:40]}' {_OUT_OF_TIME[wrong]}")
    in_city = at.astimezone(CITY)
    is_hour = in_city == in_city.replace(minute=0, second=0, microsecond=0)
    if kind in _STARTS and not (is_hour and (kind is ReadingKind.HOUR or in_city.hour == 0)):
        raise _RowError(f"ts '{text[:40]}' is not the start of {_STARTS[kind]} in Asia/Shanghai")
    return at
