"""Over all cameras of a process: who is away, since when, and who is told."""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from farwatch.domain.finding import Finding
from farwatch.domain.registry import Camera
from farwatch.runtime.clock import Clock
from farwatch.storage import camera_status
from farwatch.storage.camera_status import CameraState, CameraStatus
from farwatch.storage.database import Pool, transaction
from ingest.cameras import health, metrics
from ingest.cameras.desk import Found
from ingest.cameras.faults import VIEW_RULES, Faults
from ingest.cameras.health import CameraClock, Fault, Sign
from ingest.cameras.watching import Watch

log = logging.getLogger(__name__)

JUDGE_EVERY_S = 1.0
SAY_EVERY_S = 5.0
ASLEEP_AFTER_S = 5.0


@dataclass(slots=True)
class _Known:
    """What was last judged and last said of each camera, and how its clock goes."""

    clocks: dict[str, CameraClock] = field(default_factory=dict)
    judged: dict[str, CameraStatus] = field(default_factory=dict)
    said: dict[str, CameraStatus] = field(default_factory=dict)


class Vigil:
    """`judge` and `say` run for ever, apart: a database that is away must not stop the judging."""

    def __init__(self, pool: Pool, faults: Faults, clock: Clock) -> None:
        self._pool = pool
        self._faults = faults
        self._clock = clock
        self._watches: dict[str, Watch] = {}
        self._known = _Known()

    async def expect(self, cameras: Sequence[str]) -> None:
        """Before these are watched: the faults that an earlier process found go on, what else it left open is ended."""
        if not cameras:
            return
        async with transaction(self._pool) as connection:
            await camera_status.end_left_open(connection, cameras)
            left = await camera_status.open_faults(connection, cameras)
        self._faults.resume({of: Fault(*fault) for of, fault in left.items()})

    def attend(self, watches: Mapping[str, Watch]) -> None:
        """These are watched from now on, and no others."""
        self._watches = dict(watches)
        for id_, watch in watches.items():
            if watch.camera.ptz:  # it may not have been, when an earlier process found them
                self._faults.end(id_, VIEW_RULES, self._clock.now())

    async def leave(self, cameras: Sequence[str]) -> None:
        """Nobody watches these any more: nobody knows how they are, and no fault of theirs goes on."""
        statuses = []
        for id_ in cameras:
            metrics.LAST_FRAME_AGE.labels(id_).set(math.nan)
            self._known.judged.pop(id_, None)
            self._known.clocks.pop(id_, None)
            self._faults.leave(id_, self._clock.now())
            statuses.append(CameraStatus(camera=id_, state=CameraState.UNKNOWN, reason="not_watched"))
        await self._report(statuses)

    async def judge(self) -> NoReturn:
        loop = asyncio.get_running_loop()
        while True:
            for id_, watch in self._watches.items():
                sign = watch.sign()
                metrics.LAST_FRAME_AGE.labels(id_).set(sign.age_s)
                self._judge_outage(watch.camera, sign)
                self._judge_clock(watch.camera, sign)
                faults = self._faults.of(id_).keys() - {health.RULE}
                if self._faults.are_unsent:
                    faults |= {health.UNSENT}
                self._known.judged[id_] = health.status_of(id_, sign, faults)
            asleep_s = -loop.time() - JUDGE_EVERY_S
            await asyncio.sleep(JUDGE_EVERY_S)
            asleep_s += loop.time()
            if asleep_s > ASLEEP_AFTER_S:
                # A process that was stopped or starved saw no pictures, whatever the cameras did.
                log.warning("this process stood still for %.0f s: cameras are given a fresh chance", asleep_s)
                for watch in self._watches.values():
                    watch.forgive()

    async def say(self) -> NoReturn:
        """Changes at once, everything every few seconds."""
        said_at_s = -math.inf
        while True:
            statuses = list(self._known.judged.values())
            if self._clock.monotonic() - said_at_s >= SAY_EVERY_S:
                await self._report(statuses)
                said_at_s = self._clock.monotonic()
            else:
                await self._report([s for s in statuses if not _is_same(s, self._known.said.get(s.camera))])
            await asyncio.sleep(JUDGE_EVERY_S)

    def _judge_outage(self, camera: Camera, sign: Sign) -> None:
        open_ = self._faults.of(camera.id).get(health.RULE)
        said = health.judge_outage(camera, open_, sign, self._clock.now())
        if isinstance(said, Finding):
            self._faults.begin(camera, Found(said))
        elif said is not None:
            self._faults.end(camera.id, [health.RULE], said.ended_at)

    def _judge_clock(self, camera: Camera, sign: Sign) -> None:
        clock = self._known.clocks.setdefault(camera.id, CameraClock())
        open_ = self._faults.of(camera.id).get(health.CLOCK_RULE)
        said = clock.judge(camera, open_, sign, self._clock.now())
        if isinstance(said, Finding):
            self._faults.begin(camera, Found(said))
        elif said is not None:
            self._faults.end(camera.id, [health.CLOCK_RULE], said)

    async def _report(self, statuses: Sequence[CameraStatus]) -> None:
        if statuses:
            async with transaction(self._pool) as connection:
                await camera_status.report(connection, statuses)
            self._known.said |= {s.camera: s for s in statuses}


def _is_same(status: CameraStatus, said: CameraStatus | None) -> bool:
    return said is not None and (status.state, status.reason) == (said.state, said.reason)
