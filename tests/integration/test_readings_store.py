"""The readings' table, the same promises on native partitions and on TimescaleDB (FARWATCH_TEST_DATABASE_URL), however many
come at once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farwatch.domain.reading import Reading, ReadingKind
from farwatch.storage import readings
from farwatch.storage.database import DATA_ERRORS, Connection, Pool
from tests.support.city import settle

BASE = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=2)  # noqa: TID251
FIRST = Reading(
    mn="MN1", code="a21026", kind=ReadingKind.HOUR, ts=BASE, value=10.0, received_at=BASE, converted=11.0, minimum=1.0,
    maximum=20.0, amount=3.5,
)  # fmt: skip
Ids = dict[tuple[str, str], int]


@pytest.fixture(params=[readings.FEW, 0], ids=["as arrays", "by COPY"])
async def connection(
    pool: Pool, database_url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connection]:
    monkeypatch.setattr(readings, "FEW", request.param)
    await settle(database_url, stations=2)
    async with pool.acquire() as taken:
        await readings.ensure_partitions(taken)
        yield taken


async def _insert(connection: Connection, *batch: Reading) -> readings.Written:
    async with connection.transaction():
        return await readings.insert(connection, await readings.channel_ids(connection), batch)


async def _rows(connection: Connection, table: str) -> list[tuple[object, ...]]:
    sql = f"SELECT ts, value, converted, minimum, maximum, amount, flag, revision FROM {table} ORDER BY ts, revision"
    return [tuple(r) for r in await connection.fetch(sql)]


async def test_a_reading_is_kept_with_all_it_says(connection: Connection) -> None:
    assert await _insert(connection, FIRST) == readings.Written(written=1)
    assert await _rows(connection, "readings") == [(BASE, 10.0, 11.0, 1.0, 20.0, 3.5, "N", 0)]
    around = await readings.around(
        connection, "MN1", "a21026", ReadingKind.HOUR, BASE, timedelta(hours=1), timedelta(hours=1)
    )
    assert around == [FIRST]


async def test_the_same_again_is_nothing_in_one_batch_and_in_the_next(connection: Connection) -> None:
    later = replace(FIRST, received_at=BASE + timedelta(minutes=5))
    assert await _insert(connection, FIRST, later) == readings.Written(written=1)
    assert await _insert(connection, later, FIRST) == readings.Written()
    assert await _rows(connection, "reading_revisions") == []


@pytest.mark.parametrize(
    "other",
    [
        replace(FIRST, value=12.0),
        replace(FIRST, converted=None),
        replace(FIRST, minimum=0.5),
        replace(FIRST, maximum=None),
        replace(FIRST, amount=3.6),
        replace(FIRST, flag="M"),
    ],
)
@pytest.mark.parametrize("same_batch", [True, False])
async def test_another_content_of_the_key_is_a_revision_and_both_are_kept(
    connection: Connection, other: Reading, *, same_batch: bool
) -> None:
    if same_batch:
        assert await _insert(connection, FIRST, other) == readings.Written(written=2, replaced=1)
    else:
        await _insert(connection, FIRST)
        assert await _insert(connection, other) == readings.Written(written=1, replaced=1)
    assert [row[1:] for row in await _rows(connection, "reading_revisions")] == [
        (10.0, 11.0, 1.0, 20.0, 3.5, "N", 0)
    ]
    assert (await _rows(connection, "readings"))[0][-1] == 1
    known = await readings.unknown(
        connection, await readings.channel_ids(connection), [FIRST, other, replace(FIRST, mn="MN2")]
    )
    assert known == [FIRST, replace(FIRST, mn="MN2")]


async def test_the_latest_never_goes_backwards(connection: Connection) -> None:
    later = BASE + timedelta(hours=1)
    newer = replace(FIRST, ts=later, received_at=later, value=7.0)
    await _insert(connection, newer)
    await _insert(connection, FIRST, replace(FIRST, ts=BASE - timedelta(days=300), late=True))
    assert await connection.fetchval("SELECT value FROM latest_readings") == 7.0
    assert len(await _rows(connection, "readings")) == 3


async def test_the_latest_is_never_in_the_future(connection: Connection) -> None:
    """A clock half an hour ahead, set right afterwards; a judge that starts again sees what the fast clock said."""
    live = replace(FIRST, kind=ReadingKind.RTD)
    ahead = [replace(live, ts=BASE + timedelta(minutes=30, seconds=s), value=float(s)) for s in (0, 5)]
    await _insert(connection, *ahead)
    sql = "SELECT ts, value FROM latest_readings"
    assert tuple(await connection.fetchrow(sql)) == (BASE, 5.0)
    resumed = await readings.latest(
        connection, [ReadingKind.RTD], BASE - timedelta(hours=2), timedelta(seconds=30), 3
    )
    assert sorted(r.value for r in resumed) == [0.0, 5.0]
    right_at = BASE + timedelta(minutes=1)
    await _insert(connection, replace(live, ts=right_at, received_at=right_at, value=7.0))
    assert tuple(await connection.fetchrow(sql)) == (right_at, 7.0)


async def test_a_back_fill_of_a_year_goes_in_and_its_repeats_do_nothing(connection: Connection) -> None:
    days = [replace(FIRST, ts=BASE - timedelta(days=d), late=True, value=float(d)) for d in range(1, 366)]
    assert (await _insert(connection, *days)).written == 365
    assert (await _insert(connection, *days)).written == 0
    assert (await _insert(connection, *[replace(r, value=-1.0) for r in days[::30]])).replaced == 13
    assert await connection.fetchval("SELECT count(*) FROM readings") == 365


async def test_what_is_old_asks_leave_to_open_compressed_chunks_however_little_it_is(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "_INSERT_FEW", "the way of what is recent")
    assert (await _insert(connection, replace(FIRST, ts=BASE - readings.RECENT))).written == 1


@pytest.mark.parametrize(
    "poison",
    [
        replace(FIRST, flag="\0"),
        replace(FIRST, flag="\ud800"),
        replace(FIRST, value="ten"),  # type: ignore[arg-type]
        replace(FIRST, ts=datetime(1900, 1, 1, tzinfo=UTC)),
        replace(FIRST, ts=datetime(2900, 1, 1, tzinfo=UTC)),
    ],
    ids=["nul", "surrogate", "no_number", "no_partition_any_more", "no_partition_yet"],
)
async def test_a_row_that_the_database_never_takes_is_a_data_error_and_the_connection_goes_on(
    connection: Connection, poison: Reading
) -> None:
    if poison.ts.year == 1900 and "timescaledb" in await connection.fetchval("SHOW shared_preload_libraries"):
        pytest.skip("TimescaleDB makes a chunk for any time")
    with pytest.raises(DATA_ERRORS):
        await _insert(connection, replace(FIRST, mn="MN2"), poison)
    assert await _insert(connection, FIRST) == readings.Written(written=1)
