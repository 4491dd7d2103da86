import pytest

from farwatch.storage.database import Pool, SchemaError, connect
from farwatch.storage.migration import migrate, require_current, shipped


async def test_migrating_twice_applies_nothing_the_second_time(database_url: str) -> None:
    assert await migrate(database_url, database_url) == []


async def test_an_unmigrated_database_is_refused(postgres: object, database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("DELETE FROM migrations WHERE number = (SELECT max(number) FROM migrations)")
    with pytest.raises(SchemaError, match="farwatch migrate"):
        await require_current(connection)
    await connection.close()


async def test_a_changed_migration_file_is_noticed(database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("UPDATE migrations SET sha256 = 'x' WHERE number = 1")
    with pytest.raises(SchemaError, match=shipped()[0].name):
        await require_current(connection)
    await connection.close()


async def test_the_log_refuses_change_even_from_its_owner(pool: Pool) -> None:
    await pool.execute("INSERT INTO log VALUES (1, now(), '{}', NULL, '', '')")
    for sql in ("UPDATE log SET event = 'x'", "DELETE FROM log", "TRUNCATE log"):
        with pytest.raises(Exception, match="append-only"):
            await pool.execute(sql)


async def test_partitions_cover_the_accepted_event_times(pool: Pool) -> None:
    names = {
        r[0]
        for r in await pool.fetch(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'readings'::regclass"
        )
    }
    assert len(names) >= 15
    assert await pool.fetchval("SELECT ensure_partitions(now())") == 0
