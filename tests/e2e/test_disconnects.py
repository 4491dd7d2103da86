"""Cameras fail in every way there is and come back: each is seen again soon, and nothing is left behind.

`make disconnects` breaks a thousand connections; here a few. FARWATCH_DISCONNECTS_SEED repeats a run.
"""

import asyncio
import gc
import logging
import os
import random
import statistics
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from benchmarks.process_tree import use
from farwatch.domain.picture import Picture, Sighting, SightingEnded
from farwatch.domain.registry import Zone
from farwatch.runtime.clock import SystemClock
from farwatch.storage.database import Pool
from ingest.cameras.patience import Patience
from ingest.cameras.worker import CameraWorker
from ingest.rtsp.auth import Credential
from ingest.rtsp.frames import Codec
from simulators.coded_loop import CLOCK_RATE, CodedLoop
from simulators.encoding import encode_pictures
from simulators.rtsp_server import RtspServer
from tests.support.bad_camera import BadLine
from tests.support.camera_house import at_work, register
from tests.support.cameras import squares
from tests.support.waiting import until

COUNT = int(os.environ.get("FARWATCH_DISCONNECTS", "20"))
SEED = int(os.environ.get("FARWATCH_DISCONNECTS_SEED", "4"))
CAMERAS = 10 if COUNT < 100 else 27
RIGHT, WRONG = ("viewer", "right"), ("viewer", "wrong")
GIVE_UP_S = 60.0
LAZY = 3
"""Threads of pools and connections to the database that begin when they are first needed."""
CLOCK = SystemClock()

pytestmark = [pytest.mark.process, pytest.mark.timeout(120 + COUNT * 2)]


CODECS = {320: Codec.H264, 240: Codec.H264, 256: Codec.H265, 192: Codec.MJPEG}
"""By the width of the pictures, which says what was decoded."""


