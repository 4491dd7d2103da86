"""One simulated camera's stream: a loop on the clock, as RTP packets to everybody who watches it."""

import asyncio
import secrets
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from farwatch.runtime.clock import Clock
from ingest.rtsp.auth import Credential
from ingest.rtsp.rtp import RtpPacket, SenderReport, build_rtp, build_sender_report
from ingest.rtsp.server import PAYLOAD_TYPES, PlayStarted, interleave
from simulators.coded_loop import CLOCK_RATE, CodedLoop, CodedPicture

_REPORT_EVERY_S = 5.0
_STALLED_S = 1.0
"""Behind by more, the stream jumps to the present, as a camera's does."""


class Sink(Protocol):
    """A client's connection."""

    def send(self, data: bytes) -> None: ...

    def send_datagrams(self, packets: Sequence[bytes], report: bytes | None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watcher:
    wants: PlayStarted
    waits_for_key: bool = True


class Feed:
    """Time begins with the first watcher and never stops; RTP times and numbers go on over the loop's end."""

    def __init__(self, loop: CodedLoop, clock: Clock, credential: Credential | None) -> None:
        self.credential = credential
        self.loop = loop
        self._clock = clock
        self._watchers: dict[Sink, _Watcher] = {}
        self._began_s: float | None = None
        self._timestamp_base = secrets.randbits(32)
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._sent_packets = self._sent_octets = 0
        self._reported_s = 0.0

    @property
    def is_watched(self) -> bool:
        return bool(self._watchers)

    def watch(self, sink: Sink, wants: PlayStarted) -> None:
        """From the next key frame on; the first watcher of all sees the loop's beginning."""
        if self._began_s is None:
            self._began_s = self._clock.monotonic()
        self._watchers[sink] = _Watcher(wants=wants)

    def unwatch(self, sink: Sink) -> None:
        self._watchers.pop(sink, None)

    def replace(self, loop: CodedLoop, credential: Credential | None) -> None:
        """Another loop from now on, from its beginning; the stream's time goes on."""
        self._timestamp_base += self._elapsed()
        if self._began_s is not None:
            self._began_s = self._clock.monotonic()
        self.loop, self.credential = loop, credential

    async def play(self) -> None:
        """Sends while somebody watches; returns when nobody does."""
        loop, turn, index = self.loop, *self._position()
        while self._watchers:
            if loop is not self.loop:
                loop, turn, index = self.loop, 0, 0
            picture = loop.pictures[index]
            due = turn * loop.duration + picture.pts
            wait_s = (due - self._elapsed()) / CLOCK_RATE
            if wait_s > 0:
                await asyncio.sleep(wait_s)
                if loop is not self.loop:
                    continue
            elif wait_s < -_STALLED_S:
                turn, index = self._position()
                continue
            self._send(picture, due)
            index += 1
            if index == len(loop.pictures):
                turn, index = turn + 1, 0

    def _elapsed(self) -> int:
        """Ticks since the loop's first beginning."""
        return 0 if self._began_s is None else round((self._clock.monotonic() - self._began_s) * CLOCK_RATE)

    def _position(self) -> tuple[int, int]:
        """How many times the loop has played, and the picture that is to be shown now."""
        turn, offset = divmod(self._elapsed(), self.loop.duration)
        return turn, bisect_right(self.loop.pictures, offset, key=lambda picture: picture.pts) - 1

    def _send(self, picture: CodedPicture, due: int) -> None:
        report = self._report(due)
        packets = self._packets(picture, self._timestamp_base + due)
        is_report_due = self._clock.monotonic() - self._reported_s >= _REPORT_EVERY_S
        if is_report_due:
            self._reported_s = self._clock.monotonic()
        wired: dict[int, bytes] = {}
        for sink, watcher in list(self._watchers.items()):
            begins = watcher.waits_for_key and picture.is_key
            if watcher.waits_for_key and not begins:
                continue
            if begins:
                self._watchers[sink] = replace(watcher, waits_for_key=False)
            if watcher.wants.client_ports is not None:
                sink.send_datagrams(packets, report if begins or is_report_due else None)
                continue
            if begins or is_report_due:
                sink.send(interleave([report], watcher.wants.control_channel))
            channel = watcher.wants.data_channel
            if channel not in wired:
                wired[channel] = interleave(packets, channel)
            sink.send(wired[channel])

    def _packets(self, picture: CodedPicture, timestamp: int) -> list[bytes]:
        last = len(picture.packets) - 1
        packets = []
        for number, payload in enumerate(picture.packets):
            packet = RtpPacket(
                sequence=self._sequence,
                timestamp=timestamp & 0xFFFFFFFF,
                ssrc=self._ssrc,
                payload_type=PAYLOAD_TYPES[self.loop.codec],
                marker=number == last,
                payload=payload,
            )
            packets.append(build_rtp(packet))
            self._sequence = (self._sequence + 1) & 0xFFFF
            self._sent_octets += len(payload)
        self._sent_packets += len(packets)
        return packets

    def _report(self, due: int) -> bytes:
        """For the picture that is due then, because FFmpeg counts from the first report and not from the first picture."""
        report = SenderReport(
            ssrc=self._ssrc,
            captured_at=self._clock.now() - timedelta(seconds=(self._elapsed() - due) / CLOCK_RATE),
            timestamp=(self._timestamp_base + due) & 0xFFFFFFFF,
            packets=self._sent_packets & 0xFFFFFFFF,
            octets=self._sent_octets & 0xFFFFFFFF,
        )
        return build_sender_report(report, "farwatch-simulator")
