"""A data logger (数采仪) without its socket: what it sends, keeps until it is acknowledged, and does when it is told to. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from farwatch.domain.reading import ReadingKind
from ingest.hj212.content import Pair, time_of, time_text
from ingest.hj212.encode import encode_packet, encode_split
from ingest.hj212.frame import FrameVerdict
from ingest.hj212.framer import Framer
from ingest.hj212.packet import Dialect, Malformed, Packet, parse
from ingest.payloads import Measurement

KEPT_MEASUREMENTS = 5_000
KEPT_FRAMES = 2_000
SPLIT_PARTS_WITHIN = timedelta(milliseconds=20)
QUIET_FLAG: dict[Dialect, int] = {2005: 0, 2017: 4, 2025: 8}
ASKS = 1
COMMAND_OF = {
    ReadingKind.RTD: "2011",
    ReadingKind.MIN: "2051",
    ReadingKind.HOUR: "2061",
    ReadingKind.DAY: "2031",
}
KIND_OF = {cn: kind for kind, cn in COMMAND_OF.items()}
ACKNOWLEDGEMENTS = ("9013", "9014")
MINUTE_INTERVALS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a logger lies and breaks. `deaf_to`: commands that it never answers; `without_result`: no 9012 ever;
    `wants_password`: another than its own frames bear;
    `data_unanswered`: it asks for no acknowledgement; `checksum`: which it computes; `ignores_first`: so many commands are
    lost before it answers any."""

    deaf_to: frozenset[str] = frozenset()
    without_result: bool = False
    wants_password: str | None = None
    data_unanswered: bool = False
    checksum: FrameVerdict = FrameVerdict.PASS
    ignores_first: int = 0


HONEST = Manner()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggerIdentity:
    mn: str
    dialect: Dialect = 2017
    system: str = "31"
    password: str = field(default="123456", repr=False)
    sm4_key: bytes | None = field(default=None, repr=False)


@dataclass(slots=True)
class _Unacknowledged:
    frame: bytes
    sent_at: datetime | None = None
    tries: int = 0


