"""Data loggers against the service as it is run: kill -9 between frame and answer, and two thousand at once."""

import asyncio
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farwatch.domain.device import Command
from farwatch.domain.reading import ReadingKind
from farwatch.runtime.clock import SystemClock
from farwatch.runtime.processes import allow_open_files
from farwatch.runtime.supervision import Service as Running
from farwatch.runtime.supervision import keep_running
from farwatch.storage import device_commands, station_links
from farwatch.storage.database import Pool, connect
from ingest.payloads import Measurement
from simulators.logger_device import LoggerDevice, LoggerIdentity
from simulators.loggers import PASSING_ERRORS, Logger, Wire
from tests.support.city import settle
from tests.support.loggers import BareLogger, upload
from tests.support.mosquitto import free_port
from tests.support.service import Service
from tests.support.waiting import until

pytestmark = [pytest.mark.process]

STATIONS, MINUTES = 6, 120
MANY = 2000


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


@pytest.fixture
def service(tmp_path: Path, database_url: str) -> Iterator[Service]:
    """Role intake with no broker: a city of loggers alone."""
    made = Service(
        tmp_path / "service",
        database_url=database_url,
        hj212_listen=f"127.0.0.1:{free_port()}",
        hj212_connections_per_address="4000",
    )
    yield made
    made.stop_if_running()


@pytest.fixture
async def loggers() -> AsyncIterator[list[BareLogger]]:
    """Those that a test connects; gone when it ends."""
    connected: list[BareLogger] = []
    yield connected
    for logger in connected:
        await logger.drop()


def port_of(service: Service) -> int:
    return int(service.environment["FARWATCH_HJ212_LISTEN"].rpartition(":")[2])


class Analyser:
    """One minute value a step, until there are MINUTES of them."""

    def __init__(self, mn: str, begins_at: datetime) -> None:
        self._mn, self._begins_at, self.said = mn, begins_at, 0

    def __call__(self, _now: datetime) -> list[Measurement]:
        if self.said == MINUTES:
            return []
        ts = self._begins_at + timedelta(minutes=self.said)
        self.said += 1
        return [Measurement(self._mn, ReadingKind.MIN, ts, {"a21026": float(self.said)})]


async def test_kill_9_between_frame_and_answer_loses_and_doubles_nothing(
    pool: Pool, database_url: str, service: Service
) -> None:
    await settle(database_url, stations=STATIONS, codes=("a21026",))
    service.start("intake")
    await service.says("data loggers may connect")
    begins_at = now().replace(second=0, microsecond=0) - timedelta(minutes=MINUTES)
    devices, analysers = [], []
    async with asyncio.TaskGroup() as group:
        running = []
        for n in range(1, STATIONS + 1):
            device = LoggerDevice(LoggerIdentity(mn=f"MN{n}", dialect=(2005, 2017, 2025)[n % 3]))
            device.overtime_s = 1
            device.recount = 100
            analyser = Analyser(f"MN{n}", begins_at)
            logger = Logger(device, analyser, SystemClock(), period_s=0.05, wire=Wire(cut=n % 2 == 0))
            supervised = Running(
                name=f"MN{n}",
                run=lambda logger=logger: logger.run_once("127.0.0.1", port_of(service)),
                passing=PASSING_ERRORS,
                longest_delay_s=0.5,
            )
            running.append(group.create_task(keep_running(supervised)))
            devices.append(device)
            analysers.append(analyser)
        for share in (0.2, 0.5, 0.8):
            await until(_told(analysers), lambda told, share=share: told >= share * MINUTES)
            await asyncio.to_thread(service.kill_role, "intake")
        await until(_unacknowledged(analysers, devices), lambda left: left == 0, within_s=40)
        for task in running:
            task.cancel()
    rows = await pool.fetch(
        "SELECT c.mn, count(*) AS n, sum(value) AS total FROM readings r JOIN channels c ON c.id = r.channel_id"
        " WHERE kind = 'min' GROUP BY c.mn ORDER BY c.mn"
    )
    assert [(r["mn"], r["n"], r["total"]) for r in rows] == [
        (f"MN{n}", MINUTES, MINUTES * (MINUTES + 1) / 2) for n in range(1, STATIONS + 1)
    ]
    assert await pool.fetchval("SELECT count(*) FROM reading_revisions") == 0


