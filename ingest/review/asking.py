"""What a review does about what did not come: silent hours are reviewed too, and loggers are asked again."""

import logging
from datetime import datetime

from farwatch.domain.reading import ReadingKind
from farwatch.domain.review import History, Period
from farwatch.storage import device_commands, review_due, review_fetches
from farwatch.storage.database import Connection
from ingest.review import gaps, metrics

log = logging.getLogger(__name__)

BY = "review"
"""Who asked, in the list of a station's commands."""


async def mend(connection: Connection, mn: str, history: History, period: Period, now: datetime) -> None:
    """In the review's transaction: what is asked is asked when the review is done, and not twice."""
    await _review_silent_hours(connection, mn, history, period, now)
    interval_min = history.minute_interval_min()
    thin = gaps.thin_hours(history, period, interval_min, now)
    if not thin:
        return
    asked = await review_fetches.asked(connection, mn, min(ts for _, ts in thin), now)
    decision = gaps.decide(
        thin, asked=asked.hours, asked_today=asked.commands_today, is_reachable=asked.is_reachable,
        interval_min=interval_min,
    )  # fmt: skip
    for fetch in decision.fetches:
        command = await device_commands.add(connection, mn, fetch.command, fetch.parameters, BY)
        await review_fetches.note(
            connection, mn, fetch.kind, fetch.hours, command=command, reason=fetch.reason, now=now
        )
        metrics.FETCHES.labels(fetch.kind).inc(len(fetch.hours))
        log.info(
            "asking %s again for %d hours: %s", mn, len(fetch.hours), fetch.reason,
            extra={"event": "hours_fetched", "mn": mn, "reason": fetch.reason, "hours": len(fetch.hours)},
        )  # fmt: skip


async def _review_silent_hours(
    connection: Connection, mn: str, history: History, period: Period, now: datetime
) -> None:
    silent = gaps.silent_hours(history, period)
    if silent:
        done = await review_due.reviewed(connection, mn, ReadingKind.HOUR, silent)
        await review_due.mark(
            connection, [((mn, ReadingKind.HOUR, ts), now) for ts in silent if ts not in done]
        )
