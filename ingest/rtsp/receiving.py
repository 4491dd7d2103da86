"""One track's packets on the way to frames, and what is told to the camera about them; without I/O."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from ingest.rtsp.assembler import FrameAssembler
from ingest.rtsp.camera_clock import CameraClock
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import CodedFrame, StreamDescription
from ingest.rtsp.messages import Taker
from ingest.rtsp.reception import Reception
from ingest.rtsp.reordering import Reordering
from ingest.rtsp.rtp import Bye, SenderReport, build_receiver_report, parse_rtcp

_CNAME = "Farwatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What went wrong so far: packets that never came, and came too late; bytes between packets that made no sense;
    packets that no buffer was free for, and from elsewhere than the camera; how often the camera's clock was moved."""

    lost: int = 0
    late: int = 0
    rubbish: int = 0
    dropped: int = 0
    foreign: int = 0
    clock_moved: int = 0


class Receiving:
    def __init__(self, stream: StreamDescription, payload_type: int) -> None:
        self._assembler = FrameAssembler(stream, payload_type=payload_type)
        self._clock = CameraClock(stream.clock_rate)
        self._reception = Reception(stream.clock_rate)
        self._reordering = Reordering()
        self._names_stream = False
        self._own_ssrc = secrets.randbits(32)

    @property
    def clock_offset_s(self) -> float | None:
        return self._clock.offset_s

    @property
    def counts(self) -> Counts:
        return Counts(
            lost=self._assembler.lost, late=self._reordering.late, clock_moved=self._clock.times_moved
        )

    @property
    def taken(self) -> int:
        """Packets that `taker` took."""
        return self._assembler.taken

    def packet(self, data: bytes, now: datetime) -> list[CodedFrame]:
        """Frames that this packet ends; the one in its turn."""
        ended = self._assembler.receive(data, now)
        if ended:
            self._reception.frames(ended)
        return ended

    def taker(self, channel: int, now: datetime, frames: list[CodedFrame]) -> Taker:
        """Takes the packets out of an RTSP connection's stream that only go on with a picture: most of them. A frame that
        one of them ends is put behind `frames`."""

        def take(data: bytes, begin: int) -> int:
            stop, ended = self._assembler.take_interleaved(data, begin, channel=channel, now=now)
            if ended is not None:
                self._reception.frames((ended,))
                frames.append(ended)
            return stop

        return take

    def datagram(self, data: bytes, now: datetime) -> list[CodedFrame]:
        """Frames that this packet ends, which may have come in any order."""
        return self._in_order(self._reordering.push(data, now), now)

    def wait_no_longer(self, now: datetime) -> list[CodedFrame]:
        """To be called now and then: frames that were held back for packets that will not come any more."""
        return self._in_order(self._reordering.give_up(now), now)

    def _in_order(self, packets: list[bytes], now: datetime) -> list[CodedFrame]:
        ended: list[CodedFrame] = []
        for packet in packets:
            ended += self.packet(packet, now)
        return ended

    def control(self, compound: bytes, now: datetime) -> None:
        """Raises RtspError(CLOSED) when the camera ends its stream."""
        for said in parse_rtcp(compound):
            if isinstance(said, SenderReport):
                report = self._of_our_stream(said)
                self._reception.sender_report(report, now)
                self._assembler.report(self._clock.report(report, now))
            elif isinstance(said, Bye):
                raise RtspError(Problem.CLOSED, "the camera ended the stream")

    def _of_our_stream(self, said: SenderReport) -> SenderReport:
        """Some cameras never name their stream right in reports; only this stream's come here, so it is the one that is meant."""
        streams = self._assembler.ssrc
        if streams is None or said.ssrc == streams:
            self._names_stream |= streams is not None
            return said
        return said if self._names_stream else replace(said, ssrc=streams)

    def receiver_report(self, now: datetime) -> bytes | None:
        """None before the first packet: there is nothing to tell and nobody to name."""
        source = self._assembler
        if source.ssrc is None:
            return None
        count = self._reception.count(source.ssrc, source.highest_sequence, source.lost, now)
        return build_receiver_report(self._own_ssrc, [count], _CNAME)
