"""Jobs beside the clocks: whatever one of them raises is told loudly, it is begun again later, and nothing else ends (ADR 0059)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

from prometheus_client import Counter

from farwatch.runtime.supervision import ServiceEndedError
from farwatch.storage import job_failures
from farwatch.storage.database import OUTAGE_ERRORS, Pool
from farwatch.storage.leases import LeaseLostError

log = logging.getLogger(__name__)

FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 300.0
THE_SUPERVISORS: tuple[type[Exception], ...] = (*OUTAGE_ERRORS, LeaseLostError)
FAILURES = Counter(
    "farwatch_side_job_failures_total", "Jobs beside the clocks that failed and were begun again", ["job"]
)


async def _for_ever(job: str, run: Callable[[], Awaitable[None]]) -> NoReturn:
    await run()
    raise ServiceEndedError(f"{job} has finished unexpectedly")


async def keep(
    pool: Pool,
    job: str,
    run: Callable[[], Awaitable[None]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> NoReturn:
    """For ever. Raises what passes with the database, which the supervisor tries again, and LeaseLostError, which ends the process;
    a job that returns is a bug like any other. An error that a disk has as well as a lost database is told as a disk's, unless the
    database is not there to take it."""
    loop, delay_s = asyncio.get_running_loop(), FIRST_DELAY_S
    while True:
        began_s = loop.time()
        try:
            await _for_ever(job, run)
        except THE_SUPERVISORS:
            raise
        except Exception as error:
            if loop.time() - began_s >= job_failures.STEADY_AFTER_S:
                delay_s = FIRST_DELAY_S
            await job_failures.note(pool, job, type(error).__name__, again_in_s=delay_s)
            FAILURES.labels(job=job).inc()
            log.exception(
                "%s failed, and is begun again in %.0f s; the clocks go on", job, delay_s,
                extra={"event": "side_job_failed", "job": job},
            )  # fmt: skip
        await sleep(delay_s)
        delay_s = min(delay_s * 2, LONGEST_DELAY_S)
