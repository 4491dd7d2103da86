import re

import pytest

from farwatch.storage.database import Pool, SchemaError, connect
from farwatch.storage.migration import migrate, require_current, shipped


async def test_migrating_twice_applies_nothing_the_second_time(database_url: str) -> None:
    assert (await migrate(database_url, database_url)).applied == []


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


async def test_the_service_role_writes_rows_but_never_rewrites_the_log(pool: Pool, database_url: str) -> None:
    await pool.execute("DROP ROLE IF EXISTS farwatch_service_test")
    await pool.execute("CREATE ROLE farwatch_service_test LOGIN PASSWORD 'x'")
    service_url = re.sub(r"//[^@]*@", "//farwatch_service_test:x@", database_url)
    assert (await migrate(database_url, service_url)).granted[0] == "farwatch_service_test"
    service = await connect(service_url)
    try:
        await service.execute("INSERT INTO log VALUES (1, now(), '{}', NULL, '', '')")
        await service.execute("INSERT INTO dead_letter_counts VALUES ('x', current_date, 'y', 1, 1)")
        assert await service.fetchval("SELECT ensure_partitions(now() + interval '90 days')") >= 0
        for sql in (
            "UPDATE log SET event = ''",
            "DELETE FROM log",
            "DELETE FROM migrations",
            "DROP TABLE log",
            "CREATE TABLE mine ()",
        ):
            with pytest.raises(Exception, match=r"permission denied|must be owner"):
                await service.execute(sql)
    finally:
        await service.close()
        await pool.execute("DROP OWNED BY farwatch_service_test")
        await pool.execute("DROP ROLE farwatch_service_test")


async def test_an_owner_who_is_no_superuser_migrates(pool: Pool, database_url: str) -> None:
    await pool.execute("CREATE ROLE farwatch_owner_test LOGIN PASSWORD 'x'")
    await pool.execute("CREATE SCHEMA of_the_owner AUTHORIZATION farwatch_owner_test")
    await pool.execute("ALTER ROLE farwatch_owner_test SET search_path = of_the_owner")
    owner_url = re.sub(r"//[^@]*@", "//farwatch_owner_test:x@", database_url)
    try:
        assert (await migrate(owner_url, owner_url)).applied == [m.name for m in shipped()]
        assert (await migrate(owner_url, owner_url)).applied == []
    finally:
        await pool.execute("DROP OWNED BY farwatch_owner_test CASCADE")
        await pool.execute("DROP ROLE farwatch_owner_test")


async def test_only_what_may_not_be_partitioned_is_not(pool: Pool) -> None:
    """On TimescaleDB both are hypertables, on plain PostgreSQL both are partitioned by time."""
    partitioned = {r[0] for r in await pool.fetch("SELECT relname FROM pg_class WHERE relkind = 'p'")}
    if "timescaledb" in await pool.fetchval("SHOW shared_preload_libraries"):
        partitioned = {
            r[0] for r in await pool.fetch("SELECT hypertable_name FROM timescaledb_information.hypertables")
        }
    assert partitioned == {"readings", "reading_revisions"}
