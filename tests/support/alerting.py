"""A small city and a movable clock for the alerting tests on the real database."""

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from alerting.actions import Action, ActResult, act
from alerting.engine import Engine
from farwatch.domain.finding import Finding, FindingEnded, Kind, Reason, Tier
from farwatch.domain.place import Area, Position
from farwatch.domain.policy import SHIPPED, Policy
from farwatch.domain.registry import Enterprise, Grid, Officer, Registry, Team
from farwatch.domain.task import Actor, Task
from farwatch.storage import tasks
from farwatch.storage.database import Connection, Pool, transaction
from farwatch.storage.findings import end_findings, insert_findings

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
WORKS = Position(31.2, 121.4)
ROUND = ((121.0, 31.0), (122.0, 31.0), (122.0, 32.0), (121.0, 32.0), (121.0, 31.0))


def at(s: float) -> datetime:
    return START + timedelta(seconds=s)


def officer(id: str, lat: float, shift: str = "always") -> Officer:
    return Officer(id=id, name=id, team="t", phone="", place=Position(lat, 121.4), shift=shift)


def city(**changes: Any) -> Registry:
    values: dict[str, Any] = {
        "enterprises": {
            i: Enterprise(id=i, name=f"{i}厂", place=WORKS, contact_channel=c)
            for i, c in (("e1", ""), ("e2", "wecom"))
        },
        "grids": {"g": Grid(id="g", name="g", team="t", area=Area(((ROUND,),)))},
        "teams": {"t": Team(id="t", name="t", lead="lead")},
        "officers": {
            o.id: o for o in (officer("near", 31.201), officer("far", 31.25), officer("lead", 31.9))
        },
    }
    return Registry(version=1, **{**values, **changes})


def smoke(zone: str = "stack", **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "rule": "smoke", "kind": Kind.SMOKE, "tier": Tier.VIOLATION, "place": WORKS, "onset_at": at(-5), "severity": 2,
        "reason": Reason("smoke_seen", {"grade": 3}), "enterprise": "e1", "camera": "cam", "zone": zone,
    }  # fmt: skip
    return Finding(**{**values, **changes})


def early(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "rule": "limit_rtd", "kind": Kind.EXCEEDANCE, "tier": Tier.EARLY, "place": WORKS, "onset_at": at(-5), "severity": 1,
        "reason": Reason("over_limit", {"value": 60.0, "limit": 50.0}), "enterprise": "e2", "station": "mn1", "code": "a21026",
    }  # fmt: skip
    return Finding(**{**values, **changes})


class NoLease:
    async def check(self, connection: Connection) -> None:
        pass


@dataclass
class World:
    """The engine on a real database, with the time in our hands."""

    pool: Pool
    registry: Registry = field(default_factory=city)
    policy: Policy = SHIPPED
    channels: dict[str, str] = field(default_factory=lambda: {"wecom": "json://localhost"})
    s: float = 0.0
    order: Counter[float] = field(default_factory=Counter)

    async def now(self, _: Connection) -> datetime:
        return at(self.s)

    async def load(self) -> tuple[Registry, Policy]:
        return self.registry, self.policy

    def engine(self, **parts: Any) -> Engine:
        return Engine(self.pool, NoLease(), self.load, self.channels, self.now, **parts)

    async def found(self, *findings: Finding) -> None:
        async with transaction(self.pool) as connection:
            await insert_findings(connection, findings)
            for f in findings:
                self.order[self.s] += 1
                await connection.execute(
                    "UPDATE findings SET found_at = $2 WHERE id = $1",
                    f.id,
                    at(self.s) + timedelta(microseconds=self.order[self.s] - 1),
                )

    async def end(self, finding: Finding, s: float) -> None:
        async with transaction(self.pool) as connection:
            await end_findings(connection, [FindingEnded(finding.id, at(s))])

    async def settle(self) -> None:
        while await self.engine().tick():
            pass

    async def tasks(self) -> list[Task]:
        async with transaction(self.pool) as connection:
            ids = [r["id"] for r in await connection.fetch("SELECT id FROM tasks ORDER BY id")]
            return [t for i in ids if (t := await tasks.lock(connection, i)) is not None]

    async def task(self) -> Task:
        (task,) = await self.tasks()
        return task

    async def events(self, *types: str) -> list[dict[str, Any]]:
        rows = [r["event"] for r in await self.pool.fetch("SELECT event FROM event_queue ORDER BY id")]
        return [e for e in rows if not types or e["type"] in types]

    async def act(self, who: str, action: str, task: int = 1, **more: Any) -> ActResult:
        role = who if who in ("centre", "admin", "bureau") else "officer"
        actor = Actor(name=f"user-{who}", role=role, officer=who if role == "officer" else None)
        more = {"client_id": str(uuid.uuid4()), "claimed_at": at(self.s), "now": self.now, **more}
        return await act(self.pool, task, actor, Action(action), **more)


async def together(*coroutines: Any) -> list[Any]:
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(c) for c in coroutines]
    return [r.result() for r in running]
