"""What passes from one use of a pooled connection to the next: nothing but the connection."""

import asyncio

from farwatch.storage.database import open_pool, transaction


async def test_a_transaction_that_was_left_open_ends_with_its_use_of_the_connection(
    database_url: str,
) -> None:
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    async with open_pool(database_url, size=1) as pool:
        async with pool.acquire() as connection:
            session = connection.get_server_pid()
            await connection.execute("BEGIN")
            await connection.execute("CREATE TABLE left_behind ()")
        async with transaction(pool) as connection:
            assert connection.get_server_pid() == session
            assert await connection.fetchval("SELECT to_regclass('left_behind')") is None
    assert ["active transaction" in message for message in told] == [True]


async def test_what_a_transaction_sets_ends_with_it(database_url: str) -> None:
    async with open_pool(database_url, size=1) as pool:
        usual = await pool.fetchval("SHOW work_mem")
        async with transaction(pool) as connection:
            await connection.execute("SET LOCAL work_mem = '65MB'")
        assert await pool.fetchval("SHOW work_mem") == usual
