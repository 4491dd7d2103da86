"""Builders of the web tests: a city, people, tasks, and clients that are signed in."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from farwatch.storage import registry, sessions
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool
from farwatch.storage.users import hash_password
from server.web.app import create_app
from server.web.context import WebDependencies
from server.web.serving import serve
from server.web.settings import WebSettings

PASSWORD = "correct horse"
_HASH = hash_password(PASSWORD)
POLICY = {
    "accept_s": 300,
    "arrive_s": 600,
    "geofence_m": 100,
    "accuracy_max_m": 100,
    "quiet_close_s": 1800,
    "escalation": [],
}
PEOPLE = {
    "chen": ("centre", None),
    "wang": ("officer", "o1"),
    "li": ("officer", "o2"),
    "bo": ("bureau", None),
    "ada": ("admin", None),
}


@dataclass
class FakeClock:
    at: datetime = field(default_factory=lambda: datetime.now(UTC))  # noqa: TID251 - rows carry the database's real clock
    seconds: float = 0.0

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


async def a_city(pool: Pool) -> None:
    await pool.execute(
        """
        INSERT INTO enterprises (id, name, lat, lon) VALUES ('e1', '东方钢铁', 39.90, 116.40);
        INSERT INTO stations (mn, enterprise, name, lat, lon, medium) VALUES ('MN1', 'e1', '一号排口', 39.90, 116.40, 'air');
        INSERT INTO channels (mn, code, unit) VALUES ('MN1', 'a21026', 'mg/m3');
        INSERT INTO limits SELECT id, 'rtd', 35, true, 0.9, '2026-01-01', NULL FROM channels;
        INSERT INTO cameras (id, name, enterprise, lat, lon, url) VALUES ('c1', '东门', 'e1', 39.91, 116.41, 'rtsp://10.0.0.9/c1');
        INSERT INTO zones VALUES ('c1', 'stack', 'stack', '[[0.1,0.1],[0.5,0.1],[0.5,0.5]]');
        INSERT INTO teams (id, name, lead) VALUES ('t1', '一队', 'o1');
        INSERT INTO grids (id, name, team, geometry) VALUES ('g1', '一网格', 't1',
          '{"type": "MultiPolygon", "coordinates": [[[[116, 39], [117, 39], [117, 40], [116, 39]]]]}');
        INSERT INTO officers (id, name, team, phone, lat, lon, shift) VALUES ('o1', '王', 't1', '1', 39.9, 116.4, 'always'),
          ('o2', '李', 't1', '2', 39.9, 116.4, '');
        """
    )
    await pool.executemany(
        "INSERT INTO users (name, role, officer, password_hash) VALUES ($1, $2, $3, $4)",
        [(name, role, officer, _HASH) for name, (role, officer) in PEOPLE.items()],
    )


class House:
    def __init__(self, pool: Pool, folder: Path) -> None:
        self.pool = pool
        self.clock = FakeClock()
        self.dist = folder / "dist"
        self.deps = WebDependencies(
            pool=pool,
            clock=self.clock,
            data_dir=folder,
            blobs=BlobStore(folder / "blobs"),
            load_registry=registry.load,
            console_dist=self.dist,
            settings=WebSettings(),
        )
        self.app = create_app(self.deps)

    def use(self, **settings: Any) -> None:
        """Another application, with these settings."""
        self.deps = replace(self.deps, settings=WebSettings(**settings))
        self.app = create_app(self.deps)

    def build_console(self) -> None:
        (self.dist / "assets").mkdir(parents=True)
        (self.dist / "index.html").write_text("<!doctype html><title>Farwatch</title>")
        (self.dist / "assets" / "app-1a2b3c.js").write_text("export {}")
        (self.dist / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")

    @asynccontextmanager
    async def client(
        self, who: str | None = None, address: str = "10.1.2.3"
    ) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://farwatch.test") as client:
            if who:
                client.cookies.set("farwatch_session", await self.token(who))
            yield client

    async def token(self, who: str) -> str:
        return await sessions.start(self.pool, who, self.clock.now(), timedelta(hours=12))

    async def task(
        self,
        *,
        offered_to: tuple[str, ...] = ("o1",),
        officer: str | None = None,
        state: str = "offered",
        **columns: Any,
    ) -> int:
        values = {
            "severity": 2,
            "lat": 39.9,
            "lon": 116.4,
            "grid": "g1",
            "enterprise": "e1",
            "opened_at": self.clock.now(),
            "policy": POLICY,
        }
        values |= {"offered_to": list(offered_to), "officer": officer, "state": state, **columns}
        names = ", ".join(values)
        marks = ", ".join(f"${i}" for i in range(1, len(values) + 1))
        return int(
            await self.pool.fetchval(
                f"INSERT INTO tasks ({names}) VALUES ({marks}) RETURNING id", *values.values()
            )
        )

    async def matter(
        self, task: int, *, kind: str = "smoke", found_at: datetime | None = None
    ) -> tuple[int, UUID]:
        """A matter of a camera's finding; returns both ids."""
        at, finding = found_at or self.clock.now(), uuid4()
        mark = f"{kind}/c1/{finding}"
        await self.pool.execute(
            "INSERT INTO findings (id, rule, kind, tier, fingerprint, camera, zone, lat, lon, onset_at, severity, reason_key,"
            " reason_params, detector, late) VALUES ($1, 'smoke', $2, 'violation', $3, 'c1', 'stack', 39.9, 116.4, $4, 2,"
            " 'smoke_seen', '{\"share\": 0.3}', '{}', false)",
            finding, kind, mark, at,
        )  # fmt: skip
        matter = await self.pool.fetchval(
            "INSERT INTO matters (task_id, fingerprint, kind, camera, zone, event_at, found_at, severity, reason_key,"
            " reason_params)"
            " VALUES ($1, $2, $3, 'c1', 'stack', $4, $4, 2, 'smoke_seen', '{\"share\": 0.3}') RETURNING id",
            task, mark, kind, at,
        )  # fmt: skip
        await self.pool.execute("INSERT INTO matter_findings VALUES ($1, $2)", finding, matter)
        return matter, finding

    async def mark(self, label: str = "stopped", hours: float = 1) -> int:
        """Of station MN1, ending now."""
        now = self.clock.now()
        return int(
            await self.pool.fetchval(
                "INSERT INTO marks (mn, label, from_at, to_at, declared_by) VALUES ('MN1', $1, $2, $3, 'bo') RETURNING id",
                label, now - timedelta(hours=hours), now,
            )
        )  # fmt: skip

    async def silence(self, **columns: Any) -> int:
        """Of camera c1, from now on for an hour."""
        now = self.clock.now()
        values: dict[str, Any] = {
            "kind": "silence", "camera": "c1", "reason": "检修", "made_by": "chen", "made_at": now, "from_at": now,
            "to_at": now + timedelta(hours=1),
        } | columns  # fmt: skip
        marks = ", ".join(f"${i}" for i in range(1, len(values) + 1))
        return int(
            await self.pool.fetchval(
                f"INSERT INTO silences ({', '.join(values)}) VALUES ({marks}) RETURNING id", *values.values()
            )
        )

    async def reviewed(self, ts: datetime, *, code: str = "a21026", mn: str = "MN1", **columns: Any) -> None:
        """A review of an hour that was well, or as `columns` say."""
        values: dict[str, Any] = {
            "kind": "hour", "verdict": "ok", "reason": "within_limit", "expected": 60, "received": 60, "valid": 58,
            "device_value": 20.0, "device_flag": "N", "own_value": 20.1, "judged_value": 20.0, "limit_value": 35.0,
            "limit_source": "GB 13271-2014", "late": False, "reviewed_at": self.clock.now(), "revision": 0,
        } | columns  # fmt: skip
        names = ", ".join(values)
        marks = ", ".join(f"${i}" for i in range(4, len(values) + 4))
        await self.pool.execute(
            f"INSERT INTO reviews (channel_id, ts, {names}) SELECT id, $3, {marks} FROM channels WHERE mn = $1 AND code = $2",
            mn, code, ts, *values.values(),
        )  # fmt: skip

    async def evidence(
        self, finding: UUID | None, content: bytes, *, media_type: str = "image/jpeg", **columns: Any
    ) -> UUID:
        kept = self.deps.blobs.put_bytes(content)
        values = {
            "id": uuid4(),
            "finding_id": finding,
            "kind": "still",
            "state": "stored",
            "sha256": kept.sha256,
            "sm3": kept.sm3,
            "media_type": media_type,
        }
        values |= {"size_bytes": len(content), **columns}
        names = ", ".join(values)
        marks = ", ".join(f"${i}" for i in range(1, len(values) + 1))
        await self.pool.execute(f"INSERT INTO evidence ({names}) VALUES ({marks})", *values.values())
        return values["id"]

    async def logged(self, type: str, task: int | None = None, **detail: Any) -> int:
        """An event as the sequencer writes it; returns its number."""
        n = int(await self.pool.fetchval("SELECT coalesce(max(n), 0) + 1 FROM log"))
        event = {
            "type": type,
            "task": task,
            "actor": None,
            "n": n,
            "at": self.clock.now().isoformat(),
            **detail,
        }
        await self.pool.execute(
            "INSERT INTO log VALUES ($1, now(), $2, $3, '', '')", n, json.dumps(event), task
        )
        await self.pool.execute("SELECT pg_notify('farwatch_log', $1)", str(n))
        return n


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """A real server on a free port; yields its URL."""
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(app, "127.0.0.1", 0, None, None, stop, ready.set_result))
        try:
            yield await asyncio.wait_for(ready, 10)
        finally:
            stop.set()


@dataclass
class Stream:
    """The frames of an event stream as they come: (id, type, data)."""

    lines: AsyncIterator[str]

    async def next(self, timeout_s: float = 5.0) -> tuple[int | None, str, dict[str, Any]]:
        """The next event; comments and ticks are passed over. Raises StopAsyncIteration at the end."""
        async with asyncio.timeout(timeout_s):
            fields: dict[str, str] = {}
            async for line in self.lines:
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.strip()
                elif "data" in fields:
                    number = fields.get("id")
                    return int(number) if number else None, fields["event"], json.loads(fields["data"])
                else:
                    fields = {}
        raise StopAsyncIteration


@asynccontextmanager
async def listening(url: str, token: str, *, last: int | None = None) -> AsyncIterator[Stream]:
    """An open stream; once it is yielded the hub knows it."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    async with (
        httpx.AsyncClient(base_url=url, cookies={"farwatch_session": token}, timeout=10) as client,
        client.stream("GET", "/api/v1/events", headers=headers) as response,
    ):
        assert response.status_code == 200
        lines = response.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        yield Stream(lines)
