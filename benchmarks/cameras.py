"""`make bench-cameras`: CPU seconds per camera-second, for the whole path, over RTSP from a server in another process.

Us: `farwatch serve --roles cameras` with all detectors and PostgreSQL, as shipped. Peers: a plain loop and a Frigate-like one
(benchmarks/camera_peers.py). All read the same streams in the same run; the server's cost is not counted, nor PostgreSQL's,
which is said. Quiet cameras, busy ones (a bag is left each minute), and every labelled event of a fixed camera: what does the
plain loop find that we miss? Coded material is kept in --data. Ends with one line of JSON; null: a quick run leaves it out.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from benchmarks import camera_material as material
from benchmarks.camera_house import Show, cameras_on_air, online, peer_at_work, register
from benchmarks.camera_material import Box, Event
from benchmarks.house import Database, run
from benchmarks.process_tree import Use, use
from farwatch.storage.database import Pool, open_pool
from farwatch.storage.migration import migrate
from tests.support.service import Service
from tests.support.waiting import until

RING_S = 36.0
"""Longer than the longest ring: then all of a camera's memory is in use."""
PEERS = ("plain", "frigate_like")
PEER_WARM_S, PEER_CAMERAS = 5.0, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    few: int
    many: int
    busy: int
    warm_s: float
    measure_s: float
    peer_s: float
    truth_s: float


PARTS = ("quiet", "busy", "truth")
DEFAULT = Plan(few=4, many=24, busy=6, warm_s=RING_S, measure_s=60, peer_s=30, truth_s=170)
QUICK = Plan(few=0, many=10, busy=0, warm_s=10, measure_s=20, peer_s=10, truth_s=0)


@dataclass(frozen=True, slots=True)
class House:
    """A database and `farwatch serve --roles cameras` on it."""

    pool: Pool
    service: Service
    database: Database

    def use(self) -> Use:
        return use(self.service.pid)

    async def watch(self, urls: dict[str, str]) -> None:
        before = await online(self.pool)
        await register(self.pool, urls)
        await until(lambda: online(self.pool), lambda n: n >= before + len(urls), within_s=60)


@asynccontextmanager
async def house(folder: Path, database: Database, name: str) -> AsyncIterator[House]:
    url = await database.fresh(name)
    await migrate(url, url)
    service = Service(folder / name, database_url=url)
    try:
        async with open_pool(url) as pool:
            service.start("cameras")
            yield House(pool, service, database)
    except AssertionError:
        say(service.log[-4000:])
        raise
    finally:
        service.stop_if_running()


async def core_share(pid: int, cameras: int, seconds: float) -> float:
    """Of one core, per camera, of the process and its children."""
    loop = asyncio.get_running_loop()
    before, began_s = use(pid).cpu_s, loop.time()
    await asyncio.sleep(seconds)
    return (use(pid).cpu_s - before) / (loop.time() - began_s) / cameras


async def quiet(folder: Path, database: Database, plan: Plan, loop: Path) -> tuple[float, float | None]:
    """Core share of a quiet camera, and what one more of them takes of memory with its ring full, MB."""
    with cameras_on_air([Show(f"/quiet{i}", loop) for i in range(plan.many)]) as base:
        async with house(folder, database, "quiet") as us:
            urls = {f"quiet{i}": f"{base}/quiet{i}" for i in range(plan.many)}
            first = dict(list(urls.items())[: plan.few])
            few_mb = await filled_mb(us, first, plan.warm_s) if first else None
            many_mb = await filled_mb(us, {k: v for k, v in urls.items() if k not in first}, plan.warm_s)
            postgres_s = use(database.pid).cpu_s if database.pid else 0.0
            share = await core_share(us.service.pid, plan.many, plan.measure_s)
            if database.pid:
                postgres = (use(database.pid).cpu_s - postgres_s) / plan.measure_s / plan.many
                say(f"PostgreSQL beside it, not counted: {postgres:.2%} of a core per camera")
            found = await us.pool.fetchval("SELECT count(*) FROM findings")
            say(
                f"us, {plan.many} quiet cameras: {share:.2%} of a core each, {many_mb:.0f} MB in all; {found} findings"
            )
    return share, None if few_mb is None else (many_mb - few_mb) / (plan.many - plan.few)


async def filled_mb(us: House, urls: dict[str, str], warm_s: float) -> float:
    """What the service takes of memory once these cameras are watched too, for `warm_s`."""
    await us.watch(urls)
    await asyncio.sleep(warm_s)
    return us.use().resident_bytes / 1e6


async def busy(folder: Path, database: Database, plan: Plan, loop: Path) -> float:
    with cameras_on_air([Show(f"/busy{i}", loop) for i in range(plan.busy)]) as base:
        async with house(folder, database, "busy") as us:
            await us.watch({f"busy{i}": f"{base}/busy{i}" for i in range(plan.busy)})
            await asyncio.sleep(plan.warm_s)
            share = await core_share(us.service.pid, plan.busy, 2 * plan.measure_s)
            found = await us.pool.fetch("SELECT rule, count(*) AS n FROM findings GROUP BY rule")
            said = ", ".join(f"{r['n']} {r['rule']}" for r in found) or "none"
            say(f"us, {plan.busy} busy cameras: {share:.2%} of a core each; findings: {said}")
    return share


