"""`make soak-cameras`: sixty 1080p cameras over RTSP on two cores for half an hour, beside 500 MQTT messages a second.

First the monitors alone, then the same load with the cameras: what it does to the time from a publish to a finding, whether any
camera's last picture grows old, whether memory grows. The cameras' server, the broker and PostgreSQL run on the same two cores.
Ends with one line of JSON; exit code 1 when a target is missed.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from benchmarks import camera_material as material
from benchmarks.camera_house import Show, cameras_on_air, online, register
from benchmarks.house import Database, found_city, generate, run
from benchmarks.process_tree import resident_mb, use
from benchmarks.sensors import finding_times, quantiles
from farwatch.storage.database import open_pool
from tests.support.mosquitto import Mosquitto
from tests.support.service import Service
from tests.support.waiting import until

CORES, BUSY = 2, 6
MESSAGES_PER_S, STATIONS, VALUES = 500, 2000, 10
OVER_EVERY = 501
"""A finding a second, of a station that had none before, with and without cameras alike."""
SETTLE_S = 20.0
MOST_STALE_S, MOST_TIMES_SLOWER, MOST_MB_PER_MINUTE = 5.0, 1.5, 1.0
AGE = "farwatch_camera_last_frame_age_seconds"


@dataclass(slots=True)
class Watched:
    """What was seen of the service, second by second, and how often a process of it was replaced."""

    restarts: int = 0

    longest_age_s: dict[str, float] = field(default_factory=dict)
    memory: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    def note(self, ages: dict[str, float], memory_mb: dict[str, float], now_s: float) -> None:
        if ages and max(ages.values()) > MOST_STALE_S:
            old = sum(age_s > MOST_STALE_S for age_s in ages.values())
            say(
                f"{now_s:.0f} s: {old} cameras are stale, the oldest picture is {max(ages.values()):.1f} s old"
            )
        for camera, age_s in ages.items():
            self.longest_age_s[camera] = max(age_s, self.longest_age_s.get(camera, 0.0))
        self.memory.append((now_s, memory_mb))
        if len(self.memory) % 60 == 1:
            say(
                f"{now_s:.0f} s: "
                + ", ".join(f"{role} {mb:.0f} MB" for role, mb in self.memory[-1][1].items())
            )


def look(data_dir: Path, pid: int) -> tuple[dict[str, float], dict[str, float]]:
    """The cameras' ages and the processes' memory."""
    return last_frame_ages(data_dir), resident_mb(pid)


def last_frame_ages(data_dir: Path) -> dict[str, float]:
    """By camera, as its worker says it each second; a worker that falls silent lets them grow."""
    ages: dict[str, float] = {}
    for file in data_dir.glob("metrics/*/gauge_mostrecent_*.db"):
        for key, value, said_at, _ in MmapedDict.read_all_values_from_file(str(file)):
            name, _, labels, _ = json.loads(key)
            if name == AGE:
                age_s = value + max(0.0, time.time() - said_at)
                ages[labels["camera"]] = min(age_s, ages.get(labels["camera"], age_s))
    return ages


def slope_mb_per_minute(samples: list[tuple[float, dict[str, float]]], after_s: float, role: str) -> float:
    late = [(at, by_role.get(role, 0.0)) for at, by_role in samples if at >= after_s]
    return statistics.linear_regression(*zip(*late, strict=True)).slope * 60


async def settle() -> None:
    await asyncio.sleep(SETTLE_S)


async def latencies_ms(
    url: str, port: int, seconds: float, begin: Callable[[], Awaitable[None]] = settle
) -> list[float]:
    """Publish to finding, of messages over the limit among those that are sent at the fixed rate; `begin` goes before."""
    count = int(MESSAGES_PER_S * seconds)
    seen: dict[str, float] = {}
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(finding_times(url, seen))
        sent = await generate(
            port, begin=begin, rate=MESSAGES_PER_S, count=count, stations=STATIONS, values=VALUES, step=STATIONS / MESSAGES_PER_S,
            over_every=OVER_EVERY,
        )  # fmt: skip

        async def found() -> int:
            return len(seen)

        await until(found, lambda n: n >= len(sent.over), within_s=60)
        watching.cancel()
    return sorted(1000 * (seen[mn] - at) for mn, at in sent.over.items())


async def alone(folder: Path, database: Database, seconds: float) -> list[float]:
    url = await database.fresh("alone")
    await found_city(url, stations=STATIONS, values=VALUES)
    broker = Mosquitto(folder / "broker-alone", autosave_s=10)
    service = Service(folder / "alone", database_url=url, mqtt_url=broker.url)
    broker.start()
    try:
        await start(service, "intake,engine")
        return await latencies_ms(url, broker.port, seconds)
    finally:
        service.stop_if_running()
        broker.stop()


async def start(service: Service, roles: str) -> None:
    service.start(roles)
    await service.says("connected to the broker")
    await service.says("the engine runs")


async def together(
    folder: Path, database: Database, given: argparse.Namespace, shows: list[Show]
) -> tuple[list[float], Watched, float]:
    """Latencies, what was watched, and the share of a core of the whole service."""
    url = await database.fresh("together")
    await found_city(url, stations=STATIONS, values=VALUES)
    broker = Mosquitto(folder / "broker", autosave_s=10)
    service = Service(folder / "together", database_url=url, mqtt_url=broker.url)
    broker.start()
    try:
        with cameras_on_air(shows) as base:
            await start(service, "intake,engine,cameras")
            async with open_pool(url) as pool:
                await register(pool, {show.path.strip("/"): base + show.path for show in shows})
                await until(lambda: online(pool), lambda n: n >= len(shows), within_s=120)
            return await watched_load(service, url, broker.port, 60 * given.minutes)
    except AssertionError:
        say(service.log[-4000:])
        raise
    finally:
        service.stop_if_running()
        broker.stop()


async def watched_load(
    service: Service, url: str, port: int, seconds: float
) -> tuple[list[float], Watched, float]:
    seen, loop, begun = Watched(), asyncio.get_running_loop(), asyncio.Event()

    async def begin() -> None:
        await settle()
        begun.set()

    # In another process: while this one looks, it hears of no finding.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as watcher:
        await loop.run_in_executor(watcher, look, service.data_dir, service.pid)
        async with asyncio.TaskGroup() as group:
            load = group.create_task(latencies_ms(url, port, seconds, begin))
            await begun.wait()
            began_s, cpu_s = loop.time(), use(service.pid).cpu_s
            while not load.done():
                looked = await loop.run_in_executor(watcher, look, service.data_dir, service.pid)
                seen.note(*looked, loop.time() - began_s)
                await asyncio.sleep(1)
        share = (use(service.pid).cpu_s - cpu_s) / (loop.time() - began_s)
    told = [line for line in service.log.splitlines() if "starting it again" in line or "stood still" in line]
    seen.restarts = len(told)
    say("\n".join(told[:20]))
    return load.result(), seen, share


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def main(given: argparse.Namespace) -> bool:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    given.data.mkdir(parents=True, exist_ok=True)
    quiet = material.quiet_loop(given.data, given.clips)
    busy = material.busy_loop(given.data, given.clips)
    shows = [Show(f"/c{i}", busy if i < min(BUSY, given.cameras) else quiet) for i in range(given.cameras)]
    with tempfile.TemporaryDirectory(prefix="farwatch-soak-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the embedded server runs as another user when we are root
        database = Database(folder, None)
        database.start()
        try:
            before = quantiles(await alone(folder, database, given.alone_seconds))
            say(f"publish to finding without cameras: {before}")
            latencies, seen, share = await together(folder, database, given, shows)
        finally:
            database.stop()
    after, stale = quantiles(latencies), max(seen.longest_age_s.values())
    slopes = {
        role: slope_mb_per_minute(seen.memory, min(300.0, 30.0 * given.minutes), role)
        for role in seen.memory[-1][1]
    }
    times = after["p99"] / before["p99"]
    met = {
        "stale": len(seen.longest_age_s) == given.cameras and stale <= MOST_STALE_S,
        "p99": times <= MOST_TIMES_SLOWER,
        "memory": sum(slopes.values()) < MOST_MB_PER_MINUTE,
    }
    us = {
        "cameras": given.cameras, "minutes": given.minutes, "longest_stale_s": round(stale, 2),
        "cameras_stale": sum(age_s > MOST_STALE_S for age_s in seen.longest_age_s.values()),
        "sensor_ms_without_cameras": before, "sensor_ms_with_cameras": after, "times_slower": round(times, 2),
        "p99_ms_more": round(after["p99"] - before["p99"], 1),
        "memory_mb": round(sum(seen.memory[-1][1].values())), "memory_mb_per_minute": round(sum(slopes.values()), 2),
        "memory_mb_per_minute_by_role": {role: round(slope, 2) for role, slope in slopes.items()},
        "restarts": seen.restarts, "cores_of_service": round(share, 2),
    }  # fmt: skip
    machine = {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    print(json.dumps({"us": us, "met": met, "machine": machine}))
    return all(met.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument(
        "--alone-seconds",
        type=float,
        default=600,
        help="of the load without cameras; PostgreSQL's checkpoints come every five minutes",
    )
    parser.add_argument("--cameras", type=int, default=60)
    parser.add_argument("--clips", type=Path, default=Path("../shared/clips"), help="folder with INDEX.csv")
    parser.add_argument("--data", type=Path, default=Path("data/bench-cameras"), help="coded material")
    sys.exit(0 if run(main(parser.parse_args())) else 1)
