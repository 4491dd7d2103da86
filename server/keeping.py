"""One child process of a role: started, watched, ended when it is in trouble, and started again."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import multiprocess

from farwatch.runtime.processes import resident_bytes, spawn, terminate, waited_s
from farwatch.runtime.vitals import Vitals, make_page
from farwatch.runtime.watchdog import Allowance, Bounds, Rests, Trouble, judge, suspects

log = logging.getLogger(__name__)

CONFIGURATION_EXIT = 78
"""EX_CONFIG of sysexits.h: starting the role again would not help."""

FIRST_DELAY_S, LONGEST_DELAY_S, STEADY_AFTER_S = 0.2, 5.0, 30.0
GRACE_S = 7.0
"""How long a role may take to end; all of `serve` ends within 10 s."""
GRACE_IN_TROUBLE_S = {Trouble.NEVER_BEGAN: 1.0, Trouble.SILENT: 1.0, Trouble.STUCK: 5.0}
"""Less where little can be expected: who is stuck still writes what it has found."""
LOOK_EVERY_S = 0.5
LATE_S = 2.0


class RoleError(Exception):
    """A role ended with a configuration error and said why in its own log."""


@dataclass(frozen=True, slots=True)
class RoleProcess:
    """A child: `farwatch role NAME`; several of role cameras share the cameras among them. `bounds`: it is watched."""

    role: str
    share: str | None = None
    bounds: Bounds | None = None

    @property
    def name(self) -> str:
        return self.role if self.share is None else f"{self.role} {self.share}"

    @property
    def arguments(self) -> list[str]:
        return ["-m", "server.cli", "role", self.role, *(["--share", self.share] if self.share else [])]


class Keeper:
    """`keep` runs until it is cancelled. Raises RoleError when the role cannot run with these settings."""

    def __init__(self, role: RoleProcess, environment: Mapping[str, str], metrics_dir: Path) -> None:
        self._role = role
        self._environment = environment
        self._metrics_dir = metrics_dir
        self._rests = Rests()
        self._trouble: Trouble | None = None

    async def keep(self) -> None:
        loop = asyncio.get_running_loop()
        delay_s, has_run = FIRST_DELAY_S, False
        while True:
            began = loop.time()
            code = await self._once()
            if loop.time() - began >= STEADY_AFTER_S:
                delay_s, has_run = FIRST_DELAY_S, True
            # Once it has run it is tried again: a database being restored may say the same.
            if code == CONFIGURATION_EXIT and not has_run:
                raise RoleError(f"{self._role.name} cannot run like this")
            log.error(
                "%s ended with %s (%s), starting it again",
                self._role.name,
                code,
                self._trouble or "by itself",
                extra={"event": "role_ended", "code": code, "trouble": self._trouble},
            )
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, LONGEST_DELAY_S)

    async def _once(self) -> int:
        """One life of the process; its exit code."""
        if self._role.bounds is None:
            return await self._ended(await spawn(self._role.arguments, self._environment), None)
        with make_page() as page:
            arguments = [*self._role.arguments, "--vitals", str(page.fileno()), *self._told()]
            process = await spawn(arguments, self._environment, (page.fileno(),))
            vitals = Vitals(page.fileno())
        with contextlib.closing(vitals):
            return await self._ended(process, vitals)

    def _told(self) -> list[str]:
        """What the process is told of the lives before it."""
        told = ["--replaces", self._trouble] if self._trouble else []
        for subject, rest_s in self._rests.remaining(asyncio.get_running_loop().time()).items():
            told.append(f"--rest={rest_s:.0f}:{subject}")
        return told

    async def _ended(self, process: asyncio.subprocess.Process, vitals: Vitals | None) -> int:
        grace_s = GRACE_S
        try:
            if vitals is None:
                await process.wait()
            else:
                self._trouble = await self._watch(process, vitals)
                self._suspect(vitals, process.pid)
                grace_s = GRACE_IN_TROUBLE_S.get(self._trouble or Trouble.TOO_BIG, GRACE_S)
        finally:
            code = await terminate(process, grace_s)
            multiprocess.mark_process_dead(process.pid, str(self._metrics_dir))  # type: ignore[no-untyped-call]
        return code

    async def _watch(self, process: asyncio.subprocess.Process, vitals: Vitals) -> Trouble | None:
        """Until the process has ended or is in trouble, seen twice in a row; None when it ended by itself."""
        assert self._role.bounds is not None
        loop = asyncio.get_running_loop()
        began_s = looked_s = loop.time()
        before: Trouble | None = None
        allowance = Allowance(process.pid, functools.partial(waited_s, process.pid))
        while process.returncode is None:
            now_s = loop.time()
            signs, size = allowance.made(vitals.read()), resident_bytes(process.pid)
            trouble = judge(
                signs, resident_bytes=size, age_s=now_s - began_s, now_s=now_s, bounds=self._role.bounds
            )
            # Who was kept from looking was not alone in that: everybody gets another moment.
            if trouble is not None and trouble == before and now_s - looked_s < LATE_S:
                return trouble
            before, looked_s = trouble, now_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await process.wait()
        # By itself, with the same exit code as after an error, it also ends in an outage: that has nobody to blame.
        return Trouble.CRASHED if process.returncode < 0 or vitals.read().blamed else None

    def _suspect(self, vitals: Vitals, pid: int) -> None:
        if self._trouble is None or self._role.bounds is None:
            return
        now_s = asyncio.get_running_loop().time()
        size, each_bytes = resident_bytes(pid), self._role.bounds.each_bytes
        who = suspects(self._trouble, vitals.read(), now_s, resident_bytes=size, each_bytes=each_bytes)
        self._rests.suspect(who, now_s)
