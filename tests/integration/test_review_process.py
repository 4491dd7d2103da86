"""The review as the process it is, killed in the middle of its work; and an hour over its limit, from broker to task."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farwatch.domain.reading import ReadingKind
from farwatch.storage.database import Pool
from tests.support.city import settle
from tests.support.monitors import FastPublisher, message
from tests.support.mosquitto import Mosquitto, needs_mosquitto
from tests.support.review import a_reading, arrive, limit
from tests.support.service import Service
from tests.support.waiting import until

pytestmark = [pytest.mark.process]

STATIONS, HOURS = 20, 40


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)  # noqa: TID251


async def facts(pool: Pool) -> dict[str, int]:
    row = await pool.fetchrow(
        "SELECT (SELECT count(*) FROM reviews WHERE kind = 'hour') AS reviewed,"
        " (SELECT count(*) FROM review_revisions WHERE kind = 'hour') AS revised, (SELECT count(*) FROM findings) AS findings,"
        " (SELECT count(*) FROM evidence) AS curves, (SELECT count(*) FROM event_queue) AS events,"
        " (SELECT count(*) FROM review_ticks WHERE kind = 'hour') AS ticks,"
        " (SELECT count(*) FROM review_due WHERE kind = 'hour') AS due"
    )
    return dict(row)


async def test_kill_9_in_the_middle_loses_and_doubles_nothing(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    await settle(database_url, stations=STATIONS, codes=("a21026",))
    start = this_hour() - timedelta(hours=HOURS + 2)
    for n in range(1, STATIONS + 1):
        await limit(pool, f"MN{n}", "a21026", ReadingKind.HOUR, 50)
        # A value of its own for each hour, so that no rule about data that never changes has a word in this.
        rows = [a_reading(start + timedelta(hours=h), 60.0 + h + n / 100, mn=f"MN{n}") for h in range(HOURS)]
        await arrive(pool, rows)
    total = STATIONS * HOURS
    service = Service(tmp_path / "service", database_url=database_url)
    service.start("review")
    try:
        for share in (0.1, 0.3, 0.6):
            await until(lambda: facts(pool), lambda f, s=share: f["reviewed"] >= s * total, within_s=40)  # type: ignore[misc]
            service.kill_role("review")
        await until(lambda: facts(pool), lambda f: f["due"] == 0, within_s=60)
        seen = await facts(pool)
        exceedances = await pool.fetchval("SELECT count(*) FROM findings WHERE rule = 'limit_hour'")
        assert seen | {"reviewed": total, "revised": 0, "ticks": total} == seen
        assert exceedances == total
        assert seen["findings"] == seen["curves"] == seen["events"]
    finally:
        service.stop()


@needs_mosquitto
async def test_an_hour_over_its_limit_is_a_task_within_three_seconds(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    await settle(database_url, stations=1, codes=("a21026",))
    await limit(pool, "MN1", "a21026", ReadingKind.HOUR, 50)
    service = Service(tmp_path / "service", database_url=database_url, mqtt_url=broker.url)
    service.start("intake,engine,review")
    try:
        await service.says("connected to the broker")
        await service.says("the review runs")
        await service.says("the engine runs")
        began_s = time.monotonic()
        monitors = FastPublisher(broker.port)
        an_hour_ago = datetime.now(UTC) - timedelta(minutes=61)  # noqa: TID251
        monitors.publish([("farwatch/v1/MN1/hour", message(an_hour_ago, {"a21026": 71.0}))])
        monitors.finish()

        async def tasks() -> int:
            return int(await pool.fetchval("SELECT count(*) FROM tasks"))

        await until(tasks, lambda n: n == 1)
        assert time.monotonic() - began_s < 3
    finally:
        service.stop()
        broker.stop()
