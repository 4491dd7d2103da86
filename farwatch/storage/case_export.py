"""What a case consists of, read at one moment: every row that hangs on it, its entries of the log, and their seals."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from farwatch.domain.chain import canonical
from farwatch.storage import seals
from farwatch.storage.database import Connection, Pool
from farwatch.storage.seals import SignedSeal, Stamp

_PRIVATE = re.compile(r"phone$|contact|password|credential|secret|url$|salt$|start_ok|token")
"""Columns that name a person's number, a secret, or the way to a device: no case needs them."""

_MATTERS = "SELECT id FROM matters WHERE task_id = $1"
_FINDINGS = f"SELECT finding_id FROM matter_findings WHERE matter_id IN ({_MATTERS})"
_STATIONS = "SELECT station FROM matters WHERE task_id = $1"
_CAMERAS = "SELECT camera FROM matters WHERE task_id = $1"
_FACTS = {
    "task": "SELECT to_jsonb(t) FROM tasks t WHERE id = $1",
    "matters": "SELECT to_jsonb(m) FROM matters m WHERE task_id = $1 ORDER BY id",
    "deadlines": "SELECT to_jsonb(d) FROM deadlines d WHERE task_id = $1 ORDER BY id",
    "findings": "SELECT to_jsonb(f) || jsonb_build_object('matter', mf.matter_id) FROM findings f"
    f" JOIN matter_findings mf ON mf.finding_id = f.id WHERE mf.matter_id IN ({_MATTERS}) ORDER BY mf.seq",
    "evidence": f"SELECT to_jsonb(e) FROM evidence e WHERE task_id = $1 OR finding_id IN ({_FINDINGS}) ORDER BY created_at, id",
    "actions": "SELECT to_jsonb(a) || jsonb_build_object('salted_with', encode(a.salt, 'hex')) FROM actions a"
    " WHERE task_id = $1 ORDER BY received_at, client_id",
    "choices": "SELECT to_jsonb(c) FROM dispatch_choices c WHERE task_id = $1 ORDER BY id",
    "reviews": "SELECT to_jsonb(r) FROM case_reviews r WHERE task_id = $1 ORDER BY id",
    "holds": "SELECT to_jsonb(h) FROM legal_holds h WHERE task_id = $1 ORDER BY id",
    "penalties": "SELECT to_jsonb(p) FROM penalty_decisions p WHERE task_id = $1 ORDER BY id",
    "outages": "SELECT to_jsonb(o) FROM outages o JOIN tasks t ON t.id = $1 WHERE o.ended_at >= t.opened_at"
    " AND o.started_at <= coalesce(t.closed_at, now()) ORDER BY o.started_at",
    "stations": f"SELECT to_jsonb(s) FROM stations s WHERE mn IN ({_STATIONS}) ORDER BY mn",
    "station_clocks": f"SELECT to_jsonb(c) FROM station_clocks c WHERE mn IN ({_STATIONS}) ORDER BY mn",
    "cameras": f"SELECT to_jsonb(c) FROM cameras c WHERE id IN ({_CAMERAS}) ORDER BY id",
    "enterprises": "SELECT to_jsonb(e) FROM enterprises e JOIN tasks t ON t.enterprise = e.id WHERE t.id = $1",
}
_ENTRIES = r"""
SELECT n, task_id, prev_hash, hash, event FROM log WHERE task_id = $1
UNION ALL
SELECT n, task_id, prev_hash, hash, event FROM log
WHERE task_id IS NULL AND event LIKE '%"type":"evidence\_stored"%' AND event::jsonb ->> 'evidence' = ANY($2::text[])
ORDER BY n
"""

_WAITING = f"""
SELECT EXISTS (SELECT FROM event_queue WHERE event ->> 'type' <> 'custody' AND (event -> 'task' = to_jsonb($1::bigint)
  OR (event ->> 'type' = 'evidence_stored' AND event ->> 'evidence' IN (SELECT e ->> 'id' FROM ({_FACTS["evidence"]}) AS s (e)))))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One of the log, as it lies there; `text` is what was hashed."""

    n: int
    task: int | None
    prev_hash: bytes
    hash: bytes
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`facts` are rows by table, ready for JSON, without what is private. `sealed_up_to` is the last n under any seal."""

    id: int
    facts: dict[str, Any]
    entries: Sequence[Entry]
    seals: Sequence[SignedSeal]
    stamps: Sequence[Stamp]
    keys: dict[str, bytes]
    sealed_up_to: int


async def is_behind(connection: Connection, task: int) -> bool:
    """Has the log no number yet for what a row of the case follows from? Who looked at it is told by no row, and may wait."""
    return bool(await connection.fetchval(_WAITING, task))


async def size_bytes(connection: Connection | Pool, task: int) -> int:
    """Of its pieces that still have bytes, about: what a package of it takes on the disk beside its texts."""
    return int(
        await connection.fetchval(
            f"SELECT coalesce(sum((e ->> 'size_bytes')::bigint), 0) FROM ({_FACTS['evidence']}) AS s (e)"
            " WHERE e ->> 'state' = 'stored' OR (e ->> 'state' = 'purged' AND e ->> 'erased_at' IS NULL)",
            task,
        )
    )


async def read(connection: Connection, task: int) -> Case | None:
    """In the caller's transaction, which must see one moment (`database.snapshot`). None when there is no such task."""
    await connection.execute("SET LOCAL TIME ZONE 'UTC'")
    facts: dict[str, Any] = {}
    for name, sql in _FACTS.items():
        facts[name] = [_public(row[0]) for row in await connection.fetch(sql, task)]
    if not facts["task"]:
        return None
    facts["task"] = facts["task"][0]
    facts["actions"] = [_with_commitment(deed) for deed in facts["actions"]]
    pieces = [row["id"] for row in facts["evidence"]]
    entries = [
        Entry(n=r["n"], task=r["task_id"], prev_hash=r["prev_hash"], hash=r["hash"], text=r["event"])
        for r in await connection.fetch(_ENTRIES, task, pieces)
    ]
    sealed = await seals.covering(connection, [entry.n for entry in entries])
    return Case(
        id=task,
        facts=facts,
        entries=entries,
        seals=sealed,
        stamps=await seals.stamps(connection, [s.seal.hour for s in sealed]),
        keys=await seals.keys(connection),
        sealed_up_to=await seals.sealed_up_to(connection),
    )


def _with_commitment(deed: dict[str, Any]) -> dict[str, Any]:
    """Beside the deed the text that the log's commitment was made of, so that nobody has to write it anew to verify it."""
    at = None
    if deed["lat"] is not None:
        at = {name: _float(deed[name]) for name in ("lat", "lon", "accuracy_m")}
    return {**deed, "committed": canonical({"note": deed["note"], "position": at})}


def _float(value: float | None) -> float | None:
    """A whole number comes back from JSON as an integer, and is written otherwise."""
    return None if value is None else float(value)


def _public(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not _PRIVATE.search(name)}
