"""`make bench-main`: from a published message to a committed reading and an opened task, beside a plain loop.

Us: mosquitto -> `farwatch serve --roles intake,engine` -> PostgreSQL, acknowledged after the commit. Peer: the loop that one writes
first, aiomqtt's own iterator, json.loads, one INSERT a value (aiomqtt acknowledges before the INSERT). The same kind of broker,
the same database server, the same messages, one run. Ends with one line of JSON.
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
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt

from benchmarks.house import run
from farwatch.storage.database import Pool, connect, open_pool
from farwatch.storage.migration import migrate
from server.embedded.postgres import EmbeddedPostgres
from tests.support.city import settle
from tests.support.monitors import FastPublisher, message
from tests.support.mosquitto import Mosquitto
from tests.support.service import Service
from tests.support.waiting import until

STATIONS = 50
CODES = tuple(f"a{n}" for n in range(5))
TASKS = 40


def load(count: int, start: datetime) -> list[tuple[str, bytes]]:
    """`count` messages of five values each, every station each 0.5 s of event time, all under the limit."""
    return [
        (
            f"farwatch/v1/MN{i % STATIONS + 1}/rtd",
            message(
                start + timedelta(seconds=0.5 * (i // STATIONS)),
                {c: 10.0 + (i + k) % 9 for k, c in enumerate(CODES)},
            ),
        )
        for i in range(count)
    ]


async def count(pool: Pool, sql: str) -> int:
    return int(await pool.fetchval(sql) or 0)


async def throughput(pool: Pool, broker: Mosquitto, messages: list[tuple[str, bytes]], sql: str) -> float:
    """Seconds from the first publish until every value is in a committed row."""
    publisher = FastPublisher(broker.port)
    began = time.perf_counter()
    publisher.publish(messages)
    await asyncio.to_thread(publisher.finish, 300)
    await until(lambda: count(pool, sql), lambda n: n >= len(messages) * len(CODES), within_s=300)
    return time.perf_counter() - began


async def publish_to_task_ms(pool: Pool, broker: Mosquitto) -> list[float]:
    """From handing the deciding message to the client until the task's row was opened, by this machine's one clock."""
    publisher = FastPublisher(broker.port)
    published: dict[str, datetime] = {}
    for n in range(1, TASKS + 1):
        now = datetime.now(UTC)
        early = [message(now - timedelta(seconds=s), {"a0": 150.0}) for s in (10, 5)]
        publisher.publish([(f"farwatch/v1/MN{n}/rtd", payload) for payload in early])
        await asyncio.sleep(0.1)
        published[f"MN{n}"] = datetime.now(UTC)
        publisher.publish([(f"farwatch/v1/MN{n}/rtd", message(now, {"a0": 150.0}))])
        await asyncio.sleep(0.15)
    await asyncio.to_thread(publisher.finish, 60)
    sql = "SELECT count(*) FROM matters WHERE station IS NOT NULL"
    await until(lambda: count(pool, sql), lambda n: n == TASKS)
    rows = await pool.fetch(
        "SELECT m.station, l.at FROM log l JOIN matters m ON m.task_id = l.task_id WHERE l.event::jsonb ->> 'type' = 'task_opened'"
    )
    return sorted((r["at"] - published[r["station"]]).total_seconds() * 1000 for r in rows)


async def plain_loop(broker: Mosquitto, url: str) -> None:
    """The peer. Runs until cancelled."""
    connection = await connect(url)
    await connection.execute("CREATE TABLE plain (mn text, code text, ts timestamptz, value float8)")
    async with aiomqtt.Client("127.0.0.1", broker.port, identifier="plain", clean_session=False) as client:
        await client.subscribe("farwatch/v1/+/+", qos=1)
        async for received in client.messages:
            body = json.loads(received.payload)  # type: ignore[arg-type]
            mn = str(received.topic).split("/")[2]
            for code, value in body["values"].items():
                await connection.execute(
                    "INSERT INTO plain VALUES ($1, $2, $3, $4)",
                    mn,
                    code,
                    datetime.fromisoformat(body["ts"]),
                    value,
                )


async def ours(
    folder: Path, postgres: EmbeddedPostgres, messages: list[tuple[str, bytes]]
) -> dict[str, object]:
    url = postgres.url()
    await migrate(url, url)
    await settle(url, stations=STATIONS, codes=CODES)
    admin = await connect(url)
    # A place and an enterprise for each station, so that no two of them become one visit.
    await admin.execute(
        "INSERT INTO enterprises (id, name, lat, lon) SELECT 'F' || mn, mn, 30, 120 FROM stations;"
        "UPDATE stations SET enterprise = 'F' || mn, lat = 29.91 + 0.003 * substr(mn, 3)::int"
    )
    await admin.execute("UPDATE registry_version SET version = version + 1")
    await admin.close()
    broker = Mosquitto(folder / "broker")
    broker.start()
    service = Service(folder / "service", database_url=url, mqtt_url=broker.url)
    try:
        service.start("intake,engine")
        await service.says("connected to the broker")
        await service.says("the engine runs")
        async with open_pool(url) as pool:
            took_s = await throughput(pool, broker, messages, "SELECT count(*) FROM readings")
            rows = await count(pool, "SELECT count(*) FROM readings")
            revisions = await count(pool, "SELECT count(*) FROM reading_revisions")
            latencies = await publish_to_task_ms(pool, broker)
    finally:
        service.stop()
        broker.stop()
    return {
        "messages_per_s": round(len(messages) / took_s),
        "readings_per_s": round(rows / took_s),
        "publish_to_task_ms": {
            "p50": round(statistics.median(latencies), 1),
            "p99": round(latencies[int(0.99 * (len(latencies) - 1))], 1),
        },
        "lost": len(messages) * len(CODES) - rows,
        "doubled": revisions,
    }


async def theirs(
    folder: Path, postgres: EmbeddedPostgres, messages: list[tuple[str, bytes]]
) -> dict[str, object]:
    admin = await connect(postgres.url("postgres"))
    await admin.execute("CREATE DATABASE plain")
    await admin.close()
    broker = Mosquitto(folder / "plain-broker")
    broker.start()
    url = postgres.url("plain")
    try:
        async with open_pool(url) as pool, asyncio.TaskGroup() as group:
            loop = group.create_task(plain_loop(broker, url))
            await until(
                lambda: count(pool, "SELECT count(*) FROM pg_class WHERE relname = 'plain'"), lambda n: n == 1
            )
            await asyncio.sleep(0.5)  # until the peer has subscribed
            took_s = await throughput(pool, broker, messages, "SELECT count(*) FROM plain")
            loop.cancel()
    finally:
        broker.stop()
    return {
        "messages_per_s": round(len(messages) / took_s),
        "readings_per_s": round(len(messages) * len(CODES) / took_s),
    }


async def main(messages: int) -> None:
    start = datetime.now(UTC) - timedelta(minutes=14)
    with tempfile.TemporaryDirectory(prefix="farwatch-bench-") as name:
        folder = Path(name)
        postgres = EmbeddedPostgres(folder / "pg")
        postgres.start()
        try:
            print(
                f"us: {messages} messages of {len(CODES)} values, then {TASKS} exceedances", file=sys.stderr
            )
            us = await ours(folder, postgres, load(messages, start))
            some = load(max(1, messages // 5), start)
            print(f"plain loop: {len(some)} of the same messages", file=sys.stderr)
            peer = await theirs(folder, postgres, some)
        finally:
            postgres.stop(immediate=True)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    print(json.dumps({"us": us, "peers": {"plain_loop": peer}, "machine": machine}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    run(main(parser.parse_args().messages))
