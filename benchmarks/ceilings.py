"""What the parts reach alone on this machine: PostgreSQL without a broker, aiomqtt without a database."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from itertools import count

import aiomqtt

from benchmarks.house import Database, generate
from farwatch.storage.database import Connection, connect
from farwatch.storage.migration import migrate
from tests.support.mosquitto import Mosquitto

COLUMNS = ("channel_id", "kind", "ts", "value", "flag", "received_at", "late", "revision")
_NAMES = ", ".join(COLUMNS)
_UNNEST = (
    f"INSERT INTO readings ({_NAMES}) SELECT *, 0 FROM"
    " unnest($1::int[], $2::text[], $3::timestamptz[], $4::float8[], $5::text[], $6::timestamptz[], $7::bool[])"
    " ON CONFLICT (channel_id, kind, ts) DO NOTHING"
)
_FROM_STAGE = f"INSERT INTO readings ({_NAMES}) SELECT {_NAMES} FROM stage ON CONFLICT (channel_id, kind, ts) DO NOTHING"
Row = tuple[object, ...]


async def _by_unnest(connection: Connection, rows: list[Row]) -> None:
    await connection.execute(_UNNEST, *[list(column) for column in list(zip(*rows, strict=True))[:-1]])


async def _by_copy(connection: Connection, rows: list[Row]) -> None:
    await connection.copy_records_to_table("stage", records=rows, columns=COLUMNS)
    await connection.execute(_FROM_STAGE)


async def idempotent_rows_per_s(
    database: Database, *, channels: int, batch_rows: int, seconds: float
) -> dict[str, int]:
    """Rows a second into the same table over one connection, nothing decoded, judged or counted; rows are ready in memory."""
    url = await database.fresh("ceiling")
    await migrate(url, url)
    connection = await connect(url)
    await connection.execute(
        f"CREATE TEMPORARY TABLE stage ON COMMIT DELETE ROWS AS SELECT {_NAMES} FROM readings LIMIT 0"
    )
    ways: dict[str, Callable[[Connection, list[Row]], Coroutine[object, object, None]]] = {
        "unnest": _by_unnest,
        "copy": _by_copy,
    }
    reached: dict[str, int] = {}
    now, rounds = datetime.now(UTC), count()
    for name, write in ways.items():
        written, spent_s = 0, 0.0
        while spent_s < seconds:
            ts = [now + timedelta(milliseconds=next(rounds)) for _ in range(batch_rows // channels + 1)]
            rows: list[Row] = [
                (i % channels, "rtd", ts[i // channels], 10.0, "N", now, False, 0) for i in range(batch_rows)
            ]
            began = time.perf_counter()
            async with connection.transaction():
                await write(connection, rows)
            spent_s += time.perf_counter() - began
            written += batch_rows
        reached[name] = round(written / spent_s)
    await connection.close()
    return reached


async def bare_aiomqtt_messages_per_s(
    broker: Mosquitto, *, stations: int, values: int, seconds: float
) -> int:
    """Messages a second through aiomqtt's own iterator (which acknowledges at once) into nothing; the same messages."""
    taken = 0

    async def take(client: aiomqtt.Client) -> None:
        nonlocal taken
        async for _ in client.messages:
            taken += 1

    async def stored() -> int:
        return taken

    async with aiomqtt.Client("127.0.0.1", broker.port, identifier="bare", clean_session=True) as client:
        await client.subscribe("farwatch/v1/+/+", qos=1)
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(take(client))
            sent = await generate(
                broker.port,
                stored,
                count=int(30_000 * seconds),
                seconds=seconds,
                stations=stations,
                values=values,
                ahead=8000,
            )
            while taken < sent.published:
                await asyncio.sleep(0.01)
            took_s = time.time() - sent.began_at
            taking.cancel()
    return round(sent.published / took_s)
