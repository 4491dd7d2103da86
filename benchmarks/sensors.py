"""`make bench-sensors`: durable readings a second, from an MQTT publish to a committed row, and from a publish to a finding.

The load generator, mosquitto, PostgreSQL and `farwatch serve` share this machine. Each message is acknowledged to the broker
after its commit. Counted in rows against what was published: nothing lost, nothing doubled. Then what the parts reach alone, and
Node-RED. Ends with one line of JSON. `--database-url` (an owner's) measures on a server of your own, such as TimescaleDB.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import node_red
from benchmarks.ceilings import bare_aiomqtt_messages_per_s, idempotent_rows_per_s
from benchmarks.house import Database, Sent, count, found_city, generate, run
from farwatch.storage.database import Pool, connect, open_pool
from tests.support.mosquitto import Mosquitto
from tests.support.service import Service
from tests.support.waiting import until

STATIONS, VALUES = 1000, 10
MOST_MESSAGES_PER_S = 12_000
AHEAD = 8_000
"""Messages in the broker at most in the run for the highest rate: two seconds of the wanted rate."""
LATENCY_RATE, LATENCY_OVER_EVERY = 1000, 59
STORED = "SELECT coalesce(sum(readings), 0)::bigint FROM reading_counts"
_FOUND_SINCE = "SELECT station, found_at FROM findings WHERE rule = 'limit_rtd' AND found_at > $1"
"""Only what is new: to read all of them each time would be measured with it, and be the more the longer a run is."""


@dataclass(frozen=True, slots=True)
class Run:
    """One load, with how long the last commit came after the last acknowledgement to the publisher."""

    sent: Sent
    drain_s: float

    @property
    def messages_per_s(self) -> float:
        return self.sent.published / (self.sent.took_s + self.drain_s)


class House:
    """Everything that runs while we are measured; `published` counts all runs."""

    def __init__(self, pool: Pool, broker: Mosquitto) -> None:
        self.pool = pool
        self._broker = broker
        self.published = 0

    async def load(self, **options: float) -> Run:
        before = self.published

        async def stored() -> int:
            return await count(self.pool, STORED) // VALUES - before

        sent = await generate(
            self._broker.port,
            stored if options.get("ahead") else None,
            stations=STATIONS,
            values=VALUES,
            **options,
        )
        began = time.perf_counter()
        await until(stored, lambda n: n >= sent.published, within_s=300)
        self.published += sent.published
        return Run(sent, time.perf_counter() - began)

    async def errors(self) -> tuple[int, int]:
        """Lost and doubled, in readings."""
        rows = await count(self.pool, "SELECT count(*) FROM readings")
        again = await count(self.pool, STORED) - rows
        return self.published * VALUES - rows, again + await count(
            self.pool, "SELECT count(*) FROM reading_revisions"
        )


async def finding_times(url: str, seen: dict[str, float]) -> None:
    """For ever: when each station's finding could first be read by another connection."""
    listener = await connect(url)
    woken, since = asyncio.Event(), datetime.min.replace(tzinfo=UTC)
    try:
        await listener.add_listener("farwatch_findings", lambda *_: woken.set())
        while True:
            await woken.wait()
            woken.clear()
            for row in await listener.fetch(_FOUND_SINCE, since):
                seen.setdefault(row["station"], time.time())
                since = max(since, row["found_at"])
    finally:
        listener.terminate()


async def publish_to_finding_ms(house: House, url: str, seconds: float) -> list[float]:
    seen: dict[str, float] = {}
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(finding_times(url, seen))
        run = await house.load(
            count=int(LATENCY_RATE * seconds),
            rate=LATENCY_RATE,
            step=STATIONS / LATENCY_RATE,
            over_every=LATENCY_OVER_EVERY,
        )
        over = run.sent.over

        async def found() -> int:
            return len(seen)

        await until(found, lambda n: n >= len(over))
        watching.cancel()
    return sorted(1000 * (seen[mn] - at) for mn, at in over.items())


