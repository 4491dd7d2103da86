"""Monitors that publish at a fixed rate, or as fast as what was stored allows: a process of its own, cheap on purpose.

Every packet is made before the first is sent; sending is one write each few milliseconds, and acknowledgements are only
counted. QoS 1, MQTT 3.1.1, one connection, at most `--window` packets unacknowledged. A line on standard input says how many
messages have been stored so far, and the generator stays at most `--ahead` messages in front of that. Ends with one line of JSON.
"""

import argparse
import json
import os
import selectors
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CONNACK_BYTES, PUBACK_BYTES = 4, 4
TICK_S = 0.004
NORMAL, OVER = 10.0, 80.0
"""Values: under the limit of 50 that the benchmark's registry sets, and over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to publish: `count` messages of `values` values each, by `stations` in turn; event times advance by `step_s` a round.

    Every `over_every`-th message (0: none) says that its first channel is over the limit, a station only once.
    """

    count: int
    stations: int
    values: int
    start: datetime
    step_s: float
    over_every: int = 0
    prefix: str = "MN"


def packets(plan: Plan) -> Iterator[tuple[bytes, str | None]]:
    """The packets in order, each with the station's MN where its message is over the limit."""
    rests = [_body(plan.values, k) for k in range(97)]
    told: set[str] = set()
    for i in range(plan.count):
        mn = f"{plan.prefix}{i % plan.stations + 1}"
        ts = plan.start + timedelta(seconds=plan.step_s * (i // plan.stations))
        over = plan.over_every > 0 and i % plan.over_every == plan.over_every - 1 and mn not in told
        if over:
            told.add(mn)
        first = OVER if over else NORMAL + i % 7
        stamp = ts.isoformat(timespec="milliseconds")
        payload = b'{"ts": "%s", "values": {"a0": %.1f%s}}' % (stamp.encode(), first, rests[i % 97])
        yield _publish(f"farwatch/v1/{mn}/rtd".encode(), i % 65535 + 1, payload), mn if over else None


def _body(values: int, k: int) -> bytes:
    return b"".join(b', "a%d": %.2f' % (n, NORMAL + (k * 37 + n * 11) % 997 / 100) for n in range(1, values))


def _publish(topic: bytes, packet_id: int, payload: bytes) -> bytes:
    rest = struct.pack("!H", len(topic)) + topic + struct.pack("!H", packet_id) + payload
    return b"\x32" + _length(len(rest)) + rest


def _length(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def connect(port: int, client_id: str = "load") -> socket.socket:
    """A connected session on 127.0.0.1. Raises ConnectionError when the broker refuses."""
    link = socket.create_connection(("127.0.0.1", port), timeout=10)
    name = client_id.encode()
    rest = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack("!H", len(name)) + name
    link.sendall(b"\x10" + _length(len(rest)) + rest)
    answer = link.recv(CONNACK_BYTES)
    if len(answer) < CONNACK_BYTES or answer[3] != 0:
        raise ConnectionError("the broker refuses the load generator")
    return link


class Sender:
    """Sends ready packets over one connection and counts what is acknowledged."""

    def __init__(
        self, link: socket.socket, ready: list[tuple[bytes, str | None]], window: int, ahead: int
    ) -> None:
        self._link = link
        self._ready = ready
        self._window = window
        self._ahead = ahead
        self._watch = selectors.DefaultSelector()
        self._watch.register(link, selectors.EVENT_READ, self._take_acknowledgements)
        if ahead:
            os.set_blocking(sys.stdin.fileno(), False)
            self._watch.register(sys.stdin, selectors.EVENT_READ, self._take_stored)
        self._spare = self._stored = 0
        self.sent = self.acknowledged = 0
        self.over: list[tuple[str, float]] = []

    def run(self, rate: float, seconds: float) -> float:
        """Sends everything, or for `seconds`: `rate` a second, 0 as fast as allowed. Returns the seconds until the last
        acknowledgement."""
        began = time.monotonic()
        last = len(self._ready)
        while self.acknowledged < last:
            if seconds and time.monotonic() - began >= seconds:
                last = min(last, self.sent)
            room = min(last, self.acknowledged + self._window)
            if self._ahead:
                room = min(room, self._stored + self._ahead)
            if rate:
                room = min(room, int((time.monotonic() - began) * rate))
            if room > self.sent:
                self._send(room)
            for key, _ in self._watch.select(TICK_S):
                key.data()
        return time.monotonic() - began

    def _send(self, until: int) -> None:
        until = min(until, self.sent + 256)
        burst = self._ready[self.sent : until]
        at = time.time()
        self.over.extend((mn, at) for _, mn in burst if mn)
        self._link.sendall(b"".join(packet for packet, _ in burst))
        self.sent = until

    def _take_acknowledgements(self) -> None:
        data = self._link.recv(65536)
        if not data:
            raise ConnectionError("the broker closed the load generator's connection")
        whole, self._spare = divmod(self._spare + len(data), PUBACK_BYTES)
        self.acknowledged += whole

    def _take_stored(self) -> None:
        lines = os.read(sys.stdin.fileno(), 65536).split()
        if lines:
            self._stored = int(lines[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument(
        "--rate", type=float, default=0, help="messages a second; 0: as fast as --window and --ahead allow"
    )
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long; 0: when all is sent")
    parser.add_argument("--stations", type=int, default=1000)
    parser.add_argument("--values", type=int, default=10)
    parser.add_argument("--window", type=int, default=4000)
    parser.add_argument(
        "--ahead",
        type=int,
        default=0,
        help="messages in front of what standard input says is stored; 0: no limit",
    )
    parser.add_argument(
        "--start-ago", type=float, default=0, help="seconds before now at which event times begin"
    )
    parser.add_argument(
        "--step", type=float, default=0.5, help="seconds of event time between two messages of a station"
    )
    parser.add_argument("--over-every", type=int, default=0)
    parser.add_argument(
        "--wait",
        action="store_true",
        help="for a line on standard input, between `ready` and the first message",
    )
    given = parser.parse_args()
    plan = Plan(
        count=given.count, stations=given.stations, values=given.values, step_s=given.step, over_every=given.over_every,
        start=datetime.now(UTC) - timedelta(seconds=given.start_ago),
    )  # fmt: skip
    sender = Sender(connect(given.port), list(packets(plan)), given.window, given.ahead)
    print("ready", flush=True)
    if given.wait:
        sys.stdin.readline()
    prepared_s, began_at = time.process_time(), time.time()
    took_s = sender.run(given.rate, given.seconds)
    cpu_s = time.process_time() - prepared_s
    said = {
        "published": sender.sent,
        "began_at": began_at,
        "took_s": took_s,
        "cpu_s": cpu_s,
        "over": sender.over,
    }
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
