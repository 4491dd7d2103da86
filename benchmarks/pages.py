"""From the commit of a finding to the offer on the officer's page, with hundreds of pages open: `make bench-pages`.

The service runs as it does in production (engine and web as processes of their own, PostgreSQL beside them); the pages are event
streams over real sockets in another process, four for each of a hundred officers and the rest walls that see everything. Findings
come one after the other, each of its own place, so that each becomes a task. Every page of the officer who is asked counts; what
the walls see is told beside it.
`phases_ms` says where half and 99 of 100 of the time went: until the engine took the finding up, until it had decided, and from
there through commit, log and web process onto the page. Prints one JSON object; exit 1 when the 99th percentile is 300 ms or
more, or an offer is missing.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.house import Database, run
from farwatch.domain.finding import Finding, Kind, Reason, Tier
from farwatch.domain.place import Position
from farwatch.storage import sessions
from farwatch.storage.database import Pool, open_pool, transaction
from farwatch.storage.findings import insert_findings
from farwatch.storage.migration import migrate
from tests.support.mosquitto import free_port
from tests.support.service import Service
from tests.support.waiting import until

OFFICERS = 100
WALL_SHARE = 5
"""One page in so many is a wall, which sees everything."""
PAGES_PER_SESSION = 10
P99_MS = 300.0
POLICY = "[storm]\ntasks = 10000\n"
"""Twenty tasks a minute are a storm, which would take them together."""
REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds; `offers`: how many findings became an offer that its officer saw, `seen` times on all their pages."""

    pages: int
    findings: int
    offers: int
    seen: int
    p50_ms: float
    p99_ms: float
    most_ms: float
    walls_p99_ms: float
    phases_ms: dict[str, tuple[float, float]]


async def settle(pool: Pool, officers: int) -> None:
    """One grid of a team of officers who stand in a row, each with an account; and walls."""
    ring = "[[[[119,29],[121,29],[121,31],[119,31],[119,29]]]]"
    await pool.execute(
        "INSERT INTO teams (id, name) VALUES ('t', 't'); INSERT INTO grids (id, name, team, geometry) VALUES ('g', 'g', 't',"
        f' \'{{"type": "MultiPolygon", "coordinates": {ring}}}\');'
        "INSERT INTO officers (id, name, team, lat, lon, shift)"
        f" SELECT 'o' || n, 'o' || n, 't', 29.5 + 0.01 * n, 120, 'always' FROM generate_series(0, {officers - 1}) n;"
        "INSERT INTO users (name, role, officer, password_hash) SELECT id, 'officer', id, 'x' FROM officers;"
        "INSERT INTO users (name, role, password_hash) VALUES ('wall', 'centre', 'x')"
    )
    await pool.execute("INSERT INTO policies (toml) VALUES ($1)", POLICY)
    await pool.execute("UPDATE registry_version SET version = version + 1")


async def sessions_for(pool: Pool, pages: int, officers: int) -> list[tuple[str, str]]:
    """For each page a session's token and whose it is; a wall's is nobody's."""
    now, walls, found = datetime.now(UTC), pages // WALL_SHARE, list[tuple[str, str]]()
    wall = ""
    for n in range(walls):
        if n % PAGES_PER_SESSION == 0:
            wall = await sessions.start(pool, "wall", now, timedelta(hours=1))
        found.append((wall, ""))
    own = [await sessions.start(pool, f"o{n}", now, timedelta(hours=1)) for n in range(officers)]
    return found + [(own[n % officers], f"o{n % officers}") for n in range(pages - walls)]


