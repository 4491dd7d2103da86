"""Numbers committed events into the log. Only the holder of the engine's lease runs it."""

from collections.abc import Mapping
from typing import Protocol

import orjson

from farwatch.domain.chain import GENESIS, canonical, link
from farwatch.storage.database import Connection, Pool, transaction

LARGEST_STEP = 2000
LARGEST_TASK = 2**63 - 1
LONGEST_ID = 64
SHOWN_OF_REFUSED = 1000
OF_CAMERAS = ("finding_found", "evidence_stored", "camera_status")
NOT_OF_CAMERAS = frozenset({"found", "clocks", "decided_at", "deed", "commitment", "outcome", "matters"})
"""A case is proven by these: of tasks, deeds and clocks."""


class Fence(Protocol):
    async def check(self, connection: Connection) -> None: ...


async def sequence_once(pool: Pool, fence: Fence) -> int:
    """Moves the committed events of the queue into the log, in the order they entered it, and returns how many."""
    if not await pool.fetchval("SELECT EXISTS (SELECT FROM event_queue)"):
        return 0
    async with transaction(pool) as connection:
        await fence.check(connection)
        taken = await connection.fetch(
            "DELETE FROM event_queue WHERE id IN (SELECT id FROM event_queue ORDER BY id LIMIT $1)"
            " RETURNING id, event::text AS event, at",
            LARGEST_STEP,
        )
        taken.sort(key=lambda r: r["id"])
        events = [_readable(row["event"]) for row in taken]
        last = await connection.fetchrow("SELECT n, hash FROM log ORDER BY n DESC LIMIT 1")
        n, prev_hash = (last["n"], last["hash"]) if last else (0, GENESIS)
        task_last = await _last_of(connection, {e.get("task") for e in events})
        rows = []
        for row, event in zip(taken, events, strict=True):
            n += 1
            if task := event.get("task"):
                event, task_last[task] = {**event, "prev_n": task_last.get(task)}, n
            text = canonical({**event, "n": n, "at": row["at"].isoformat()})
            digest = link(prev_hash, text)
            rows.append((n, row["at"], text, task, prev_hash, digest))
            prev_hash = digest
        await connection.executemany(
            "INSERT INTO log (n, at, event, task_id, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6)", rows
        )
        await connection.execute("SELECT pg_notify('farwatch_log', $1)", str(n))
    return len(rows)


async def _last_of(connection: Connection, tasks: set[object]) -> dict[object, int]:
    """By task the number of its last entry: the next one names it, so that none can be left out between two."""
    rows = await connection.fetch(
        "SELECT task, l.n FROM unnest($1::bigint[]) AS task,"
        " LATERAL (SELECT n FROM log WHERE task_id = task ORDER BY n DESC LIMIT 1) l",
        list(tasks - {None}),
    )
    return {row["task"]: row["n"] for row in rows}


def _readable(text: str) -> dict[str, object]:
    """Camera machines write here by themselves: what no reader of the log could take is told as `event_refused`."""
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError:
        event = None
    if (
        not isinstance(event, dict)
        or not (_is_task(event.get("task")) and _is_id(event.get("evidence")))
        or _is_foreign(event)
    ):
        return {"type": "event_refused", "event": text[:SHOWN_OF_REFUSED]}
    return event


def _is_task(task: object) -> bool:
    return task is None or (type(task) is int and 0 < task <= LARGEST_TASK)


def _is_id(evidence: object) -> bool:
    return evidence is None or (isinstance(evidence, str) and len(evidence) <= LONGEST_ID)


def _is_foreign(event: Mapping[str, object]) -> bool:
    """Do entries that camera machines may write tell what is not theirs to tell?"""
    return event.get("type") in OF_CAMERAS and not NOT_OF_CAMERAS.isdisjoint(event)


async def first_broken_link(connection: Connection) -> int | None:
    """Walks the whole chain; the first n whose hash does not follow, or None."""
    prev_hash = GENESIS
    expected = 0
    async with connection.transaction():
        async for row in connection.cursor("SELECT n, event, prev_hash, hash FROM log ORDER BY n"):
            expected += 1
            if (
                row["n"] != expected
                or row["prev_hash"] != prev_hash
                or row["hash"] != link(prev_hash, row["event"])
            ):
                return int(row["n"])
            prev_hash = row["hash"]
    return None
