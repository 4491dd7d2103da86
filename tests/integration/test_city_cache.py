from datetime import UTC, datetime

from farwatch.storage.channels import note_heard
from farwatch.storage.database import Pool, transaction
from server.city import CityCache
from tests.support.city import settle

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def test_a_code_that_is_heard_for_the_first_time_is_in_the_city_of_those_who_judge(
    pool: Pool, database_url: str
) -> None:
    await settle(database_url, stations=1)
    cache = CityCache(pool)
    before, policy = await cache.current()
    async with transaction(pool) as connection:
        await note_heard(connection, {("MN1", "a99054"): ""}, NOW)
    after, same = await cache.current()
    assert set(after.channels) - set(before.channels) == {("MN1", "a99054")}
    assert (after.version, same) == (before.version, policy)
    assert (await cache.current())[0] is after
