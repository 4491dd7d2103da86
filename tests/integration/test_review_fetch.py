"""Hours that were lost on the way, from the gap to its mending: review, command, logger, intake, review."""

import asyncio
from datetime import UTC, datetime, timedelta

from farwatch.domain.reading import ReadingKind
from farwatch.runtime.clock import SystemClock
from farwatch.runtime.supervision import Service, keep_running
from farwatch.storage import station_links
from farwatch.storage.database import Pool
from ingest.payloads import Measurement
from simulators.logger_device import LoggerDevice, LoggerIdentity, Manner
from simulators.loggers import PASSING_ERRORS, Logger
from tests.support.city import settle
from tests.support.loggers import logger_house
from tests.support.review import HandClock, a_reading, arrive, limit, make_reviews, review_all
from tests.support.waiting import until

KEPT, LOST = (7, 6, 5, 2), (4, 3)


def value(back: int) -> float:
    return 64.0 if back == 4 else 20.0 + back


async def test_lost_hours_are_fetched_from_the_logger_and_judged_as_late(
    pool: Pool, database_url: str
) -> None:
    await settle(database_url, stations=1, codes=("a21026",))
    await limit(pool, "MN1", "a21026", ReadingKind.HOUR, 50)
    now = datetime.now(UTC)  # noqa: TID251
    hour = now.replace(minute=0, second=0, microsecond=0)
    device = LoggerDevice(
        LoggerIdentity(mn="MN1", dialect=2017, password="123456", sm4_key=None, system="31"),
        Manner(),
        timedelta(0),
    )
    device.remember(
        Measurement("MN1", ReadingKind.HOUR, hour - timedelta(hours=back), {"a21026": value(back)})
        for back in range(20, 0, -1)
    )
    logger = Logger(
        device, lambda at: [Measurement("MN1", ReadingKind.RTD, at.replace(microsecond=0), {"a21026": 20.0})],
        SystemClock(), period_s=1.0,
    )  # fmt: skip
    await arrive(pool, [a_reading(hour - timedelta(hours=back), value(back)) for back in KEPT])
    reviews = await make_reviews(pool, HandClock(now + timedelta(minutes=1)))

    async def verdicts() -> list[tuple[int, str, bool]]:
        await review_all(reviews)
        rows = await pool.fetch(
            "SELECT ts, verdict, late FROM reviews WHERE kind = 'hour' AND ts < $1 ORDER BY ts", hour
        )
        return [(round((hour - r["ts"]) / timedelta(hours=1)), r["verdict"], r["late"]) for r in rows]

    async with logger_house(pool, database_url) as house, asyncio.TaskGroup() as group:
        service = Service(
            name="logger", run=lambda: logger.run_once("127.0.0.1", house.port), passing=PASSING_ERRORS
        )
        running = group.create_task(keep_running(service))
        await until(lambda: station_links.load(pool), lambda links: "MN1" in links)
        seen = await until(verdicts, lambda found: (4, "over", True) in found and (3, "ok", True) in found)
        running.cancel()
    assert [(back, verdict) for back, verdict, _ in seen if back in KEPT] == [(back, "ok") for back in KEPT]
    assert [
        r["command"]
        for r in await pool.fetch("SELECT command FROM device_commands WHERE asked_by = 'review'")
    ] == ["2061"]
    [found] = await pool.fetch("SELECT late, ended_at FROM findings WHERE rule = 'limit_hour'")
    assert (found["late"], found["ended_at"]) == (True, None)
