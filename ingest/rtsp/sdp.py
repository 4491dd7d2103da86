"""Session descriptions (RFC 8866): the part of SDP that finds a video track, and writes one."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.rtsp.h264 import PPS, SPS, join_annex_b, split_annex_b

_H264_CLOCK_RATE = 90_000
_STATIC_CODECS: Mapping[int, tuple[str, int]] = {
    26: ("JPEG", 90_000),
    32: ("MPV", 90_000),
    33: ("MP2T", 90_000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One `m=` section. `codec` is upper case, empty when no rtpmap names it; `fmtp` has lower-case names."""

    kind: str
    payload_type: int
    codec: str = ""
    clock_rate: int = 0
    control: str = ""
    fmtp: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDescription:
    control: str = ""
    media: tuple[Media, ...] = ()


def parse_sdp(text: str) -> SessionDescription:
    """Lenient: lines that say nothing to us are passed over, never an error."""
    sections: list[list[str]] = [[]]
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    media = tuple(m for lines in sections[1:] if (m := _media(lines)) is not None)
    return SessionDescription(control=_attributes(sections[0]).get("control", ""), media=media)


def _attributes(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _media(lines: list[str]) -> Media | None:
    words = lines[0][2:].split()
    if len(words) < 4 or (payload_type := _number(words[3], 127)) is None:
        return None
    codec, clock_rate = _STATIC_CODECS.get(payload_type, ("", 0))
    parameters: dict[str, str] = {}
    for line in lines[1:]:
        name, _, rest = line.partition(":")
        number, _, value = rest.strip().partition(" ")
        if _number(number, 127) != payload_type:
            continue
        if name.lower() == "a=rtpmap":
            codec, _, tail = value.strip().partition("/")
            clock_rate = _number(tail.partition("/")[0].strip(), 10**9) or 0
        elif name.lower() == "a=fmtp":
            parameters = _fmtp(value)
    return Media(
        kind=words[0].lower(),
        payload_type=payload_type,
        codec=codec.strip().upper(),
        clock_rate=clock_rate,
        control=_attributes(lines).get("control", ""),
        fmtp=parameters,
    )


def _number(text: str, highest: int) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        return None
    number = int(text)
    return number if number <= highest else None


def _fmtp(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def parameter_sets(media: Media) -> bytes:
    """SPS and PPS of `sprop-parameter-sets` as Annex B; what is no base64 is left out."""
    units: list[bytes] = []
    for part in media.fmtp.get("sprop-parameter-sets", "").split(","):
        try:
            unit = base64.b64decode(part.strip() + "=" * (-len(part.strip()) % 4))
        except ValueError:
            continue
        if unit and unit[0] & 0x1F in (SPS, PPS):
            units.append(unit)
    return join_annex_b(units)


def write_h264_sdp(*, name: str, parameter_sets: bytes, payload_type: int, control: str) -> str:
    """A session with one H.264 track; `parameter_sets` as Annex B, SPS first."""
    units = split_annex_b(parameter_sets)
    fmtp = ["packetization-mode=1"]
    if units and len(units[0]) >= 4:
        fmtp.append(f"profile-level-id={units[0][1:4].hex()}")
        fmtp.append("sprop-parameter-sets=" + ",".join(base64.b64encode(u).decode() for u in units))
    lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", f"s={name}", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
    lines += [f"m=video 0 RTP/AVP {payload_type}", f"a=rtpmap:{payload_type} H264/{_H264_CLOCK_RATE}"]
    lines += [f"a=fmtp:{payload_type} " + "; ".join(fmtp), f"a=control:{control}"]
    return "\r\n".join([*lines, ""])
