"""A limit that is imported after the day from which it holds: what was reviewed since then is judged anew."""

from datetime import timedelta
from pathlib import Path

from detectors.sensors import legal
from farwatch.domain.reading import ReadingKind
from farwatch.storage.database import Pool
from farwatch.storage.leases import Lease
from ingest.review.reviews import Reviews
from server.city import CityCache
from server.registry.commands import import_
from tests.support.review import HOUR, HandClock, a_reading, arrive, review_all
from tests.unit.registry.sample import write_city

MN, ONE_HOUR = "88888880000001", timedelta(hours=1)
HEAD = "mn,code,unit,limit,limit_kind,valid_from\n"
BEFORE = f"{HEAD}{MN},a21026,mg/m3,100,hour,2026-01-01\n"
SINCE_ELEVEN = f"{MN},a21026,mg/m3,50,hour,2026-11-22T11:00:00+08:00\n"


async def register(pool: Pool, folder: Path, data_dir: Path, channels: str, hours: int) -> None:
    """As of so many hours after ten o'clock."""
    files = write_city(folder, channels=channels)
    report = await import_(files, pool, data_dir, prune=False, now=HOUR + hours * ONE_HOUR)
    assert report.exit_code == 0, report.lines


async def test_what_was_reviewed_since_then_is_judged_anew_and_nobody_is_sent(
    pool: Pool, tmp_path: Path, data_dir: Path
) -> None:
    await register(pool, tmp_path / "one", data_dir, BEFORE, 0)
    clock = HandClock(HOUR)
    await pool.execute("INSERT INTO leases VALUES ('review', 1, 'test', now())")
    reviews = Reviews(pool, Lease("review", 1), clock, reviewer=legal.review, city=CityCache(pool).current)
    for n in range(4):
        clock.at = HOUR + (n + 1) * ONE_HOUR + timedelta(minutes=2)
        await arrive(pool, [a_reading(HOUR + n * ONE_HOUR, 61.0, ReadingKind.HOUR, mn=MN)])
        await review_all(reviews)
    assert await pool.fetch("SELECT FROM findings") == []
    clock.at = HOUR + 30 * ONE_HOUR
    await register(pool, tmp_path / "two", data_dir, BEFORE + SINCE_ELEVEN, 30)
    await review_all(reviews)
    said = await pool.fetch("SELECT ts, verdict FROM reviews WHERE kind = 'hour' ORDER BY ts")
    assert [(r["ts"] - HOUR, r["verdict"]) for r in said] == [
        (n * ONE_HOUR, "over" if n >= 1 else "ok") for n in range(4)
    ]
    assert [r["late"] for r in await pool.fetch("SELECT late FROM findings WHERE rule = 'limit_hour'")] == [
        True
    ] * 3


async def test_the_same_files_again_ask_for_no_review(pool: Pool, tmp_path: Path, data_dir: Path) -> None:
    await register(pool, tmp_path / "one", data_dir, BEFORE, 0)
    await arrive(pool, [a_reading(HOUR, 61.0, mn=MN)])
    await pool.execute("INSERT INTO leases VALUES ('review', 1, 'test', now())")
    clock = HandClock(HOUR + 2 * ONE_HOUR)
    reviews = Reviews(pool, Lease("review", 1), clock, reviewer=legal.review, city=CityCache(pool).current)
    await review_all(reviews)
    await pool.execute("DELETE FROM review_due")
    await register(pool, tmp_path / "two", data_dir, BEFORE, 3)
    assert await pool.fetch("SELECT FROM review_due") == []