def finding(n: int, officers: int, now: datetime) -> Finding:
    """Beside one officer, some hundred metres from any other finding."""
    place = Position(29.5 + 0.01 * (n % officers), 120.0 + 0.004 * (1 + n // officers))
    return Finding(
        rule="smoke", kind=Kind.SMOKE, tier=Tier.VIOLATION, place=place, onset_at=now, severity=2,
        reason=Reason("smoke_seen", {"grade": 3}), camera=f"c{n}", zone="stack",
    )  # fmt: skip


async def find(pool: Pool, count: int, per_s: float, officers: int) -> dict[str, int]:
    """Writes the findings at an even pace; by camera, when its commit began."""
    began: dict[str, int] = {}
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    for n in range(count):
        await asyncio.sleep(max(0.0, start_s + n / per_s - loop.time()))
        async with transaction(pool) as connection:
            await insert_findings(connection, [finding(n, officers, datetime.now(UTC))])
            began[f"c{n}"] = time.monotonic_ns()
    return began


PHASES = """
SELECT m.camera, f.found_at, min(n.created_at) AS taken_at, min((l.event::jsonb ->> 'at')::timestamptz) AS decided_at
FROM matters m JOIN matter_findings mf ON mf.matter_id = m.id JOIN findings f ON f.id = mf.finding_id
  JOIN notices n ON n.task_id = m.task_id AND n.step = 'offer' AND n.channel = 'page'
  JOIN log l ON l.task_id = m.task_id AND l.event::jsonb ->> 'type' = 'task_offered' GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A task's first offer on one page: milliseconds since the commit of the finding, in all and by phase."""

    camera: str
    wall: bool
    ms: float
    phases_ms: tuple[float, float, float]


async def watch(pool: Pool, port: int, count: int, per_s: float, pages: int, officers: int) -> list[Shown]:
    """What the pages were shown of `count` findings."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(REPOSITORY / "benchmarks" / "open_pages.py"), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, limit=2**26,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    try:
        asked = {"port": port, "pages": await sessions_for(pool, pages, officers)}
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        assert (await process.stdout.readline()).strip() == b"ready"
        began = await find(pool, count, per_s, officers)
        tasks = "SELECT count(*) FROM tasks WHERE cardinality(offered_to) > 0"
        await until(lambda: pool.fetchval(tasks), lambda n: n >= count, within_s=60)
        await asyncio.sleep(1.0)  # what is under way to the pages
        process.stdin.write(b"\n")
        seen = json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.stdin.close()
        await process.wait()
    return await matched(pool, seen, began)


async def matched(pool: Pool, seen: list[tuple[int, int, bool, int]], began: dict[str, int]) -> list[Shown]:
    """Each first offer on a page with its finding. The database's clock and ours are one machine's."""
    to_wall_ns = time.time_ns() - time.monotonic_ns()
    cameras = {r["task_id"]: r["camera"] for r in await pool.fetch("SELECT task_id, camera FROM matters")}
    times = {r["camera"]: r for r in await pool.fetch(PHASES)}
    first = {task: min(n for n, t, _, _ in seen if t == task) for task in {t for _, t, _, _ in seen}}
    found: list[Shown] = []
    for n, task, wall, came_ns in seen:
        if n == first[task]:
            camera = cameras[task]
            at = times[camera]
            steps_s = [at[name].timestamp() for name in ("found_at", "taken_at", "decided_at")]
            steps_s.append((came_ns + to_wall_ns) / 1e9)
            taken, decided, told = (1000 * (b - a) for a, b in itertools.pairwise(steps_s))
            found.append(Shown(camera, wall, (came_ns - began[camera]) / 1e6, (taken, decided, told)))
    return found


async def measure(
    folder: Path, *, pages: int, findings: int, per_s: float, officers: int = OFFICERS
) -> Result:
    database = Database(folder, None)
    database.start()
    try:
        url = await database.fresh("pages")
        await migrate(url, url)
        port = free_port()
        service = Service(folder / "service", database_url=url, http_port=str(port))
        async with open_pool(url) as pool:
            await settle(pool, officers)
            service.start("engine,web")
            try:
                await service.says("the engine runs")
                await service.says("pages and API at")
                seen = await watch(pool, port, findings, per_s, pages, officers)
            finally:
                service.stop()
    finally:
        database.stop()
    own = [shown for shown in seen if not shown.wall]
    names = ("taken_up", "decided", "on_the_page")
    phases = {
        name: tuple(_at([s.phases_ms[i] for s in own], share) for share in (0.5, 0.99))
        for i, name in enumerate(names)
    }
    ms, walls_ms = [s.ms for s in own], [s.ms for s in seen if s.wall]
    at = (_at(ms, 0.5), _at(ms, 0.99), _at(ms, 1.0), _at(walls_ms, 0.99))
    return Result(pages, findings, len({s.camera for s in own}), len(own), *at, phases)  # type: ignore[arg-type]


def _at(values: list[float], share: float) -> float:
    values = sorted(values)
    return round(values[min(len(values) - 1, int(share * len(values)))], 1) if values else float("inf")


async def main(pages: int, findings: int, per_s: float) -> int:
    with tempfile.TemporaryDirectory(prefix="farwatch-bench-") as name:
        result = await measure(Path(name), pages=pages, findings=findings, per_s=per_s)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    told = {name: getattr(result, name) for name in Result.__slots__}
    print(json.dumps({"offer_on_page": told, "limit_p99_ms": P99_MS, "machine": machine}))
    return 0 if result.offers == findings and result.p99_ms < P99_MS else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--findings", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=2.0)
    given = parser.parse_args()
    sys.exit(run(main(given.pages, given.findings, given.per_second)))
