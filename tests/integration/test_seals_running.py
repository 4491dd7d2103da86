"""The engine's role seals by itself; a key that is not the city's stops the sealing and no clock."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from alerting.sealing import keys, sealing
from farwatch.storage import events, heartbeats, seals
from farwatch.storage.database import Pool, transaction
from server.roles import engine
from server.settings import Settings
from tests.support.alerting import NoLease
from tests.support.waiting import until


@asynccontextmanager
async def running(database_url: str, data_dir: Path) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.run(Settings(database_url=database_url, data_dir=data_dir), stop))
        yield
        stop.set()


async def two_hours_ago(pool: Pool) -> None:
    """An event that waits for its number since then."""
    async with transaction(pool) as connection:
        await events.append(connection, "camera_status", camera="C1")
        await connection.execute("UPDATE event_queue SET at = at - interval '2 hours'")


async def test_the_role_makes_its_key_at_its_first_start_and_seals_what_an_hour_left(
    pool: Pool, database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "LOOK_EVERY_S", 0.1)
    await two_hours_ago(pool)
    async with running(database_url, data_dir):
        await until(lambda: seals.sealed_up_to(pool), lambda n: n == 1)
    key = keys.load(data_dir)
    assert key is not None
    assert await seals.current_fingerprint(pool) == key.fingerprint
    assert await sealing.first_wrong_seal(pool) is None


async def test_without_the_citys_key_the_engine_goes_on_and_says_what_is_wrong(
    pool: Pool, database_url: str, data_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = await sealing.open_key(pool, NoLease(), tmp_path / "elsewhere")
    ours = keys.ensure(data_dir)
    await two_hours_ago(pool)
    with caplog.at_level(logging.ERROR):
        async with running(database_url, data_dir):
            await until(lambda: heartbeats.ages_s(pool), lambda ages: "engine" in ages)
            await until(lambda: pool.fetchval("SELECT count(*) FROM log"), lambda n: n >= 1)
            await until(
                lambda: _said(caplog), lambda said: theirs.fingerprint in said and ours.fingerprint in said
            )
    assert await seals.sealed_up_to(pool) == 0
    assert sealing.REFUSED._value.get() == 1


async def _said(caplog: pytest.LogCaptureFixture) -> str:
    return caplog.text


async def test_a_gap_in_the_log_is_not_sealed_over(pool: Pool, data_dir: Path) -> None:
    key = await sealing.open_key(pool, NoLease(), data_dir)
    await pool.execute(
        "INSERT INTO log SELECT n, now() - interval '2 hours', '{}', NULL, '', '' FROM unnest(ARRAY[1, 2, 4]) AS n"
    )
    with pytest.raises(sealing.LogGapError, match="holds 3 entries from 1 to 4"):
        await sealing.seal_once(pool, NoLease(), key)
