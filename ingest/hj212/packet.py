"""A data segment as a packet: who says what, in which dialect, and whether an answer is wanted. Tolerates what the field sends."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from ingest.hj212 import sm4
from ingest.hj212.content import Pair, pairs_of, text_of, time_of

Dialect = Literal[2005, 2017, 2025]

ASKS_FOR_ANSWER = 1
IS_SPLIT = 2
VERSION_SHIFT = 2
_DIALECTS: tuple[Dialect, ...] = (2005, 2017, 2025)

_MN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CN = re.compile(r"[0-9]{4}")
_NAMELESS = "9014"
"""HJ/T 212-2005 lets the platform acknowledge data without naming the MN: that packet's `mn` is empty."""
_LENGTH_WITHOUT_SECONDS = 12
_LONGEST_FIELD = 64
"""Of what goes back to the device or into an index; the standard's longest such field has 24 characters."""
_LAST_EPOCH_MS = 4_102_444_800_000  # the year 2100


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a segment is no packet (no_cn, no_mn, bad_mn), or a packet's readings cannot be taken (no_data_time,
    bad_data_time). `detail` says what exactly, cut to a line."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """`qn` is the request number, in 2005 often inside the content. `content` are its fields in order, names not unique.
    `st`, `pw` and `qn` are empty where what is said there is longer than any such thing.

    `is_backfill`: HJ 212-2025's RF=1, sent again after an outage.
    """

    mn: str
    cn: str
    st: str = ""
    pw: str = ""
    qn: str = ""
    flag: int | None = None
    pnum: int | None = None
    pno: int | None = None
    is_backfill: bool = False
    content: tuple[Pair, ...] = ()

    @property
    def dialect(self) -> Dialect:
        """By the version bits of Flag; without a Flag it is 2005."""
        version = (self.flag or 0) >> VERSION_SHIFT
        return _DIALECTS[min(version, len(_DIALECTS) - 1)]

    @property
    def wants_answer(self) -> bool:
        return self.flag is not None and bool(self.flag & ASKS_FOR_ANSWER)

    @property
    def sent_at(self) -> datetime | None:
        """The request number as a time in UTC; None where there is none or it is not a time."""
        if len(self.qn) == 13 and self.qn.isascii() and self.qn.isdigit() and int(self.qn) < _LAST_EPOCH_MS:
            return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(self.qn))
        return time_of(self.qn)

    def field(self, name: str) -> str | None:
        """The first field of the content with this name."""
        return next((value for known, value in self.content if known == name), None)

    @property
    def data_at(self) -> datetime | None:
        """The event time, for minutes, hours and days the period's start, in UTC."""
        text = self.field("DataTime")
        if text is None:
            return None
        return time_of(f"{text}00" if len(text) == _LENGTH_WITHOUT_SECONDS else text)


def parse(segment: bytes, sm4_key: bytes | None = None) -> Packet | Malformed:
    """Never raises. The order of fields does not matter, and the first of a name counts. A segment comes in the clear from a
    framer that has the key; with `sm4_key` one that does not is opened here."""
    head = _head(segment)
    cn = head.get("CN", "")
    mn = head.get("MN", "")
    if not _CN.fullmatch(cn):
        return Malformed("no_cn", cn[:80])
    if sm4_key is not None and sm4.is_sealed_command(cn) and sm4.is_sealed(segment):
        opened = sm4.unseal(segment, sm4_key)
        segment = segment if sm4.is_sealed(opened) else opened
    content = _content(segment)
    if not mn and cn != _NAMELESS:
        return Malformed("no_mn")
    if mn and not _MN.fullmatch(mn):
        return Malformed("bad_mn", mn[:80])
    qn = head.get("QN", "") or next((value for name, value in content if name == "QN"), "")
    return Packet(
        mn=mn, cn=cn, st=_short(head.get("ST", "")), pw=_short(head.get("PW", "")), qn=_short(qn), flag=_number(head.get("FLAG")),
        pnum=_number(head.get("PNUM")), pno=_number(head.get("PNO")), is_backfill=head.get("RF") == "1",
        content=content,
    )  # fmt: skip


def mn_of(segment: bytes) -> str | None:
    """The MN alone, also of sealed content; None: there is none that could be one."""
    mn = _head(segment).get("MN", "")
    return mn if _MN.fullmatch(mn) else None


def cn_of(segment: bytes) -> str:
    """The command alone, also of sealed content; empty where none is named."""
    return _head(segment).get("CN", "")


def _head(segment: bytes) -> dict[str, str]:
    """The fields before the content. `Flag=5CP=`, `QN=...,ST=`, `;,MN=`, `FLAG=` and blanks are met in the field."""
    end = segment.find(b"CP=")
    text = text_of(segment if end < 0 else segment[:end])
    fields: dict[str, str] = {}
    for part in text.replace(",", ";").split(";"):
        name, equals, value = part.partition("=")
        if equals:
            fields.setdefault(name.strip().upper(), value.strip())
    return fields


def _content(segment: bytes) -> tuple[Pair, ...]:
    """Between the first `&&` after `CP=` and the last; some loggers leave the last out."""
    start = segment.find(b"CP=")
    if start < 0:
        return ()
    start += 3
    opening = segment.find(b"&&", start)
    if opening >= 0 and not segment[start:opening].strip():
        start = opening + 2
    end = segment.rfind(b"&&")
    return pairs_of(text_of(segment[start : end if end >= start else len(segment)]))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_FIELD else ""


def _number(text: str | None) -> int | None:
    """A small whole number, or None."""
    return int(text) if text and len(text) <= 6 and text.isascii() and text.isdigit() else None
