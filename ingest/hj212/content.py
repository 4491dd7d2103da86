"""The content of a packet, `CP=&&name=value,name=value;name=value&&`: pairs, numbers and times, and back."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import groupby

Pair = tuple[str, str]

CITY_TIME = timezone(timedelta(hours=8))
"""HJ 212 writes local time; Asia/Shanghai has had no summer time since 1991."""

_DECIMALS = re.compile(r"\d[\d.]*", re.ASCII)


def text_of(data: bytes) -> str:
    """UTF-8 as the standard says, else GBK as some loggers write; what is neither is replaced. NUL never comes out."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text


def pairs_of(text: str) -> tuple[Pair, ...]:
    """The fields in order, blanks around names and values removed. `;` and `,` within `//...//` belong to the text, and so does
    the comma of a number written `1,5`: it is not 1."""
    parts = _parts_with_texts(text) if "//" in text else text.replace(",", ";").split(";")
    pairs: list[Pair] = []
    for part in parts:
        name, equals, value = part.partition("=")
        if equals:
            pairs.append((name.strip(), value.strip()))
        elif pairs and _DECIMALS.fullmatch(part.strip()) and pairs[-1][1][-1:].isdigit():
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{part.strip()}")
    return tuple(pairs)


def _parts_with_texts(text: str) -> list[str]:
    """Splits outside of `//...//`; an opening without an end opens nothing."""
    parts = [""]
    for n, piece in enumerate(pieces := text.split("//")):
        if n % 2 and n < len(pieces) - 1:
            parts[-1] += f"//{piece}//"
            continue
        first, *more = (("//" if n % 2 else "") + piece).replace(",", ";").split(";")
        parts[-1] += first
        parts += more
    return parts


def written(pairs: Iterable[Pair]) -> str:
    """Fields of one code are joined by `,`, codes by `;`, as the standard prints them."""
    return ";".join(items_of(pairs))


def items_of(pairs: Iterable[Pair]) -> Sequence[str]:
    """One item for each run of fields with the same code."""
    return [
        ",".join(f"{name}={value}" for name, value in run)
        for _, run in groupby(pairs, key=lambda p: _code(p[0]))
    ]


def _code(name: str) -> str:
    return name.rpartition("-")[0] or name


def time_of(text: str) -> datetime | None:
    """A time as HJ 212 writes it, `YYYYMMDDhhmmss` with or without milliseconds, in UTC; None: it is no time."""
    if len(text) not in (14, 17) or not (text.isascii() and text.isdigit()):
        return None
    try:
        local = datetime(  # noqa: DTZ001
            int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12]), int(text[12:14]),
            int(text[14:] or "0") * 1000,
        )  # fmt: skip
        return (local - timedelta(hours=8)).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def time_text(at: datetime, *, milliseconds: bool = False) -> str:
    """As the standard writes it; `milliseconds` for a request number (QN)."""
    local = at.astimezone(CITY_TIME)
    text = local.strftime("%Y%m%d%H%M%S")
    return f"{text}{local.microsecond // 1000:03d}" if milliseconds else text
