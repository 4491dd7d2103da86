"""Bytes into frames: by length, because sealed content holds any byte; after rubbish or a wrong length by the next `##`.

What is given back does not depend on how the bytes were cut. Work is linear in the bytes fed: a byte is looked at a few times
as rubbish or text, and for checksums that do not fit at most `_TRIES` times. Memory is bounded by the longest frame.
"""

import re

from ingest.hj212 import checksum
from ingest.hj212.frame import LONGEST_SEGMENT, Frame, FrameVerdict, judge, unfit, written_crc

_LENGTH = re.compile(rb"##(\d{2,4})")
_NEXT_HEAD = re.compile(rb"##\d\d(?:\d|[A-Z]{2}=)")
"""Two digits of length are a head where a field follows."""
_END = re.compile(_NEXT_HEAD.pattern + rb"|\n")
_HEAD_BEGUN = 6
"""So much of a head may have come without its being known for one."""
_DIGITS = re.compile(rb"##\d*")
_BETWEEN = b" \t\r\n*\0"
"""May stand between frames: line ends, blanks, the `**` of some loggers, zeros of serial lines."""
_HEAD = 6
_CRC_BYTES = 4
_LONGEST = _HEAD + LONGEST_SEGMENT + _CRC_BYTES
_RUBBISH_HELD = 4096
_TRIES = 4


