"""Mutated frames and payloads through everything that reads what a station sends: `make fuzz-hj212`.

Each frame stands between two good ones, glued and cut at random. Fails when anything raises, when a neighbour is lost, or when
the resident memory of the second half grows. Needs neither broker nor database.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ingest.hj212.answers import answer_to
from ingest.hj212.encode import encode, framed
from ingest.hj212.frame import Frame, FrameVerdict
from ingest.hj212.framer import Framer
from ingest.hj212.packet import Malformed, parse
from ingest.hj212.readings import Malformed as NoTime
from ingest.hj212.readings import readings_of
from ingest.payloads import decode as normalise
from ingest.payloads.measurement import Device

KEY = bytes(range(16))
NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
ALLOWED_GROWTH_MIB = 8.0
PAYLOAD_SHARE = 0.2

_RTD = "DataTime=20261122100000;" + ";".join(
    f"a2100{n}-Rtd={n}.5,a2100{n}-ZsRtd=2,a2100{n}-Flag=N" for n in range(5)
)
_MIN = "DataTime=20261122100000;w00000-Cou=10.5,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N"
_CONTENTS = {
    "2011": _RTD,
    "2051": _MIN,
    "2061": _MIN + ";w01018-Cou=6",
    "2031": "DataTime=20261122000000;Leq-Data=50.1;Leq-DayData=52;Leq-NightData=44,Leq-Flag=D",
    "2021": "DataTime=20261122100000;SB1-RS=1;SB2-RS=0",
    "3020": "DataTime=20261122100000;PolId=w01018;i11001-Info=//清洗,管路;##0005//;i13004-Info=168.0",
    "2081": "DataTime=20261122100000;RestartTime=20261122095700",
    "1013": "PolId=w01018",
    "9011": "QnRtn=1",
    "9015": "",
}
_SPECIAL = (
    b"NaN", b"1e999", b"-inf", b"9" * 400, b"##", b"##9999", b"&&", b"CP=&&", b"//", b";", b",", b"=", b"\r\n", b"\0",
    b"\xff\xfe", "排口".encode("gb18030"), b"MN=", b"Flag=255", b"DataTime=99999999999999", b"QN=1e400", b"PNO=-1",
)  # fmt: skip
_JSON = (
    ("farwatch/v1/A1/rtd", b'{"ts":"2026-11-22T02:00:00Z","values":{"a21026":31.2},"flags":{"a21026":"N"},"zs":{"a21026":40.1}}'),
    ("farwatch/v1/A1/min", b'{"DataTime":"20261122100000","a21026-Avg":31.2,"a21026-Flag":"N","a21026-Max":1e3}'),
    ("senml/A1", b'[{"bn":"urn:A1:","bt":1795312800,"n":"a21026","v":31.2},{"n":"a19001","v":8,"t":-5,"u":"%"}]'),
)  # fmt: skip


@dataclass(slots=True)
class Outcome:
    cases: int = 0
    raised: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def _good(rng: random.Random) -> bytes:
    return encode(
        mn="FW0000000000000000000001",
        cn="9014",
        st="91",
        qn=f"2026{rng.randrange(10**13):013d}",
        flag=4,
    )[: rng.choice((-2, -1, None))]


def _packet(rng: random.Random) -> bytes:
    cn = rng.choice(tuple(_CONTENTS))
    flag = rng.choice((None, 0, 1, 3, 4, 5, 7, 8, 9, 11))
    qn = rng.choice(("20261122100000001", "20261122100000001", "", "1617957600465"))
    raw = encode(
        mn="FW0000000000000000000002", cn=cn, st="31", pw="123456", qn=qn, flag=flag, content=_CONTENTS[cn]
    )
    return raw[6:-6]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to four changes: bytes flipped, spans cut out, doubled or moved, strange words put in."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(changed) + 1)
        span = rng.choice((1, 2, 5, 30, 300))
        match rng.randrange(6):
            case 0 if changed:
                changed[at % len(changed)] = rng.randrange(256)
            case 1:
                del changed[at : at + span]
            case 2:
                changed[at:at] = changed[at : at + span]
            case 3:
                changed[at : at + rng.choice((0, 1, 1, 1, len(changed)))] = b""
            case 4:
                changed[at:at] = rng.randbytes(span % 40)
            case _:
                changed[at : at + rng.randrange(3)] = rng.choice(_SPECIAL)
    return bytes(changed)


def _frame(rng: random.Random) -> bytes:
    """Half are damaged on the line, half are whole frames of damaged packets; some are sealed or computed in MODBUS."""
    segment = _packet(rng)
    key = KEY if rng.random() < 0.1 else None
    crc = rng.choice((FrameVerdict.PASS, FrameVerdict.PASS, FrameVerdict.MODBUS, FrameVerdict.MODSWAP))
    if rng.random() < 0.5:
        return framed(mutated(segment, rng)[:9999], sm4_key=key, crc=crc)
    return mutated(framed(segment, sm4_key=key, crc=crc), rng)


def read(frame: Frame) -> str:
    """As far as it goes; the name of where it ended."""
    if not frame.segment:
        return frame.reason
    packet = parse(frame.segment, KEY)
    if isinstance(packet, Malformed):
        return packet.reason
    answer_to(packet, frame.verdict)
    _ = packet.sent_at, packet.data_at
    sample = readings_of(packet)
    return sample.reason if isinstance(sample, NoTime) else "no readings" if sample is None else "readings"


def frame_case(rng: random.Random, outcome: Outcome) -> bytes:
    before, after = _good(rng), _good(rng)
    sent = before + _frame(rng) + after
    outcome.cases += 1
    cut = rng.randrange(len(sent))
    framer = Framer(rng.choice((None, KEY)))
    frames = framer.feed(sent[:cut]) + framer.feed(sent[cut:]) + framer.finish()
    passed = [f.raw for f in frames if f.verdict is FrameVerdict.PASS]
    if before.rstrip() not in passed or after.rstrip() not in passed:
        outcome.lost.append(repr(sent))
    outcome.reasons.update(read(f) for f in frames)
    return sent


def payload_case(rng: random.Random, outcome: Outcome) -> bytes:
    outcome.cases += 1
    topic, payload = (
        rng.choice(_JSON) if rng.random() < 0.7 else ("hj212/FW0000000000000000000002/up", _frame(rng))
    )
    if rng.random() < 0.1:
        topic = mutated(topic.encode(), rng).decode("utf-8", "replace")
    payload = mutated(payload, rng)
    decoded = normalise(topic, payload, NOW, Device(sm4_key=KEY))
    outcome.reasons.update(f"payload {r.reason}" for r in decoded.refusals)
    outcome.reasons["payload measurements"] += len(decoded.measurements)
    return payload


def fuzz(count: int, seed: int, every: Callable[[int], None] = lambda _: None) -> Outcome:
    """`every` is told each percent."""
    rng = random.Random(seed)
    outcome = Outcome()
    for n in range(count):
        case = payload_case if rng.random() < PAYLOAD_SHARE else frame_case
        try:
            case(rng, outcome)
        except Exception as error:  # noqa: BLE001  # that is what is looked for
            outcome.raised.append(f"case {n} of seed {seed}: {type(error).__name__}: {error}")
        if n % max(count // 100, 1) == 0:
            every(n)
    return outcome


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    args = arguments.parse_args()
    memory: list[float] = []
    started = time.monotonic()

    def note(n: int) -> None:
        memory.append(resident_mib())
        if sys.stderr.isatty():
            print(
                f"\r{n * 100 // args.count:3d} %  {memory[-1]:.1f} MiB", end="", file=sys.stderr, flush=True
            )

    outcome = fuzz(args.count, args.seed, note)
    memory.append(resident_mib())
    took_s = time.monotonic() - started
    middle = memory[len(memory) // 2]
    print(
        f"\r{outcome.cases} cases in {took_s:.0f} s, {took_s / args.count * 1e6:.0f} us each, seed {args.seed}"
    )
    print(f"resident: start {memory[0]:.1f}, middle {middle:.1f}, end {memory[-1]:.1f} MiB")
    print(f"raised {len(outcome.raised)}, neighbours lost {len(outcome.lost)}")
    for reason, times in outcome.reasons.most_common(30):
        print(f"  {times:9d}  {reason}")
    for line in (outcome.raised + outcome.lost)[:20]:
        print(line)
    grown = memory[-1] - middle > ALLOWED_GROWTH_MIB
    return 1 if outcome.raised or outcome.lost or grown else 0


if __name__ == "__main__":
    sys.exit(main())
