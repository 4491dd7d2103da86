import pytest

from farwatch.storage import migration
from farwatch.storage.database import Pool, SchemaError, connect
from farwatch.storage.leases import hold
from farwatch.storage.migration import Migration, migrate, require_current, shipped
from tests.support.roles import login


async def test_migrating_twice_applies_nothing_the_second_time(database_url: str) -> None:
    assert (await migrate(database_url, database_url)).applied == []


@pytest.mark.parametrize("role", ["intake", "engine", "review"])
async def test_the_schema_changes_only_while_no_service_runs(
    pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Its owner is no superuser and not the service, and sees who holds the role all the same."""
    async with login(pool, database_url) as owner, login(pool, database_url) as service:
        await pool.execute(f"CREATE SCHEMA of_the_owner AUTHORIZATION {owner.name}")
        for one in (owner, service):
            await pool.execute(f"ALTER ROLE {one.name} SET search_path = of_the_owner")
        await migrate(owner.url, service.url)
        async with hold(service.url, role, "serve on hall-2"):
            assert (await migrate(owner.url, service.url)).applied == [], "nothing to apply or to refuse"
            more = Migration(9999, "9999_more.sql", "CREATE TABLE more ()")
            monkeypatch.setattr(migration, "shipped", lambda: [*shipped(), more])
            with pytest.raises(SchemaError, match=rf"stop serve on hall-2 \({role}\)"):
                await migrate(owner.url, service.url)
        assert (await migrate(owner.url, service.url)).applied == [more.name]


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
    async with login(pool, database_url) as role:
        assert (await migrate(database_url, role.url)).granted[0] == role.name
        service = await connect(role.url)
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


async def test_an_owner_who_is_no_superuser_migrates(pool: Pool, database_url: str) -> None:
    async with login(pool, database_url) as owner:
        await pool.execute(f"CREATE SCHEMA of_the_owner AUTHORIZATION {owner.name}")
        await pool.execute(f"ALTER ROLE {owner.name} SET search_path = of_the_owner")
        assert (await migrate(owner.url, owner.url)).applied == [m.name for m in shipped()]
        assert (await migrate(owner.url, owner.url)).applied == []


async def test_only_what_may_not_be_partitioned_is_not(pool: Pool) -> None:
    """On TimescaleDB both are hypertables, on plain PostgreSQL both are partitioned by time."""
    partitioned = {r[0] for r in await pool.fetch("SELECT relname FROM pg_class WHERE relkind = 'p'")}
    if "timescaledb" in await pool.fetchval("SHOW shared_preload_libraries"):
        partitioned = {
            r[0] for r in await pool.fetch("SELECT hypertable_name FROM timescaledb_information.hypertables")
        }
    assert partitioned == {"readings", "reading_revisions"}
