"""Session descriptions (RFC 8866): the part of SDP that finds a video track, and writes one."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.rtsp.frames import NAL_FORMATS, Codec, StreamDescription
from ingest.rtsp.nal import join_annex_b, split_annex_b, split_smuggled

_CLOCK_RATE = 90_000
_STATIC_CODECS: Mapping[int, tuple[str, int]] = {
    26: ("JPEG", 90_000),
    32: ("MPV", 90_000),
    33: ("MP2T", 90_000),
}
_CODECS: Mapping[str, Codec] = {
    "H264": Codec.H264,
    "H265": Codec.H265,
    "HEVC": Codec.H265,
    "JPEG": Codec.MJPEG,
}
_NAMES: Mapping[Codec, str] = {Codec.H264: "H264", Codec.H265: "H265", Codec.MJPEG: "JPEG"}
_SET_PARAMETERS: Mapping[Codec, tuple[str, ...]] = {
    Codec.H264: ("sprop-parameter-sets",),
    Codec.H265: ("sprop-vps", "sprop-sps", "sprop-pps"),
}
_LARGEST_SIDE = 16_384
_TWO_NUMBERS = re.compile(r"(\d{1,5})\s*[-,x]\s*(\d{1,5})\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One `m=` section. `codec` is upper case, empty when no rtpmap names it; `fmtp` has lower-case names.

    `size` is width and height in pixels, where an attribute says it.
    """

    kind: str
    payload_type: int
    codec: str = ""
    clock_rate: int = 0
    control: str = ""
    fmtp: Mapping[str, str] = field(default_factory=dict)
    size: tuple[int, int] | None = None


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
    attributes = _attributes(lines)
    return Media(
        kind=words[0].lower(),
        payload_type=payload_type,
        codec=codec.strip().upper(),
        clock_rate=clock_rate,
        control=attributes.get("control", ""),
        fmtp=parameters,
        size=_size(attributes),
    )


def _size(attributes: Mapping[str, str]) -> tuple[int, int] | None:
    """Of `framesize:26 1920-1080` (3GPP TS 26.234 §5.3.3) or `x-dimensions:1920,1080`, as cameras write them."""
    for name in ("framesize", "x-framesize", "x-dimensions", "cliprect"):
        if (match := _TWO_NUMBERS.search(attributes.get(name, ""))) is not None:
            width, height = int(match[1]), int(match[2])
            if 0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE:
                return (height, width) if name == "cliprect" else (width, height)
    return None


def _number(text: str, highest: int) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        return None
    number = int(text)
    return number if number <= highest else None


def _fmtp(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def codec_of(media: Media) -> Codec | None:
    """None for a codec that is not read here."""
    return _CODECS.get(media.codec) if media.clock_rate > 0 else None


def describe(media: Media, codec: Codec) -> StreamDescription:
    sets = parameter_sets(media, codec)
    nal = NAL_FORMATS.get(codec)
    size = media.size if nal is None else next(
        (nal.picture_size(unit) for unit in split_annex_b(sets) if nal.nal_type(unit) == nal.SPS), None
    )  # fmt: skip
    order = _number(media.fmtp.get("sprop-max-don-diff", ""), 32_767) if codec is Codec.H265 else None
    return StreamDescription(
        codec=codec,
        parameter_sets=sets,
        clock_rate=media.clock_rate,
        width=size[0] if size else None,
        height=size[1] if size else None,
        has_order=bool(order),
    )


def parameter_sets(media: Media, codec: Codec) -> bytes:
    """VPS, SPS and PPS of the `sprop` parameters as Annex B; what is no base64 or something else is left out."""
    units: list[bytes] = []
    for name in _SET_PARAMETERS.get(codec, ()):
        for part in media.fmtp.get(name, "").split(","):
            units += _decoded(part.strip(), codec)
    return join_annex_b(units)


def _decoded(text: str, codec: Codec) -> list[bytes]:
    """Some cameras put start codes before units, or zeros behind them."""
    nal = NAL_FORMATS[codec]
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return []
    units = [unit.rstrip(b"\x00") for unit in split_smuggled(data)]
    return [unit for unit in units if unit and nal.nal_type(unit) in nal.SETS]


def write_sdp(description: StreamDescription, *, name: str, payload_type: int, control: str) -> str:
    """A session with one video track."""
    lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", f"s={name}", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
    lines.append(f"m=video 0 RTP/AVP {payload_type}")
    lines.append(f"a=rtpmap:{payload_type} {_NAMES[description.codec]}/{description.clock_rate}")
    if fmtp := _write_fmtp(description):
        lines.append(f"a=fmtp:{payload_type} " + "; ".join(fmtp))
    if description.codec is Codec.MJPEG and description.width and description.height:
        lines.append(f"a=framesize:{payload_type} {description.width}-{description.height}")
    return "\r\n".join([*lines, f"a=control:{control}", ""])


def _write_fmtp(description: StreamDescription) -> list[str]:
    units = split_annex_b(description.parameter_sets)
    if description.codec is Codec.H264:
        fmtp = ["packetization-mode=1"]
        if units and len(units[0]) >= 4:
            fmtp.append(f"profile-level-id={units[0][1:4].hex()}")
            fmtp.append("sprop-parameter-sets=" + _encoded(units))
        return fmtp
    if description.codec is Codec.MJPEG:
        return []
    nal = NAL_FORMATS[description.codec]
    named = zip(_SET_PARAMETERS[description.codec], nal.SETS, strict=True)
    of_kinds = [(name, [unit for unit in units if nal.nal_type(unit) == kind]) for name, kind in named]
    return [f"{name}={_encoded(found)}" for name, found in of_kinds if found]


def _encoded(units: list[bytes]) -> str:
    return ",".join(base64.b64encode(unit).decode() for unit in units)
