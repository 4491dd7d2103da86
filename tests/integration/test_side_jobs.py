"""A job beside the clocks may fail as it likes: it is begun again, loudly, and nothing else ends."""

import asyncio
import logging

import asyncpg
import pytest

from farwatch.runtime.supervision import Service, run_services
from farwatch.storage import job_failures
from farwatch.storage.database import PASSING_ERRORS, Pool, open_pool
from farwatch.storage.leases import LeaseLostError
from server.roles import side_jobs


class PoisonError(Exception):
    pass


class Job:
    """Fails so many times with each of `errors`, then runs for ever."""

    def __init__(self, *errors: type[Exception]) -> None:
        self.errors = list(errors)
        self.slept: list[float] = []
        self.well = asyncio.Event()

    async def run(self) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.well.set()
        await asyncio.Event().wait()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def kept(pool: Pool, job: Job) -> None:
    await side_jobs.keep(pool, "later hashes", job.run, job.sleep)


async def test_a_clock_goes_on_while_a_job_beside_it_fails(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    job, stop, turns = Job(*[PoisonError] * 12), asyncio.Event(), 0

    async def clock() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def ends() -> None:
        await job.well.wait()
        stop.set()
        await asyncio.Event().wait()

    services = [Service(name="clock", run=clock), Service(name="ends", run=ends)]
    with caplog.at_level(logging.ERROR):
        await run_services([*services, Service(name="later hashes", run=lambda: kept(pool, job))], stop)
    assert turns > 12
    assert job.slept == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    failed = [r for r in caplog.records if getattr(r, "event", "") == "side_job_failed"]
    assert [type(r.exc_info[1]) for r in failed if r.exc_info] == [PoisonError] * 12
    assert await job_failures.failing(pool) == ["later hashes"]
    assert await pool.fetchval("SELECT error FROM job_failures") == "PoisonError"
    await pool.execute("UPDATE job_failures SET again_at = clock_timestamp() - interval '61 s'")
    assert await job_failures.failing(pool) == []


@pytest.mark.parametrize("error", [ConnectionResetError, asyncpg.ConnectionDoesNotExistError, LeaseLostError])
async def test_what_passes_with_the_database_and_a_lost_lease_are_the_supervisors(
    pool: Pool, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await kept(pool, Job(PoisonError, error))


@pytest.mark.parametrize("error", [OSError, FileNotFoundError, PermissionError, TimeoutError])
async def test_a_disk_that_fails_is_told_like_any_other_trouble(pool: Pool, error: type[Exception]) -> None:
    job = Job(error)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(kept(pool, job))
        await job.well.wait()
        running.cancel()
    assert job.slept == [side_jobs.FIRST_DELAY_S]
    assert await job_failures.failing(pool) == ["later hashes"]


@pytest.mark.parametrize("error", [FileNotFoundError, TimeoutError])
async def test_the_same_from_a_database_that_is_away_is_the_supervisors(
    caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    async with open_pool("postgresql://nobody@127.0.0.1:1/none") as away:
        with pytest.raises(PASSING_ERRORS):
            await kept(away, Job(error))
    assert not caplog.records


async def test_a_job_that_returns_is_begun_again(pool: Pool) -> None:
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await side_jobs.keep(pool, "partitions", run, Job().sleep)
    assert runs == 3