async def peer(kind: str, plan: Plan, loop: Path) -> float:
    shows = [Show(f"/{kind}{i}", loop) for i in range(PEER_CAMERAS)]
    with cameras_on_air(shows) as base, peer_at_work(kind, [base + show.path for show in shows]) as other:
        await asyncio.sleep(PEER_WARM_S)
        share = await core_share(other.pid, PEER_CAMERAS, plan.peer_s)
    say(f"{kind}: {share:.2%} of a core per quiet camera")
    return share


async def missed(folder: Path, database: Database, plan: Plan, events: list[Event]) -> list[str]:
    """Events that the plain loop finds and we do not, watched side by side from each clip's beginning on, in a loop."""
    shows = [Show(f"/{who}/{event.name}", event.loop) for who in ("us", "plain") for event in events]
    with cameras_on_air(shows) as base:
        async with house(folder, database, "truth") as us:
            await us.watch({event.name: f"{base}/us/{event.name}" for event in events})
            with peer_at_work("plain", [f"{base}/plain/{event.name}" for event in events]) as other:
                await asyncio.sleep(plan.truth_s)
            rows = await us.pool.fetch(
                "SELECT f.camera, f.rule, e.meta->'box' AS box FROM findings f"
                " JOIN evidence e ON e.finding_id = f.id AND e.kind = 'still_marked'"
            )
    ours = [(r["camera"], r["rule"], tuple(r["box"])) for r in rows]
    theirs = [(url.rpartition("/")[2], rule, box) for url, rule, box in other.alarms]
    only_theirs = []
    for event in events:
        found, plain = is_found(event, ours), is_found(event, theirs)
        say(f"{event.name} ({event.rule}): us {_word(found)}, plain {_word(plain)}")
        only_theirs += [event.name] if plain and not found else []
    return only_theirs


def is_found(event: Event, alarms: list[tuple[str, str, Box]]) -> bool:
    return any(
        name == event.name and rule == event.rule and (event.truth is None or meets(box, event.truth))
        for name, rule, box in alarms
    )


def meets(box: Box, truth: Box) -> bool:
    return box[0] < truth[2] and truth[0] < box[2] and box[1] < truth[3] and truth[1] < box[3]


def _word(is_found: bool) -> str:
    return "finds it" if is_found else "does not"


def say(text: str) -> None:
    print(text, flush=True)


@dataclass(slots=True)
class Figures:
    """What the last line says; None: not measured."""

    share_quiet: float | None = None
    share_busy: float | None = None
    memory_mb: float | None = None
    missed: list[str] | None = None
    peers: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> str:
        cheaper = self.peers["plain"] / self.share_quiet if self.share_quiet else None
        us = {
            "core_share_quiet": _rounded(self.share_quiet, 5),
            "core_share_busy": _rounded(self.share_busy, 5),
            "times_cheaper_than_plain": _rounded(cheaper, 1),
            "memory_mb_per_camera": _rounded(self.memory_mb, 1),
            "missed": None if self.missed is None else len(self.missed),
        }
        machine = {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "opencv": cv2.__version__,
            "system": platform.platform(),
        }
        peers = {kind: {"core_share": _rounded(self.peers.get(kind), 4)} for kind in PEERS}
        return json.dumps({"us": us, "peers": peers, "machine": machine})


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


async def measure(given: argparse.Namespace, folder: Path, database: Database) -> Figures:
    plan: Plan = QUICK if given.quick else DEFAULT
    parts, figures = given.parts.split(","), Figures()
    if "quiet" in parts:
        loop = material.quiet_loop(given.data, given.clips)
        figures.share_quiet, figures.memory_mb = await quiet(folder, database, plan, loop)
        for kind in PEERS:
            if kind == "frigate_like" and shutil.which("ffmpeg") is None:
                say("the Frigate-like loop is left out: there is no ffmpeg here")
                continue
            figures.peers[kind] = await peer(kind, plan, loop)
    if "busy" in parts and plan.busy:
        figures.share_busy = await busy(folder, database, plan, material.busy_loop(given.data, given.clips))
    events = material.events(given.data, given.clips) if "truth" in parts and plan.truth_s else []
    if events:
        figures.missed = await missed(folder, database, plan, events)
    return figures


async def main(given: argparse.Namespace) -> None:
    given.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="farwatch-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the embedded server runs as another user when we are root
        database = Database(folder, given.database_url)
        database.start()
        try:
            figures = await measure(given, folder, database)
        finally:
            database.stop()
    print(figures.as_json())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: quiet cameras only")
    parser.add_argument("--parts", default=",".join(PARTS), help="some of them, by commas")
    parser.add_argument("--clips", type=Path, default=Path("../shared/clips"), help="folder with INDEX.csv")
    parser.add_argument("--data", type=Path, default=Path("data/bench-cameras"), help="coded material")
    parser.add_argument("--database-url", default=os.environ.get("DATABASE_URL"))
    run(main(parser.parse_args()))
