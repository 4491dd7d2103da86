"""Is it alive, is it of use, and the numbers."""

import asyncio
import hmac
import ipaddress
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel

from farwatch.storage import camera_status, heartbeats, job_failures, notices, seals, webhook_cursors
from farwatch.storage.database import PASSING_ERRORS
from farwatch.storage.webhook_cursors import Course
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
    """`warnings`: log_unprotected (one database role owns the log and writes it), log_unsealed (for more than an hour),
    job_failing:NAME (a job beside the clocks failed for an unforeseen reason and is begun again)."""

    ready: bool
    checks: dict[str, Check]
    warnings: list[str]


class EventWebhook(BaseModel):
    """A channel that gets every event: `behind` wait for it, the oldest for `behind_s`; it never took the `aside` ones, the last of
    which was set aside at `aside_at`."""

    name: str
    behind: int
    behind_s: float
    aside: int
    aside_at: datetime | None


class Status(BaseModel):
    """Ages in seconds, null for what was never seen. `clock_offset_s`: the database's clock less this machine's.

    `evidence_free_bytes` are what is free on the evidence's disk; while `evidence_short`, no clips are kept, stills only.
    `cameras_unwatched`: how many of the registry's no worker watches. `event_webhooks`: how far programs outside are behind.
    """

    now: datetime
    engine_tick_age_s: float | None
    intake_age_s: float | None
    clock_offset_s: float
    roles: dict[str, float]
    evidence_free_bytes: int
    evidence_short: bool
    cameras_unwatched: int
    event_webhooks: list[EventWebhook]


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
        *(f"job_failing:{job}" for job in await job_failures.failing(web.pool)),
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
        event_webhooks=[EventWebhook(**asdict(c)) for c in await webhook_cursors.courses(web.pool)],
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
        courses = await webhook_cursors.courses(web.pool)
    except PASSING_ERRORS:
        # the other numbers are wanted all the more; an absent gauge raises its own alert
        age_s, overdue_s, courses = None, None, []
    body = await asyncio.to_thread(_collected, _FromRows(age_s, overdue_s, free_bytes, courses))
    return Response(body, media_type=CONTENT_TYPE_LATEST)


def _may_scrape(web: Web, request: Request, authorization: str) -> bool:
    token = web.deps.settings.metrics_token
    if token and hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        return True
    try:
        return ipaddress.ip_address(peer.address(request.scope, web.deps.settings)).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, eq=False)
class _FromRows(Collector):
    engine_age_s: float | None
    outbox_overdue_s: float | None
    evidence_free_bytes: int
    event_webhooks: Sequence[Course]

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "farwatch_evidence_free_bytes", "Free on the evidence's disk", self.evidence_free_bytes
        )
        if self.engine_age_s is not None:
            yield GaugeMetricFamily(
                "farwatch_engine_last_tick_age_seconds", "Since the engine's last round", self.engine_age_s
            )
        if self.outbox_overdue_s is not None:
            yield GaugeMetricFamily(
                "farwatch_outbox_overdue_seconds",
                "Since the oldest queued notice should have been tried",
                self.outbox_overdue_s,
            )
        behind = GaugeMetricFamily(
            "farwatch_event_webhook_behind", "Events of the log that wait for a channel", labels=["channel"]
        )
        behind_s = GaugeMetricFamily(
            "farwatch_event_webhook_behind_seconds", "Age of the oldest of them", labels=["channel"]
        )
        for course in self.event_webhooks:
            behind.add_metric([course.name], course.behind)
            behind_s.add_metric([course.name], course.behind_s)
        yield behind
        yield behind_s


def _collected(from_rows: Collector) -> bytes:
    """All processes' numbers where they share a folder, else this process's."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    ours = CollectorRegistry()
    ours.register(from_rows)
    return generate_latest(registry) + generate_latest(ours)