def _told(analysers: list[Analyser]) -> Callable[[], Awaitable[int]]:
    async def look() -> int:
        return min(a.said for a in analysers)

    return look


def _unacknowledged(analysers: list[Analyser], devices: list[LoggerDevice]) -> Callable[[], Awaitable[int]]:
    async def look() -> int:
        return sum(MINUTES - a.said for a in analysers) + sum(d.waits_for for d in devices)

    return look


async def test_two_thousand_connected_loggers_are_answered_on_one_process(
    pool: Pool, database_url: str, service: Service, loggers: list[BareLogger]
) -> None:
    if allow_open_files() < MANY + 500:
        pytest.skip(f"only {resource.getrlimit(resource.RLIMIT_NOFILE)[1]} open files are allowed here")
    await settle(database_url, stations=0)
    await _many_stations(database_url)
    service.start("intake")
    await service.says("data loggers may connect")
    pid = service.pid_of("intake")
    assert pid is not None
    for begin in range(0, MANY, 100):
        loggers += await asyncio.gather(
            *(BareLogger.connect(port_of(service)) for _ in range(begin, begin + 100))
        )
    at, clock = now().replace(microsecond=0), SystemClock()
    cpu_s, rounds, slowest_s = _cpu_s(pid), 3, 0.0
    for second in range(rounds):
        began_s = clock.monotonic()
        await asyncio.gather(
            *(x.send(upload(f"MANY{n}", at + timedelta(seconds=second), 30.0)) for n, x in enumerate(loggers))
        )
        answers = await asyncio.gather(*(x.packet(20) for x in loggers))
        assert [a.mn for a in answers] == [f"MANY{n}" for n in range(MANY)]
        slowest_s = max(slowest_s, clock.monotonic() - began_s)
    assert await pool.fetchval("SELECT count(*) FROM readings") == MANY * rounds
    sys.stdout.write(
        f"\n{MANY} loggers on one process: {_rss_mib(pid):.0f} MiB,"
        f" {(_cpu_s(pid) - cpu_s) * 1000 / rounds / MANY:.2f} ms of CPU a frame, all answered within {slowest_s:.2f} s\n"
    )
    assert _rss_mib(pid) < 400


async def _many_stations(url: str) -> None:
    connection = await connect(url)
    await connection.execute(
        f"""INSERT INTO stations (mn, enterprise, name, lat, lon, medium)
            SELECT 'MANY' || n, 'E1', 'MANY' || n, 30, 120, 'air' FROM generate_series(0, {MANY - 1}) n;
            INSERT INTO channels (mn, code, unit) SELECT 'MANY' || n, 'a21026', 'mg/m3' FROM generate_series(0, {MANY - 1}) n;
            UPDATE registry_version SET version = version + 1, changed_at = now()"""
    )
    await connection.close()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _rss_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


async def test_a_bureau_practises_with_loggers_from_the_command_line(
    pool: Pool, database_url: str, service: Service, tmp_path: Path
) -> None:
    await settle(database_url, stations=2)
    service.start("intake")
    await service.says("data loggers may connect")
    (tmp_path / "pw").write_text("121212\n")
    to = service.environment["FARWATCH_HJ212_LISTEN"]
    command = [
        "simulate",
        "loggers",
        "--to",
        to,
        "--mn",
        "MN1",
        "--mn",
        "MN2",
        "--dialect",
        "2005",
        "--period",
        "1",
    ]
    practice = subprocess.Popen(
        [sys.executable, "-m", "server.cli", *command, "--password-file", str(tmp_path / "pw")],
        stderr=subprocess.DEVNULL,
    )
    try:
        number = await device_commands.add(pool, "MN2", Command.GET_CLOCK, {}, "amy")

        async def state() -> str | None:
            return await pool.fetchval("SELECT state FROM device_commands WHERE id = $1", number)

        await until(state, lambda found: found == "done")
        links = await station_links.load(pool)
        assert {(x.mn, x.dialect) for x in links.values()} == {("MN1", 2005), ("MN2", 2005)}
    finally:
        practice.terminate()
        assert practice.wait(10) == 0