class LoggerDevice:
    """One logger. Times given to it are true; its own clock is off by `clock_offset`."""

    def __init__(
        self,
        identity: LoggerIdentity,
        manner: Manner = HONEST,
        clock_offset: timedelta = timedelta(0),
    ) -> None:
        self.identity = identity
        self.manner = manner
        self.clock_offset = clock_offset
        self.realtime_interval_s = 30
        self.minute_interval_min = 1
        self.overtime_s, self.recount = 10, 3
        self.sends_realtime = True
        self._memory: deque[Measurement] = deque(maxlen=KEPT_MEASUREMENTS)
        self._unacknowledged: dict[str, _Unacknowledged] = {}
        self._framer = Framer(identity.sm4_key)
        self._last_qn = ""
        self._bottles = 0
        self.acknowledged = 0

    @property
    def waits_for(self) -> int:
        """Packets that nobody has acknowledged yet."""
        return len(self._unacknowledged)

    @property
    def given_up(self) -> int:
        """Packets sent as often as is allowed, acknowledged by nobody; they go again on the next connection."""
        return sum(kept.tries >= self.recount for kept in self._unacknowledged.values())

    def remember(self, measurements: Iterable[Measurement]) -> None:
        """What it measured before anybody listened."""
        self._memory.extend(measurements)

    def measured(self, measurement: Measurement, now: datetime) -> list[bytes]:
        """The frames to send for it; means are kept in memory and sent again until they are acknowledged."""
        is_mean = measurement.kind is not ReadingKind.RTD
        if is_mean:
            self._memory.append(measurement)
        elif not self.sends_realtime:
            return []
        asks = is_mean and not self.manner.data_unanswered
        packet = self._packet(
            COMMAND_OF[measurement.kind], self._qn(now), content_of(measurement, self.clock_offset)
        )
        if not asks:
            return self._frames(packet)
        flagged = replace(packet, flag=(packet.flag or 0) | ASKS)
        frames = self._frames(flagged)
        for frame in frames:
            self._keep(frame, now)
        return frames

    def connected(self) -> list[bytes]:
        """A new connection: half a frame of the old one is nothing any more, and what was not acknowledged goes again."""
        self._framer = Framer(self.identity.sm4_key)
        return [kept.frame for kept in self._unacknowledged.values()]

    def due(self, now: datetime) -> list[bytes]:
        """What has waited too long for its acknowledgement."""
        again = []
        for kept in self._unacknowledged.values():
            if kept.sent_at is None or now - kept.sent_at < timedelta(seconds=self.overtime_s):
                continue
            if kept.tries < self.recount:
                kept.sent_at, kept.tries = now, kept.tries + 1
                again.append(kept.frame)
        return again

    def heard(self, data: bytes, now: datetime) -> list[bytes]:
        """What came from the platform, in any pieces; gives what is said back."""
        said: list[bytes] = []
        for frame in self._framer.feed(data):
            packet = parse(frame.segment, self.identity.sm4_key)
            if isinstance(packet, Malformed):
                continue
            if packet.cn in ACKNOWLEDGEMENTS:
                self.acknowledged += self._unacknowledged.pop(packet.qn, None) is not None
            else:
                said += self._obey(packet, now)
        return said

    def _keep(self, frame: bytes, now: datetime) -> None:
        packet = parse(next(iter(Framer(self.identity.sm4_key).feed(frame))).segment)
        assert isinstance(packet, Packet)
        if len(self._unacknowledged) >= KEPT_FRAMES:
            del self._unacknowledged[next(iter(self._unacknowledged))]
        self._unacknowledged[packet.qn] = _Unacknowledged(frame, now)

    def _obey(self, request: Packet, now: datetime) -> list[bytes]:
        if self.manner.ignores_first > 0:
            self.manner = replace(self.manner, ignores_first=self.manner.ignores_first - 1)
            return []
        if request.cn in self.manner.deaf_to:
            return []
        if request.cn == "2012":
            self.sends_realtime = False
            return [self._reply("9013", request)]
        if refusal := self._refusal(request):
            return [self._reply("9011", request, ("QnRtn", refusal))]
        answers, result = self._do(request, now)
        ended = [] if self.manner.without_result else [self._reply("9012", request, ("ExeRtn", result))]
        return [self._reply("9011", request, ("QnRtn", "1")), *answers, *ended]

    def _refusal(self, request: Packet) -> str | None:
        """QnRtn, HJ 212-2017 table 7; None: the request is taken."""
        if request.pw != (self.manner.wants_password or self.identity.password):
            return "3"
        if request.mn != self.identity.mn:
            return "4"
        known = ("1000", "1011", "1012", "1061", "1062", "1063", "1064", "2011", "3012", "3015", *KIND_OF)
        return None if request.cn in known else "8"

    def _do(self, request: Packet, now: datetime) -> tuple[list[bytes], str]:
        """The answers, and ExeRtn (table 6)."""
        match request.cn:
            case "1011":
                return [self._reply("1011", request, ("SystemTime", time_text(now + self.clock_offset)))], "1"
            case "1061":
                return [self._reply("1061", request, ("RtdInterval", str(self.realtime_interval_s)))], "1"
            case "1063":
                return [self._reply("1063", request, ("MinInterval", str(self.minute_interval_min)))], "1"
            case "3015":
                self._bottles += 1
                told = (("DataTime", time_text(now + self.clock_offset)), ("VaseNo", str(self._bottles)))
                return [self._reply("3015", request, *told)], "1"
            case "2031" | "2051" | "2061":
                return self._history(request, now)
            case _:
                return [], "1" if self._set(request, now) else "3"

    def _set(self, request: Packet, now: datetime) -> bool:
        """Whether what was to be set is possible."""
        fields = {name: int(value) for name, value in request.content if value.isdecimal()}
        match request.cn:
            case "1000":
                self.overtime_s = fields.get("OverTime", self.overtime_s)
                self.recount = fields.get("ReCount", self.recount)
            case "1012":
                at = time_of(request.field("SystemTime") or "")
                if at is None:
                    return False
                self.clock_offset = at - now
            case "1062":
                self.realtime_interval_s = fields.get("RtdInterval", 0)
                return self.realtime_interval_s > 0
            case "1064":
                if fields.get("MinInterval") not in MINUTE_INTERVALS:
                    return False
                self.minute_interval_min = fields["MinInterval"]
            case "2011":
                self.sends_realtime = True
            case _:
                pass
        return True

    def _history(self, request: Packet, now: datetime) -> tuple[list[bytes], str]:
        begins = time_of(request.field("BeginTime") or "")
        ends = time_of(request.field("EndTime") or "")
        if begins is None or ends is None:
            return [], "3"
        kind = KIND_OF[request.cn]
        found = [m for m in self._memory if m.kind is kind and begins <= m.ts <= ends]
        frames: list[bytes] = []
        for measurement in found:
            packet = self._packet(request.cn, self._qn(now), content_of(measurement, timedelta(0)))
            again = replace(packet, is_backfill=self.identity.dialect == 2025)
            frames += self._frames(again)
        return frames, "1" if found else "100"

    def _reply(self, cn: str, request: Packet, *content: Pair) -> bytes:
        """In 2005 the exchange's number is content."""
        is_2005 = self.identity.dialect == 2005
        system = "91" if cn.startswith("9") else self.identity.system
        named: Sequence[Pair] = (("QN", request.qn), *content) if is_2005 else content
        packet = replace(self._packet(cn, "" if is_2005 else request.qn, named), st=system)
        return encode_packet(packet, sm4_key=self.identity.sm4_key, crc=self.manner.checksum)

    def _packet(self, cn: str, qn: str, content: Iterable[Pair]) -> Packet:
        me = self.identity
        return Packet(
            mn=me.mn,
            cn=cn,
            st=me.system,
            pw=me.password,
            qn=qn,
            flag=QUIET_FLAG[me.dialect],
            content=tuple(content),
        )

    def _frames(self, packet: Packet) -> list[bytes]:
        if self.manner.checksum is not FrameVerdict.PASS:
            return [encode_packet(packet, crc=self.manner.checksum)]
        return encode_split(packet, sm4_key=self.identity.sm4_key)

    def _qn(self, now: datetime) -> str:
        """The device's own time, later than every one before and than the parts of a packet that was split."""
        wanted, last = now + self.clock_offset, time_of(self._last_qn)
        if last is not None:
            wanted = max(wanted, last + SPLIT_PARTS_WITHIN)
        self._last_qn = time_text(wanted, milliseconds=True)
        return self._last_qn


def content_of(measurement: Measurement, clock_offset: timedelta) -> Iterator[Pair]:
    """The data area of an upload, as the device's own clock dates it."""
    yield "DataTime", time_text(measurement.ts + clock_offset)
    is_rtd = measurement.kind is ReadingKind.RTD
    plain, converted = ("Rtd", "ZsRtd") if is_rtd else ("Avg", "ZsAvg")
    parts: Sequence[tuple[str, Mapping[str, float]]] = (
        (plain, measurement.values), (converted, measurement.converted), ("Min", measurement.minima),
        ("Max", measurement.maxima), ("Cou", measurement.amounts),
    )  # fmt: skip
    for code in measurement.values:
        for suffix, values in parts:
            if code in values:
                yield f"{code}-{suffix}", f"{values[code]:.10g}"
        yield f"{code}-Flag", measurement.flag(code)