class Framer:
    """One connection's (or file's) bytes. A shell that has heard nothing for some seconds calls `finish` to learn what a
    frame with too large a length holds back, and may go on feeding. With the key of its station, sealed content is opened."""

    def __init__(self, sm4_key: bytes | None = None) -> None:
        self._key = sm4_key
        self._buffer = bytearray()
        self._scanned = 0
        self._refused = False
        self._allowance = _TRIES * _LONGEST

    @property
    def held_bytes(self) -> int:
        """How much waits for more."""
        return len(self._buffer)

    @property
    def is_within_frame(self) -> bool:
        """Whether what waits is more than what may stand between frames."""
        return bool(self._buffer.strip(_BETWEEN))

    def feed(self, data: bytes) -> list[Frame]:
        self._buffer += data
        self._allowance += _TRIES * len(data)
        return self._take(ended=False)

    def finish(self) -> list[Frame]:
        """What the rest holds, if nothing more comes."""
        return self._take(ended=True)

    def _take(self, *, ended: bool) -> list[Frame]:
        frames: list[Frame] = []
        at = 0
        while (step := self._step(at, ended)) is not None:
            frame, at = step
            self._scanned = at
            self._refused = False
            if frame is not None:
                frames.append(frame)
        del self._buffer[:at]
        self._scanned -= at
        self._allowance = min(self._allowance, _TRIES * _LONGEST)
        return frames

    def _step(self, at: int, ended: bool) -> tuple[Frame | None, int] | None:
        """The next thing and where it ends; None: wait for more."""
        buffer = self._buffer
        if not buffer.startswith(b"##", at):
            return self._between(at, ended)
        if len(buffer) - at < _HEAD and not ended:
            return None
        match = _LENGTH.match(buffer, at)
        if match is None:
            return self._by_end(at, at + _HEAD, "rubbish", ended)
        start = match.end()
        end = start + int(match[1])
        is_whole = len(buffer) >= end + _CRC_BYTES or (ended and len(buffer) > end)
        if is_whole and not self._refused:
            fit = self._by_length(at, start, end)
            if fit is not None:
                return fit
            self._refused = True
        if not is_whole and not ended:
            return None
        if is_whole and self._has_no_head_within(at, end):
            if len(buffer) == end + _CRC_BYTES and not ended:
                return None
            if (misfit := self._misfit(at, start, end)) is not None:
                return misfit
        return self._by_end(at, start, "bad_length_and_crc" if is_whole else "cut_short", ended)

    def _between(self, at: int, ended: bool) -> tuple[Frame | None, int] | None:
        """Up to the next head: separators are nothing, anything else is rubbish."""
        buffer = self._buffer
        stop = buffer.find(b"##", max(at, self._scanned))
        if stop < 0:
            stop = len(buffer) - (not ended and buffer.endswith(b"#"))
            self._scanned = stop
            if stop - at < _RUBBISH_HELD and not ended:
                return None
        stop = min(stop, at + _LONGEST)
        rubbish = bytes(buffer[at:stop]).strip(_BETWEEN)
        if stop == at:
            return None
        return (Frame(rubbish, b"", FrameVerdict.FAIL, "rubbish") if rubbish else None), stop

    def _by_length(self, at: int, start: int, end: int) -> tuple[Frame, int] | None:
        buffer = self._buffer
        crc = written_crc(bytes(buffer[end : end + _CRC_BYTES]))
        is_closed = buffer.endswith(b"&&", start, end)
        if not crc or (len(crc) < _CRC_BYTES and not is_closed):
            return None
        holds_heads = not self._has_no_head_within(at, end)
        if holds_heads and (self._allowance < end - at or not is_closed):
            return None
        self._allowance -= end - at
        if holds_heads and self._swallows(at, end):
            return None
        stop = end + len(crc)
        frame = judge(bytes(buffer[at:stop]), bytes(buffer[start:end]), crc, self._key)
        return None if frame is None else (frame, stop)

    def _swallows(self, at: int, end: int) -> bool:
        """A frame cut short whose length reaches just to the next one's end. The checksum has 256 values: it is no proof."""
        heads = _LENGTH.finditer(self._buffer, at + 2, end)
        return any(head.end() + int(head[1]) == end for head in heads)

    def _has_no_head_within(self, at: int, end: int) -> bool:
        return _NEXT_HEAD.search(self._buffer, at + 2, end) is None

    def _misfit(self, at: int, start: int, end: int) -> tuple[Frame, int] | None:
        """A frame that ends where its length says, and whose checksum fits nothing."""
        buffer = self._buffer
        stop = end + _CRC_BYTES
        crc = written_crc(bytes(buffer[end:stop]))
        if len(crc) < _CRC_BYTES or (stop < len(buffer) and buffer[stop] not in _BETWEEN + b"#"):
            return None
        head, segment = bytes(buffer[at:start]), bytes(buffer[start:end])
        return unfit(bytes(buffer[at:stop]), head, segment, crc, self._key), stop

    def _by_end(self, at: int, start: int, failure: str, ended: bool) -> tuple[Frame, int] | None:
        """A frame whose length is not right: it ends at its line's end or where the next one begins."""
        buffer = self._buffer
        match = _END.search(buffer, max(at + 1, self._scanned - _HEAD_BEGUN))
        if match is not None and match.start() - at < _LONGEST:
            stop = match.start()
        elif ended or len(buffer) - at > _LONGEST + _HEAD_BEGUN:
            stop = min(len(buffer), at + _LONGEST)
        else:
            self._scanned = len(buffer)
            return None
        raw = bytes(buffer[at:stop]).rstrip(_BETWEEN)
        crc = raw[-_CRC_BYTES:]
        if len(written_crc(crc)) == _CRC_BYTES:
            for head in (start - at, _HEAD, _DIGITS.match(raw).end()):  # type: ignore[union-attr]
                segment = raw[head:-_CRC_BYTES]
                if segment and int(crc, 16) == checksum.hj212(segment):
                    return Frame(raw, segment, FrameVerdict.BADLEN, "bad_length"), stop
        return Frame(raw, b"", FrameVerdict.FAIL, failure), stop


def frames_of(payload: bytes, sm4_key: bytes | None = None) -> list[Frame]:
    """The frames of a payload that is complete; text around frames is left out where there are any."""
    framer = Framer(sm4_key)
    found = framer.feed(payload) + framer.finish()
    return [f for f in found if f.reason != "rubbish"] or found


def one(line: bytes, sm4_key: bytes | None = None) -> Frame:
    """The frame that a line or payload is."""
    found = frames_of(line, sm4_key)
    return found[0] if found else Frame(line, b"", FrameVerdict.FAIL, "rubbish")
