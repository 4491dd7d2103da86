import asyncio

import pytest

from farwatch.domain.share import WHOLE, Share
from farwatch.storage import leases
from farwatch.storage.database import Pool, connect, transaction
from farwatch.storage.leases import LeaseLostError
from tests.support.roles import login
from tests.support.waiting import until


async def test_only_one_holds_and_the_next_waits_for_it(database_url: str) -> None:
    order: list[str] = []

    async def second() -> None:
        async with leases.hold(database_url, "engine", "second") as lease:
            order.append(f"second has epoch {lease.epoch}")

    async with asyncio.TaskGroup() as group:
        async with leases.hold(database_url, "engine", "first") as lease:
            group.create_task(second())
            await asyncio.sleep(0)
            order.append(f"first has epoch {lease.epoch}")
    assert order == ["first has epoch 1", "second has epoch 2"]


async def test_a_holder_that_was_replaced_cannot_commit(pool: Pool, database_url: str) -> None:
    async with leases.hold(database_url, "engine", "zombie") as old:
        await pool.execute("UPDATE leases SET epoch = epoch + 1 WHERE role = 'engine'")
        with pytest.raises(LeaseLostError):
            async with transaction(pool) as connection:
                await old.check(connection)


async def test_losing_the_lock_ends_the_holder(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "CHECK_EVERY_S", 0.05)
    admin = await connect(database_url)
    with pytest.raises(ExceptionGroup) as raised:
        async with leases.hold(database_url, "engine", "holder"):
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            await asyncio.Event().wait()
    assert raised.group_contains(LeaseLostError)
    await admin.close()


async def test_a_share_of_the_cameras_has_one_holder_and_who_divides_them_otherwise_waits_for_all(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(leases, "WAIT_BETWEEN_TRIES_S", 0.02)
    caplog.set_level("INFO")
    order: list[str] = []
    ends = {name: asyncio.Event() for name in ("first", "second", "again", "whole")}

    async def watch(name: str, share: Share) -> None:
        async with leases.hold_share(database_url, share, name):
            order.append(name)
            await ends[name].wait()

    async def holders(count: int) -> None:
        await until(lambda: asyncio.sleep(0, order), lambda names: len(names) == count)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch("first", Share(0, 2)))
        await holders(1)
        group.create_task(watch("second", Share(1, 2)))
        await holders(2)
        group.create_task(watch("again", Share(0, 2)))
        group.create_task(watch("whole", WHOLE))
        await until(lambda: asyncio.sleep(0, caplog.text), lambda text: text.count("standing by") == 2)
        assert "another process watches these" in caplog.text
        assert "others divide the cameras by another number than 1" in caplog.text
        for name, end in ends.items():
            end.set()
            await holders(4 if name in ("again", "whole") else 3)
    assert order == ["first", "second", "again", "whole"]


async def holders_of(url: str) -> list[int]:
    admin = await connect(url)
    rows = await admin.fetch(
        "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await admin.close()
    return [row["pid"] for row in rows]


async def end_sessions(url: str, pids: list[int]) -> None:
    admin = await connect(url)
    await admin.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", pids)
    await admin.close()


async def test_a_share_outlives_its_connection_and_is_locked_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(leases, "CHECK_EVERY_S", 0.05)
    monkeypatch.setattr(leases, "WAIT_BETWEEN_TRIES_S", 0.02)
    caplog.set_level("INFO")
    async with leases.hold_share(database_url, WHOLE, "a/1"):
        await end_sessions(database_url, await holders_of(database_url))
        await until(lambda: asyncio.sleep(0, caplog.text.count("locked again")), lambda n: n == 1)
        await end_sessions(database_url, await holders_of(database_url))
        await until(lambda: asyncio.sleep(0, caplog.text.count("locked again")), lambda n: n == 2)

        async def other() -> None:
            async with leases.hold_share(database_url, WHOLE, "a/1"):
                raise AssertionError("two hold the share")

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await other()


async def test_a_share_that_somebody_else_took_meanwhile_ends_the_holder(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "CHECK_EVERY_S", 0.3)
    monkeypatch.setattr(leases, "WAIT_BETWEEN_TRIES_S", 0.01)
    monkeypatch.setattr(leases, "TRIES_FOR_OUR_OWN", 2)
    took, end = asyncio.Event(), asyncio.Event()

    async def successor() -> None:
        async with leases.hold_share(database_url, WHOLE, "a/1"):
            took.set()
            await end.wait()

    async with asyncio.TaskGroup() as group:
        with pytest.raises(ExceptionGroup) as raised:
            async with leases.hold_share(database_url, WHOLE, "a/1"):
                holders = await holders_of(database_url)
                group.create_task(successor())
                await end_sessions(database_url, holders)
                await asyncio.Event().wait()
        assert raised.group_contains(LeaseLostError)
        assert took.is_set()
        end.set()


async def test_who_holds_which_share_is_known_to_every_role_of_the_database(
    pool: Pool, database_url: str
) -> None:
    first, second = Share(0, 3), Share(2, 3)
    async with (
        login(pool, database_url) as role,
        leases.hold_share(database_url, first, "cam-a/17"),
        leases.hold_share(database_url, second, "cam-b/4711"),
    ):
        async with transaction(pool) as connection:
            await connection.execute(f"SET LOCAL ROLE {role.name}")
            assert await leases.share_holders(connection) == {first: "cam-a/17", second: "cam-b/4711"}
    await until(lambda: leases.share_holders(pool), lambda held: held == {})