async def ours(
    folder: Path, database: Database, broker: Mosquitto, given: argparse.Namespace
) -> dict[str, object]:
    url = await database.fresh("sensors")
    await found_city(url, stations=STATIONS, values=VALUES)
    service = Service(folder / "service", database_url=url, mqtt_url=broker.url)
    try:
        service.start(given.roles)
        await service.says("connected to the broker")
        await service.says("the engine runs")
        async with open_pool(url) as pool:
            house = House(pool, broker)
            say(
                f"synchronous_commit is {await pool.fetchval('SHOW synchronous_commit')}, fsync {await pool.fetchval('SHOW fsync')}"
            )
            # Event times of the three loads follow each other, none of them late or out of order.
            most = int(MOST_MESSAGES_PER_S * given.seconds)
            highest = await house.load(
                count=most, seconds=given.seconds, ahead=AHEAD, start_ago=840, step=600 * STATIONS / most
            )
            say(
                f"as fast as it goes for {highest.sent.took_s:.0f} s: {highest.messages_per_s:.0f} messages/s"
            )
            latencies = await publish_to_finding_ms(house, url, given.latency_seconds)
            say(
                f"publish to finding at {LATENCY_RATE} messages/s: {len(latencies)} findings, {quantiles(latencies)}"
            )
            fixed = await house.load(
                count=int(given.rate * given.seconds),
                rate=given.rate,
                step=STATIONS / given.rate,
            )
            say(
                f"arriving at {given.rate} messages/s for {fixed.sent.took_s:.0f} s: the last committed {fixed.drain_s:.2f} s later"
            )
            lost, doubled = await house.errors()
    except AssertionError:
        say(service.log[-4000:])
        raise
    finally:
        service.stop()
    say(f"load generator: {highest.sent.cpu_s / highest.sent.took_s:.0%} of a core")
    return {
        "messages_per_s": round(highest.messages_per_s),
        "readings_per_s": round(highest.messages_per_s * VALUES),
        "lost": lost,
        "doubled": doubled,
        "publish_to_finding_ms": quantiles(latencies),
    }


def quantiles(ordered: list[float]) -> dict[str, float]:
    return {
        "p50": round(statistics.median(ordered), 1),
        "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 1),
    }


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def peers(folder: Path, database: Database, given: argparse.Namespace) -> dict[str, int | None]:
    seconds = given.peer_seconds
    ways = await idempotent_rows_per_s(
        database, channels=STATIONS * VALUES, batch_rows=20_000, seconds=seconds
    )
    say(f"idempotent rows/s without a broker: {ways}")
    broker = Mosquitto(folder / "bare", autosave_s=10)
    broker.start()
    try:
        bare = await bare_aiomqtt_messages_per_s(broker, stations=STATIONS, values=VALUES, seconds=seconds)
        say(f"aiomqtt without a database: {bare} messages/s")
        readings: int | None = None
        try:
            readings = await node_red.readings_per_s(
                folder / "node-red", database, broker, stations=STATIONS, values=VALUES, seconds=seconds
            )
        except node_red.NodeRedMissingError as reason:
            say(f"Node-RED is left out: {reason}")
    finally:
        broker.stop()
    return {
        "idempotent_rows_per_s": max(ways.values()),
        "bare_aiomqtt_messages_per_s": bare,
        "node_red_readings_per_s": readings,
    }


async def main(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="farwatch-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the embedded server runs as another user when we are root
        database = Database(folder, given.database_url)
        database.start()
        broker = Mosquitto(folder / "broker", autosave_s=10)  # as shipped
        broker.start()
        try:
            us = await ours(folder, database, broker, given)
            broker.stop()
            theirs = await peers(folder, database, given)
        finally:
            broker.stop()
            database.stop()
    us["share_of_database_ceiling"] = round(
        int(str(us["readings_per_s"])) / (theirs["idempotent_rows_per_s"] or 1), 3
    )
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    print(json.dumps({"us": us, "peers": theirs, "machine": machine}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="of each of the two loads")
    parser.add_argument("--rate", type=float, default=4000, help="messages a second of the fixed load")
    parser.add_argument("--latency-seconds", type=float, default=30)
    parser.add_argument("--peer-seconds", type=float, default=10)
    parser.add_argument("--roles", default="intake,engine")
    parser.add_argument("--database-url", default=os.environ.get("DATABASE_URL"))
    run(main(parser.parse_args()))
