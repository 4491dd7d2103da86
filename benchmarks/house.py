"""What the sensor benchmarks stand on: a database, a broker, a city by rows, the service, and the load generator as a process."""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from farwatch.storage.database import Pool, connect
from farwatch.storage.migration import migrate
from server.embedded.postgres import EmbeddedPostgres

LIMIT = 50.0
REPOSITORY = Path(__file__).parents[1]
T = TypeVar("T")


def run(benchmark: Coroutine[object, object, T]) -> T:
    """asyncio.run that SIGTERM ends as Ctrl-C does: what the benchmark has started is stopped with it."""

    async def stoppable() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await benchmark

    return asyncio.run(stoppable())


class Database:
    """The server under test: `given` (an owner's address, for instance of TimescaleDB) or an embedded PostgreSQL."""

    def __init__(self, folder: Path, given: str | None, settings: dict[str, str] | None = None) -> None:
        self._given = given
        self._server = None if given else EmbeddedPostgres(folder / "pg", settings)

    @property
    def socket_dir(self) -> str | None:
        """Where the embedded server's Unix socket is."""
        return self._server.url().partition("host=")[2] if self._server else None

    @property
    def pid(self) -> int | None:
        """The embedded server's first process."""
        return self._server.pid if self._server else None

    def start(self) -> None:
        if self._server:
            self._server.start()

    def stop(self) -> None:
        if self._server:
            self._server.stop(immediate=True)

    async def fresh(self, name: str) -> str:
        """The address of a new, empty database of that name; one that is there already is dropped."""
        admin = await connect(self._given or self._server.url("postgres"))  # type: ignore[union-attr]
        try:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await admin.execute(f"CREATE DATABASE {name}")
        finally:
            await admin.close()
        if self._server:
            return self._server.url(name)
        head, _, query = str(self._given).partition("?")
        return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


async def found_city(url: str, *, stations: int, values: int) -> None:
    """A migrated database with stations MN1… of `values` channels a0…, each with a real-time limit; one team, one grid. Ten
    stations are an enterprise, nearly a kilometre from the next: what all of a city finds is not one visit."""
    await migrate(url, url)
    admin = await connect(url)
    ring = "[[[[119,29],[121,29],[121,31],[119,31],[119,29]]]]"
    try:
        await admin.execute(
            "INSERT INTO enterprises (id, name, lat, lon)"
            f" SELECT 'E' || e, 'works ' || e, 30, 119.1 + e * 0.009 FROM generate_series(1, {-(-stations // 10)}) e;"
            "INSERT INTO teams (id, name) VALUES ('T1', 'team');"
            "INSERT INTO grids (id, name, team, geometry) VALUES ('G1', 'grid', 'T1',"
            f' \'{{"type": "MultiPolygon", "coordinates": {ring}}}\');'
            "INSERT INTO stations (mn, enterprise, name, lat, lon, medium)"
            " SELECT 'MN' || n, id, 'MN' || n, lat, lon, 'air'"
            f" FROM generate_series(1, {stations}) n JOIN enterprises ON id = 'E' || (n + 9) / 10;"
            "INSERT INTO channels (mn, code, unit)"
            f" SELECT mn, 'a' || k, 'mg/m3' FROM stations, generate_series(0, {values - 1}) k;"
            "INSERT INTO limits (channel_id, kind, limit_value, converted, warn_share, valid_from)"
            f" SELECT id, 'rtd', {LIMIT}, false, 1, '2020-01-01' FROM channels;"
            "UPDATE registry_version SET version = version + 1, changed_at = now();"
            "ANALYZE"
        )
    finally:
        await admin.close()


@dataclass(frozen=True, slots=True)
class Sent:
    """What the load generator says at its end. `over` names stations and when their message over the limit left."""

    published: int
    began_at: float
    took_s: float
    cpu_s: float
    over: dict[str, float]


async def generate(
    port: int,
    stored: Callable[[], Awaitable[int]] | None = None,
    begin: Callable[[], Awaitable[None]] | None = None,
    **options: float,
) -> Sent:
    """Runs the load generator to its end. `stored` says how many messages of this run are stored: it keeps that pace. `begin` is
    awaited before the first message: to make them all takes a core for seconds."""
    arguments = [f"--{k.replace('_', '-')}={v}" for k, v in options.items()] + ["--wait"] * bool(begin)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(REPOSITORY / "benchmarks" / "load_generator.py"), f"--port={port}", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    try:
        await process.stdout.readline()  # all packets are made
        if begin:
            await begin()
            process.stdin.write(b"\n")
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(process.stdout.readline())
            while not ending.done():
                if stored:
                    process.stdin.write(b"%d\n" % await stored())
                await asyncio.wait([ending], timeout=0.1)
        said = json.loads(ending.result())
    except asyncio.CancelledError:
        process.terminate()
        raise
    finally:
        if process.returncode is None and process.stdin:
            process.stdin.close()
        await process.wait()
    return Sent(said["published"], said["began_at"], said["took_s"], said["cpu_s"], dict(said["over"]))


async def count(pool: Pool, sql: str) -> int:
    return int(await pool.fetchval(sql) or 0)
