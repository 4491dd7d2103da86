"""Is it alive, is it of use, and the numbers."""

import asyncio
import hmac
import ipaddress
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel

from farwatch.storage import camera_status, heartbeats, notices, seals
from farwatch.storage.database import PASSING_ERRORS
from server.web import peer
from server.web.authentication import SignedIn
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors

router = APIRouter(tags=["health"])

ENGINE, INTAKE = "engine", "intake"
ENGINE_FRESH_S = 5.0
DATABASE_WITHIN_S = 3.0


class Alive(BaseModel):
    status: str


class Check(BaseModel):
    ok: bool
    detail: str


class Ready(BaseModel):
    """`warnings`: log_unprotected (one database role owns the log and writes it), log_unsealed (for more than an hour)."""

    ready: bool
    checks: dict[str, Check]
    warnings: list[str]


class Status(BaseModel):
    """Ages in seconds, null for what was never seen. `clock_offset_s`: the database's clock less this machine's.

    `evidence_free_bytes` are what is free on the evidence's disk; while `evidence_short`, no clips are kept, stills only.
    `cameras_unwatched`: how many of the registry's no worker watches.
    """

    now: datetime
    engine_tick_age_s: float | None
    intake_age_s: float | None
    clock_offset_s: float
    roles: dict[str, float]
    evidence_free_bytes: int
    evidence_short: bool
    cameras_unwatched: int


@router.get("/livez")
async def livez() -> Alive:
    """Answers as long as the loop turns."""
    return Alive(status="alive")


@router.get("/readyz", responses={503: {"model": Ready, "description": "Not of use now"}})
async def readyz(web: WebContext, response: Response) -> Ready:
    """The database answers, and the engine's last round is fresh."""
    checks: dict[str, Check] = {}
    warnings: list[str] = []
    try:
        async with asyncio.timeout(DATABASE_WITHIN_S):
            age_s = (await heartbeats.ages_s(web.pool)).get(ENGINE)
            warnings = await _warnings(web)
        checks["database"] = Check(ok=True, detail="answers")
        fresh = age_s is not None and age_s <= ENGINE_FRESH_S
        checks["engine"] = Check(
            ok=fresh, detail="never seen" if age_s is None else f"last round {age_s:.1f} s ago"
        )
    except PASSING_ERRORS as error:
        checks["database"] = Check(ok=False, detail=type(error).__name__)
        checks["engine"] = Check(ok=False, detail="unknown")
    ready = all(c.ok for c in checks.values())
    response.status_code = 200 if ready else 503
    return Ready(ready=ready, checks=checks, warnings=warnings)


async def _warnings(web: Web) -> list[str]:
    """What does not keep the service from its work, and should not stay so."""
    an_hour_ago = await heartbeats.database_now(web.pool) - timedelta(hours=1)
    return [
        *([] if await seals.is_protected(web.pool) else ["log_unprotected"]),
        *([] if await seals.due(web.pool, an_hour_ago) is None else ["log_unsealed"]),
    ]


@router.get("/api/v1/status", responses=errors(401))
async def status(web: WebContext, _: SignedIn) -> Status:
    """The wall turns red when `engine_tick_age_s` is over 5."""
    asked_at = web.deps.clock.now()
    there = await heartbeats.database_now(web.pool)
    halfway = asked_at + (web.deps.clock.now() - asked_at) / 2
    ages = await heartbeats.ages_s(web.pool)
    free_bytes, is_short = await asyncio.to_thread(web.deps.blobs.room)
    return Status(
        now=there,
        engine_tick_age_s=ages.get(ENGINE),
        intake_age_s=ages.get(INTAKE),
        clock_offset_s=(there - halfway) / timedelta(seconds=1),
        roles=ages,
        evidence_free_bytes=free_bytes,
        evidence_short=is_short,
        cameras_unwatched=await camera_status.unwatched(web.pool),
    )


_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {}}, "description": "Prometheus' text format"}
}


@router.get("/metrics", response_class=Response, responses=_TEXT | errors(403))
async def metrics(
    web: WebContext, request: Request, authorization: Annotated[str, Header()] = ""
) -> Response:
    """For scrapers on this machine, and for others with the bearer token of the settings."""
    if not _may_scrape(web, request, authorization):
        raise ApiError(403, "not_from_here")
    free_bytes, _ = await asyncio.to_thread(web.deps.blobs.room)
    try:
        age_s = (await heartbeats.ages_s(web.pool)).get(ENGINE)
        overdue_s = await notices.overdue_s(web.pool)
    except PASSING_ERRORS:
        age_s = overdue_s = (
            None  # the other numbers are wanted all the more; an absent gauge raises its own alert
        )
    body = await asyncio.to_thread(_collected, age_s, overdue_s, free_bytes)
    return Response(body, media_type=CONTENT_TYPE_LATEST)


def _may_scrape(web: Web, request: Request, authorization: str) -> bool:
    token = web.deps.settings.metrics_token
    if token and hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        return True
    try:
        return ipaddress.ip_address(peer.address(request.scope, web.deps.settings)).is_loopback
    except ValueError:
        return False


class _FromRows(Collector):
    def __init__(
        self, engine_age_s: float | None, outbox_overdue_s: float | None, evidence_free_bytes: int
    ) -> None:
        self._evidence_free_bytes = evidence_free_bytes
        self._engine_age_s = engine_age_s
        self._outbox_overdue_s = outbox_overdue_s

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "farwatch_evidence_free_bytes", "Free on the evidence's disk", self._evidence_free_bytes
        )
        if self._engine_age_s is not None:
            yield GaugeMetricFamily(
                "farwatch_engine_last_tick_age_seconds", "Since the engine's last round", self._engine_age_s
            )
        if self._outbox_overdue_s is not None:
            yield GaugeMetricFamily(
                "farwatch_outbox_overdue_seconds",
                "Since the oldest queued notice should have been tried",
                self._outbox_overdue_s,
            )


def _collected(engine_age_s: float | None, outbox_overdue_s: float | None, evidence_free_bytes: int) -> bytes:
    """All processes' numbers where they share a folder, else this process's."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    ours = CollectorRegistry()
    ours.register(_FromRows(engine_age_s, outbox_overdue_s, evidence_free_bytes))
    return generate_latest(registry) + generate_latest(ours)