@cache
def loop(width: int) -> CodedLoop:
    """Three seconds, ten pictures a second, a key frame each second."""
    return encode_pictures(squares(30, width, width * 3 // 4), rate=10, codec=CODECS[width])


class OwnClock(SystemClock):
    """A camera's, which may be set."""

    ahead_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)


@dataclass
class Eye:
    """A detector that only notes when it last saw which camera, and how wide the picture was."""

    rule, version, wants_every_frame = "smoke", "test", False
    seen: dict[str, tuple[datetime, int]]

    def observe(self, picture: Picture) -> Sequence[Sighting | SightingEnded]:
        self.seen[picture.camera] = (picture.at, picture.width)
        return ()


@dataclass
class Place:
    """A camera, the line to it, and the account that we use."""

    name: str
    accounts: dict[str, tuple[str, str]]
    dice: random.Random
    width: int = 320
    line: BadLine = field(init=False)

    def __post_init__(self) -> None:
        self.clock = OwnClock()
        self.server = RtspServer(self.clock)

    def show(self) -> None:
        self.server.show(f"/{self.name}", loop(self.width), Credential(*RIGHT))

    async def stay_away(self, at_least_s: float = 0.5, at_most_s: float = 8.0) -> None:
        await asyncio.sleep(self.dice.uniform(at_least_s, at_most_s))


async def refused(place: Place) -> None:
    await place.line.refuse()
    await place.stay_away()
    await place.line.listen()


async def reset(place: Place) -> None:
    place.line.reset()


async def silence(place: Place) -> None:
    """Longer than a reader waits for a picture."""
    place.line.flows.clear()
    await place.stay_away(Patience().idle_timeout_s + 0.5, Patience().idle_timeout_s + 4)
    place.line.flows.set()


async def half_a_packet(place: Place) -> None:
    place.line.hang_up(b"$\x00\x05\x78\x80\x60" + bytes(300))


async def wrong_password(place: Place) -> None:
    place.accounts[place.name] = WRONG
    place.line.reset()
    await place.stay_away()
    place.accounts[place.name] = RIGHT


async def not_found(place: Place) -> None:
    place.server.hide(f"/{place.name}")
    await place.stay_away()
    place.show()


async def other_size(place: Place) -> None:
    """In the middle of the stream; nobody is told."""
    place.width = 240 if place.width == 320 else 320
    place.show()


async def other_codec(place: Place) -> None:
    place.width = place.dice.choice([width for width in CODECS if CODECS[width] is not CODECS[place.width]])
    place.show()


async def clock_jump(place: Place) -> None:
    """Somebody sets the camera's clock, and its packets' time jumps with it."""
    by_s = place.dice.choice((-1, 1)) * place.dice.uniform(10, 100_000)
    place.clock.ahead_s += by_s
    place.server._feeds[f"/{place.name}"]._timestamp_base += round(by_s * CLOCK_RATE)


async def corrupt_data(place: Place) -> None:
    def mangle(data: bytes) -> bytes:
        broken = bytearray(data)
        for _ in range(1 + len(data) // 700):
            broken[place.dice.randrange(len(broken))] = place.dice.randrange(256)
        return bytes(broken)

    place.line.mangle = mangle
    await place.stay_away(1, 4)
    place.line.mangle = bytes


KINDS: tuple[Callable[[Place], Awaitable[None]], ...] = (
    refused, reset, silence, half_a_packet, wrong_password, not_found, other_size, other_codec, clock_jump, corrupt_data,
)  # fmt: skip


@dataclass(frozen=True)
class Left:
    """What this process holds."""

    threads: int
    files: int
    resident_mb: float

    @classmethod
    def now(cls) -> "Left":
        gc.collect()
        resident_mb = use(os.getpid()).resident_bytes / 1e6
        return cls(threading.active_count(), len(list(Path("/proc/self/fd").iterdir())), resident_mb)


@dataclass
class House:
    pool: Pool
    places: list[Place]
    seen: dict[str, tuple[datetime, int]]
    recoveries: dict[str, list[float]] = field(default_factory=dict)

    async def all_seen(self, since: datetime) -> None:
        for place in self.places:
            await self._seen_again(place, since)

    async def _seen_again(self, place: Place, since: datetime) -> datetime:
        async def last() -> tuple[datetime, int]:
            return self.seen.get(place.name, (datetime.min.replace(tzinfo=since.tzinfo), 0))

        seen = await until(last, lambda s: s[0] > since and s[1] == place.width, within_s=GIVE_UP_S)
        return seen[0]

    async def strike(self, place: Place, kind: Callable[[Place], Awaitable[None]]) -> None:
        await kind(place)
        back_at = CLOCK.now()
        try:
            seen_at = await self._seen_again(place, back_at)
        except AssertionError as error:
            raise AssertionError(f"{place.name} after {kind.__name__}: {error}") from None
        self.recoveries.setdefault(kind.__name__, []).append((seen_at - back_at).total_seconds())


@asynccontextmanager
async def house(pool: Pool, data_dir: Path) -> AsyncIterator[House]:
    seen: dict[str, tuple[datetime, int]] = {}
    accounts: dict[str, tuple[str, str]] = {}

    def detectors(zones: Sequence[Zone]) -> list[Eye]:
        return [Eye(seen)]

    worker = CameraWorker(
        pool=pool, data_dir=data_dir, clock=CLOCK, detectors=detectors, credentials=accounts
    )
    places = [Place(f"c{i}", accounts, random.Random(SEED * 1000 + i)) for i in range(CAMERAS)]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for place in places:
            bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            group.create_task(place.server.serve("127.0.0.1", 0, stop, bound.set_result))
            place.line = BadLine(await bound)
            await place.line.listen()
            place.show()
            accounts[place.name] = RIGHT
        async with at_work(worker):
            for place in places:
                url = f"rtsp://127.0.0.1:{place.line.port}/{place.name}"
                await register(pool, place.name, url, credential=place.name)
            yield House(pool, places, seen)
        for place in places:
            await place.line.refuse()
        stop.set()


@pytest.fixture
def unrecorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest keeps every record, with it the error that it tells of, and with that the reader that raised it."""
    monkeypatch.setattr(logging.getLogger("ingest.cameras.watching"), "disabled", True)


async def test_cameras_that_fail_in_every_way_are_seen_again_soon_and_leave_nothing_behind(
    pool: Pool, data_dir: Path, unrecorded: None
) -> None:
    async with house(pool, data_dir) as us:
        await us.all_seen(since=CLOCK.now())
        strikes = [kind for _ in range(COUNT // len(KINDS) + 1) for kind in KINDS][:COUNT]
        random.Random(SEED).shuffle(strikes)

        async def suffer(place: Place, mine: Sequence[Callable[[Place], Awaitable[None]]]) -> None:
            for kind in mine:
                await us.strike(place, kind)

        async def round_of(struck: Sequence[Callable[[Place], Awaitable[None]]]) -> Left:
            async with asyncio.TaskGroup() as group:
                for i, place in enumerate(us.places):
                    group.create_task(suffer(place, struck[i :: len(us.places)]))
            await us.all_seen(since=CLOCK.now())
            return Left.now()

        size = max(COUNT // 5, len(us.places))
        left = [await round_of(strikes[i : i + size]) for i in range(0, COUNT, size)]
    medians = {kind: round(statistics.median(times), 2) for kind, times in us.recoveries.items()}
    times = sorted(t for several in us.recoveries.values() for t in several)
    sys.stdout.write(
        f"{len(times)} disconnects; recovery median {statistics.median(times):.2f} s, by kind {medians}, "
        f"longest {times[-1]:.1f} s\n"
    )
    sys.stdout.write("".join(f"{held}\n" for held in left))
    warm, cold = left[len(left) // 3], left[-1]
    assert len(times) == COUNT
    assert statistics.median(times) < 3
    assert cold.threads <= warm.threads + LAZY
    assert cold.files <= warm.files + LAZY
    assert cold.resident_mb < warm.resident_mb + 16
