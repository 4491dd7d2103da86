"""Role review: hours and days judged from their rows."""

import asyncio
import logging
from contextlib import AsyncExitStack
from datetime import datetime

from detectors.sensors import legal, quality
from detectors.sensors.quality import clones
from farwatch.domain.policy import Policy
from farwatch.domain.review import History, Period, Reviewer, ReviewOutcome
from farwatch.runtime.clock import SystemClock
from farwatch.runtime.supervision import Service, run_services
from farwatch.storage import leases
from farwatch.storage.database import PASSING_ERRORS as DATABASE_ERRORS
from ingest.review.clones import CloneWatch
from ingest.review.reviews import Reviews
from server.city import CityCache
from server.roles.shared import checked_pool, holder, watch_clock
from server.settings import Settings

log = logging.getLogger(__name__)


def together(*reviewers: Reviewer) -> Reviewer:
    """Each looks at the same history; what they say is put together in their order."""

    def review(history: History, period: Period, policy: Policy, now: datetime) -> ReviewOutcome:
        said = [reviewer(history, period, policy, now) for reviewer in reviewers]
        return ReviewOutcome(
            tuple(v for outcome in said for v in outcome.verdicts),
            tuple(f for outcome in said for f in outcome.findings),
            tuple(e for outcome in said for e in outcome.ended),
        )

    return review


REVIEWER = together(legal.review, quality.review)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Verdicts of hours and days. Stands by while another process holds the role."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        pool = await checked_pool(stack, settings, size=4)
        lease = await stack.enter_async_context(leases.hold(settings.database_url, "review", holder()))
        reviews = Reviews(pool, lease, clock, reviewer=REVIEWER, city=CityCache(pool).current)
        copies = CloneWatch(
            pool, lease, clock, rule=clones.RULE, judge=clones.judge, city=CityCache(pool).current
        )
        log.info("the review runs", extra={"event": "review_running", "epoch": lease.epoch})
        await run_services(
            [
                Service(name="reviews", run=reviews.run, passing=DATABASE_ERRORS),
                Service(name="old ticks", run=reviews.forget_old_ticks, passing=DATABASE_ERRORS),
                Service(name="clones", run=copies.run, passing=DATABASE_ERRORS),
                Service(name="clock watch", run=lambda: watch_clock(pool, clock), passing=DATABASE_ERRORS),
            ],
            stop,
        )
