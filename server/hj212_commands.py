"""`farwatch hj212 decode`: what a data logger says, a JSON line for each frame. Needs no database."""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from ingest.hj212.content import CITY_TIME
from ingest.hj212.frame import Frame, FrameVerdict, likely_segment
from ingest.hj212.framer import Framer, frames_of
from ingest.hj212.packet import Malformed, mn_of, parse
from ingest.hj212.readings import Said, readings_of
from ingest.hj212.sm4 import KEY_BYTES
from server.commands import CommandError

_LONGEST_LINE = 1 << 20
_CHUNK = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decode(source: str, *, stream: bool, key_file: Path | None) -> int:
    """Reads a file, or standard input for `-`: a frame a line, or with `stream` raw bytes. Ends quietly when nobody reads."""
    key = None if key_file is None else read_key(key_file)
    with contextlib.ExitStack() as stack:
        try:
            file = sys.stdin.buffer if source == "-" else stack.enter_context(Path(source).open("rb"))
            for frame in _frames_of_stream(file, key) if stream else _frames_of_lines(file, key):
                sys.stdout.buffer.write(orjson.dumps(described(frame)) + b"\n")
                sys.stdout.buffer.flush()
        except BrokenPipeError:
            with contextlib.suppress(BrokenPipeError):
                sys.stdout.close()
        except OSError as error:
            raise CommandError(f"{source}: {error.strerror}") from None
    return 0


def read_key(path: Path) -> bytes:
    """An SM4 key as 32 hexadecimal digits, or as its 16 bytes."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    if len(content) == KEY_BYTES:
        return content
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise CommandError(f"{path}: an SM4 key is 32 hexadecimal digits or {KEY_BYTES} bytes")
    return key


def described(frame: Frame) -> dict[str, Any]:
    """The line of one frame; `reason` says why it is not wholly good, first the frame's, then its packet's. A broken frame is
    told as far as it can be read."""
    segment = likely_segment(frame)
    line: dict[str, Any] = {
        "verdict": frame.verdict, "reason": frame.reason, "mn": mn_of(segment), "cn": None,
        "dialect": None, "data_at": None, "readings": [],
    }  # fmt: skip
    packet = parse(segment)
    if isinstance(packet, Malformed):
        return line | {"reason": frame.reason if frame.reason != "ok" else packet.reason}
    sample = readings_of(packet)
    if isinstance(sample, Malformed) and frame.reason == "ok":
        line["reason"] = sample.reason
    data_at = packet.data_at
    line |= {"mn": packet.mn or None, "cn": packet.cn, "dialect": str(packet.dialect)}
    line["data_at"] = None if data_at is None else data_at.astimezone(CITY_TIME).isoformat()
    if sample is not None and not isinstance(sample, Malformed):
        line["readings"] = [_reading(said, sample.kind) for said in sample.channels]
    return line


def _reading(said: Said, kind: str) -> dict[str, Any]:
    reading: dict[str, Any] = {"code": said.code, "kind": kind, "value": said.value, "flag": said.flag}
    more = {"converted": said.converted, "min": said.minimum, "max": said.maximum, "amount": said.amount}
    return reading | {name: value for name, value in more.items() if value is not None}


def _frames_of_stream(file: BinaryIO, key: bytes | None) -> Iterator[Frame]:
    framer = Framer(key)
    read = getattr(file, "read1", file.read)
    while data := read(_CHUNK):
        yield from framer.feed(data)
    yield from framer.finish()


def _frames_of_lines(file: BinaryIO, key: bytes | None) -> Iterator[Frame]:
    """One frame for each line, or those that were glued together in it; text in front of a frame does not matter."""
    for line in _lines(file):
        text = line.removeprefix(_BYTE_ORDER_MARK).strip()
        if text and (text.startswith(b"##") or not text.startswith(b"#")):
            found = frames_of(text, key)
            yield from found if any(f.verdict is not FrameVerdict.FAIL for f in found) else found[:1]


def _lines(file: BinaryIO) -> Iterable[bytes]:
    return iter(lambda: file.readline(_LONGEST_LINE), b"")
