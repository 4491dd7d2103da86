"""The practice city as one process: cameras on RTSP, monitors on MQTT and TCP, officers on the HTTP API.

`python -m simulators.practice` reads a Practice as JSON from the first line of its standard input; it ends with its
parent. Monitors and officers begin when the service says that it is ready.
"""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from farwatch.domain.registry import Officer
from farwatch.runtime import logs
from farwatch.runtime.clock import Clock, SystemClock
from farwatch.runtime.processes import end_with_parent, stop_on_signals
from farwatch.runtime.supervision import Service, run_services
from ingest.mqtt import PASSING_ERRORS as MQTT_ERRORS
from ingest.rtsp.auth import Credential
from simulators.centre_desk import CentreDesk
from simulators.city import City, make_city
from simulators.coded_loop import CodedLoop
from simulators.logger_line import LoggerLine, logger_stations
from simulators.loops import scene_loop
from simulators.monitor_line import MonitorLine
from simulators.officer_phone import PASSING_ERRORS as PHONE_ERRORS
from simulators.officer_phone import ApiClient, Phone, is_ready
from simulators.officers import Manner, OfficerOnDuty
from simulators.rtsp_server import RtspServer
from simulators.timeline import STORY, dark

log = logging.getLogger(__name__)

CAMERA_USER = "city"
LOOKS_FOR_SERVICE_EVERY_S = 0.5
STORY_STEP_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """What the process is told. `officers` are passwords by the officer's id, which is his user's name too."""

    seed: int
    loops: str
    camera_port: int
    camera_password: str
    mqtt_url: str
    hj212_port: int
    base_url: str
    certificate: str | None
    officers: dict[str, str]
    centre_password: str

    def as_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


class PracticeCity:
    """All simulators of one city."""

    def __init__(self, practice: Practice, clock: Clock) -> None:
        self._practice, self._clock = practice, clock
        self._city: City = make_city(practice.seed, cameras_url=f"rtsp://127.0.0.1:{practice.camera_port}")
        self._cameras = RtspServer(clock)
        self._loops: dict[str, CodedLoop] = {}
        self._ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. Raises OSError when the cameras' port is taken."""
        folder = Path(self._practice.loops)
        for camera, scene in self._city.scenes.items():
            self._loops[camera] = await asyncio.to_thread(scene_loop, folder, scene, self._practice.seed)
        services = [
            Service(name="cameras", run=lambda: self._serve_cameras(stop)),
            Service(
                name="wait for the service",
                run=self._wait_for_service,
                passing=PHONE_ERRORS,
                longest_delay_s=0.5,
            ),
            *self._services_of_the_story(),
        ]
        await run_services(services, stop)

    def _services_of_the_story(self) -> Sequence[Service]:
        seed = self._practice.seed
        tcp = frozenset(s.mn for s in logger_stations(self._city))
        line = MonitorLine(self._city, STORY, self._clock, seed=seed, without=tcp)
        loggers = LoggerLine(self._city, STORY, self._clock, seed=seed, told_s=lambda: line.told_s)
        services = [
            Service(
                name="monitors",
                run=self._when_ready(lambda: line.run_once(self._practice.mqtt_url)),
                passing=MQTT_ERRORS,
            ),
            Service(name="story of the cameras", run=self._when_ready(lambda: self._tell_cameras(line))),
        ]
        services += [
            replace(s, run=self._when_ready(s.run))
            for s in loggers.services("127.0.0.1", self._practice.hj212_port)
        ]
        services += [
            Service(
                name=officer.id, run=self._when_ready(self._phone(officer).run_once), passing=PHONE_ERRORS
            )
            for officer in self._city.officers
            if officer.id in self._practice.officers
        ]
        desk = CentreDesk(self._api(), self._practice.centre_password, self._clock)
        return [
            *services,
            Service(name="centre desk", run=self._when_ready(desk.run_once), passing=PHONE_ERRORS),
        ]

    def _api(self) -> ApiClient:
        certificate = self._practice.certificate
        return ApiClient(self._practice.base_url, Path(certificate) if certificate else None)

    async def _wait_for_service(self) -> None:
        """Tells the others when the pages answer, and then rests."""
        api = self._api()
        while not await is_ready(api):
            await asyncio.sleep(LOOKS_FOR_SERVICE_EVERY_S)
        self._ready.set()
        await asyncio.Event().wait()

    async def _serve_cameras(self, stop: asyncio.Event) -> None:
        credential = Credential(CAMERA_USER, self._practice.camera_password)
        for camera, loop in self._loops.items():
            self._cameras.show(f"/{camera}", loop, credential)

        def bound(port: int) -> None:
            log.info("%d cameras on port %d", len(self._loops), port)

        await self._cameras.serve("127.0.0.1", self._practice.camera_port, stop, bound)
        await asyncio.Event().wait()

    def _when_ready(self, run: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def waited() -> None:
            await self._ready.wait()
            await run()

        return waited

    async def _tell_cameras(self, line: MonitorLine) -> None:
        """Hides and shows cameras as the story says."""
        credential = Credential(CAMERA_USER, self._practice.camera_password)
        hidden: frozenset[str] = frozenset()
        while True:
            wanted = dark(STORY, line.told_s)
            for camera in wanted - hidden:
                self._cameras.hide(f"/{camera}")
            for camera in hidden - wanted:
                self._cameras.show(f"/{camera}", self._loops[camera], credential)
            hidden = wanted
            await asyncio.sleep(STORY_STEP_S)

    def _phone(self, officer: Officer) -> Phone:
        duty = OfficerOnDuty(
            officer.id, officer.place, Manner.of(officer.id, self._practice.seed), self._practice.seed
        )
        return Phone(self._api(), officer.id, self._practice.officers[officer.id], duty, self._clock)


async def _run(practice: Practice) -> None:
    stop = asyncio.Event()
    stop_on_signals(asyncio.get_running_loop(), stop)
    await PracticeCity(practice, SystemClock()).run(stop)


def main() -> None:
    logs.configure("practice", as_json=False, level="info")
    practice = Practice(**json.loads(_first_line()))
    end_with_parent()
    asyncio.run(_run(practice))


def _first_line() -> bytes:
    """Read from the pipe itself, byte by byte: the rest of it belongs to the watch on the parent."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise SystemExit("nobody told what to practise")
        line += byte
    return line


if __name__ == "__main__":
    main()
