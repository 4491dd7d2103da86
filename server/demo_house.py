"""The parts of a running demo, started in order and stopped in the reverse of it."""

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from farwatch.runtime.clock import SystemClock
from farwatch.storage import users
from farwatch.storage.database import connect, open_pool
from farwatch.storage.migration import migrate
from server.demo_folder import DemoError, DemoFolder, DemoState, free_port, is_free, port_to_use
from server.embedded.broker import EmbeddedBroker, EmbeddedBrokerError
from server.embedded.children import Children
from server.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from server.registry import commands as registry_commands
from simulators.city import HUMAN_OFFICER, City, make_city
from simulators.city_files import registry_files, write_registry
from simulators.monitor_line import HISTORY_HOURS
from simulators.officer_phone import ApiClient, is_ready
from simulators.practice import CAMERA_USER, Practice

T = TypeVar("T")

SERVICE_ROLE = "farwatch"
STAFF = {"centre": "centre", "bureau": "bureau", "admin": "admin"}
READY_WITHIN_S = 90.0
STOP_GRACE_S = 5.5
DATABASE_SETTINGS = {"shared_buffers": "64MB", "max_connections": "60"}


class Say(Protocol):
    def __call__(self, text: str) -> None: ...

    def plain(self, line: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where the pages are."""

    host: str
    port: int
    tls: dict[str, str]

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


class DemoHouse:
    """One demo on a data folder that this process holds."""

    def __init__(self, folder: DemoFolder, seed: int, say: Say) -> None:
        self._folder, self._seed, self._say = folder, seed, say
        self._children = Children(folder.root)
        self._postgres = EmbeddedPostgres(folder.postgres, DATABASE_SETTINGS)
        self._postgres_is_moving = (
            threading.Lock()
        )  # a start that is given up still has to end before the stop

    async def run(self, host: str, port: int, tls: dict[str, str], stop: asyncio.Event) -> None:
        """Until `stop`, or until a part ends by itself: DemoError."""
        for name in await self._children.end_leftovers():
            self._say(f"ended {name}, left over from an earlier start")
        door = Door(host=host, port=port_to_use(host, port), tls=tls)
        async with AsyncExitStack() as stack:
            running = await _unless(stop, self._start(stack, door))
            if running is None:
                self._say("stopping")
                return
            self._say.plain(f"ready {door.url}")
            await _unless(stop, _first_to_end(running, self._folder.logs))
            self._say("stopping")
        self._say("stopped")

    async def _start(self, stack: AsyncExitStack, door: Door) -> dict[str, asyncio.subprocess.Process]:
        if os.geteuid() == 0:
            self._say(
                f"running as root: PostgreSQL gets a user namespace, and nothing outside {self._folder.root} is changed"
            )
        city = make_city(self._seed, cameras_url="rtsp://127.0.0.1:0")
        state = self._folder.state(self._seed, [*STAFF, *(o.id for o in city.officers)])
        if not is_free("127.0.0.1", state.camera_port):
            state.camera_port, state.settled = free_port(), False
        if not state.hj212_port or not is_free("127.0.0.1", state.hj212_port):
            state.hj212_port = free_port()
            self._folder.save(state)
        broker = EmbeddedBroker(self._folder.broker, state.broker_passwords, self._children)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._draw_loops(city))
            await self._start_stores(stack, broker)
            await self._settle(state)
        return await self._start_services(stack, broker, state, door)

    async def _start_stores(self, stack: AsyncExitStack, broker: EmbeddedBroker) -> None:
        self._say("starting PostgreSQL")
        stack.push_async_callback(asyncio.to_thread, self._stop_postgres)
        try:
            await asyncio.to_thread(self._start_postgres)
            self._say(
                "starting amqtt, which is only for show: install mosquitto"
                if broker.for_show
                else "starting mosquitto"
            )
            stack.push_async_callback(broker.stop)
            await broker.start()
        except (EmbeddedPostgresError, EmbeddedBrokerError) as error:
            raise DemoError(" ".join(str(error).split())) from None

    def _start_postgres(self) -> None:
        with self._postgres_is_moving:
            self._postgres.start()

    def _stop_postgres(self) -> None:
        with self._postgres_is_moving:
            self._postgres.stop()

    async def _draw_loops(self, city: City) -> None:
        """Two processes draw what the cameras will see; a scene that is in the cache takes no time."""
        scenes = list(city.scenes.values())
        async with asyncio.TaskGroup() as group:
            for share in (scenes[0::2], scenes[1::2]):
                group.create_task(self._draw(share))

    async def _draw(self, scenes: list[str]) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulators.loops", str(self._folder.loops), str(self._seed), *scenes,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert process.stdout
        try:
            async for line in process.stdout:
                self._say(f"the cameras' pictures: {line.decode().strip()} %")
            if await process.wait() != 0:
                raise DemoError("the cameras' pictures could not be drawn")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _settle(self, state: DemoState) -> None:
        """Schema, city and users: the same commands that an operator would use, each harmless when repeated."""
        owner_url, service_url = self._postgres.url(), self._postgres.url(user=SERVICE_ROLE)
        self._say("bringing the schema up to date")
        await _make_role(owner_url)
        await migrate(owner_url, service_url)
        if state.settled:
            return
        # Rates count hours since a limit holds: not those before the monitors' history, in which nothing could have come.
        now = SystemClock().now()
        since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HISTORY_HOURS)
        camera_url = f"rtsp://127.0.0.1:{state.camera_port}"
        city = make_city(self._seed, cameras_url=camera_url, valid_from=since)
        self._say(f"importing the city: {len(city.stations)} stations and {len(city.cameras)} cameras")
        files = registry_files(city, camera_user=CAMERA_USER, camera_password=state.camera_password)
        write_registry(files, self._folder.registry)
        async with open_pool(owner_url, size=2) as pool:
            report = await registry_commands.import_(
                self._folder.registry, pool, self._folder.service, prune=False, now=now
            )
            if report.exit_code != 0:
                raise DemoError(f"the city could not be imported: {report.lines[0]}")
            self._say("making users")
            for name, password in state.user_passwords.items():
                officer = None if name in STAFF else name
                await users.add_user(pool, name, STAFF.get(name, "officer"), officer, password)
        state.settled = True
        self._folder.save(state)

    async def _start_services(
        self, stack: AsyncExitStack, broker: EmbeddedBroker, state: DemoState, door: Door
    ) -> dict[str, asyncio.subprocess.Process]:
        stack.push_async_callback(self._stop_services)
        self._say("starting the practice city")
        city_process = await self._start_city(broker, state, door)
        self._say("starting farwatch serve")
        log = self._folder.logs / "serve.log"
        command = [sys.executable, "-m", "server.cli", "serve"]
        serve = await self._children.start(
            "serve", command, log=log, environment=self._environment(broker, state, door)
        )
        running = {"serve": serve, "city": city_process}
        await self._wait_until_ready(door, running)
        for name, password in state.user_passwords.items():
            if name in STAFF or name == HUMAN_OFFICER:
                self._say.plain(f"login {STAFF.get(name, 'officer')} {name} {password}")
        return running

    async def _start_city(
        self, broker: EmbeddedBroker, state: DemoState, door: Door
    ) -> asyncio.subprocess.Process:
        practice = Practice(
            seed=self._seed,
            loops=str(self._folder.loops),
            camera_port=state.camera_port,
            camera_password=state.camera_password,
            mqtt_url=broker.url("city"),
            hj212_port=state.hj212_port,
            base_url=door.url,
            certificate=door.tls.get("FARWATCH_TLS_CERT"),
            officers={n: p for n, p in state.user_passwords.items() if n not in STAFF and n != HUMAN_OFFICER},
            centre_password=state.user_passwords["centre"],
        )
        command = [sys.executable, "-m", "simulators.practice"]
        process = await self._children.start("city", command, log=self._folder.logs / "city.log")
        assert process.stdin
        process.stdin.write(practice.as_line())
        await process.stdin.drain()
        return process

    def _environment(self, broker: EmbeddedBroker, state: DemoState, door: Door) -> dict[str, str]:
        """Production's settings with our values; what the shell had of Farwatch's is not passed on."""
        return {k: v for k, v in os.environ.items() if not k.startswith("FARWATCH_")} | {
            "FARWATCH_DATABASE_URL": self._postgres.url(user=SERVICE_ROLE),
            "FARWATCH_MQTT_URL": broker.url("farwatch"),
            "FARWATCH_HJ212_LISTEN": f"127.0.0.1:{state.hj212_port}",
            "FARWATCH_HTTP_HOST": door.host,
            "FARWATCH_HTTP_PORT": str(door.port),
            "FARWATCH_DATA_DIR": str(self._folder.service),
            **door.tls,
        }

    async def _stop_services(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name in ("serve", "city"):
                group.create_task(self._children.stop(name, STOP_GRACE_S))

    async def _wait_until_ready(self, door: Door, running: Mapping[str, asyncio.subprocess.Process]) -> None:
        certificate = door.tls.get("FARWATCH_TLS_CERT")
        api = ApiClient(door.url, Path(certificate) if certificate else None)
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while not await is_ready(api):
                    if any(process.returncode is not None for process in running.values()):
                        await _first_to_end(running, self._folder.logs)
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise DemoError(f"the service was not ready in time: see {self._folder.logs}/serve.log") from None


async def _make_role(owner_url: str) -> None:
    """The service writes as a role of its own, as in production; only this machine's owner of the socket gets in."""
    connection = await connect(owner_url)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", SERVICE_ROLE):
            await connection.execute(f"CREATE ROLE {SERVICE_ROLE} LOGIN")
    finally:
        await connection.close()


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """What `work` gives; None when `stop` came first, and then the work is cancelled."""
    async with asyncio.TaskGroup() as group:
        stopping, working = group.create_task(stop.wait()), group.create_task(work)
        await asyncio.wait((stopping, working), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        working.cancel()
    return None if working.cancelled() else working.result()


async def _first_to_end(running: Mapping[str, asyncio.subprocess.Process], logs: Path) -> None:
    """Waits until one of them ends, which none should: DemoError."""
    async with asyncio.TaskGroup() as group:
        waits = {name: group.create_task(process.wait()) for name, process in running.items()}
        await asyncio.wait(waits.values(), return_when=asyncio.FIRST_COMPLETED)
        for wait in waits.values():
            wait.cancel()
    ended = next(name for name, wait in waits.items() if not wait.cancelled())
    last = _last_line(logs / f"{ended}.log")
    raise DemoError(f"{ended} has ended by itself: {last} ({logs}/{ended}.log)")


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else []
    return lines[-1][-200:] if lines else "it said nothing"
