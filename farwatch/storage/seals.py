"""The seals of the log as rows, the keys that signed them, and the stamps of outside authorities. Nothing here is ever changed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.merkle import NO_ROOT, Seal, fingerprint
from farwatch.storage.database import Connection, Pool, Record

LEAVES_AT_ONCE = 2000
STAMP_WITHIN_DAYS = 30
LOG_UNPROTECTED = (
    "log_unprotected: the service's role owns the log or is a superuser, so only a trigger keeps it from being rewritten;"
    " in production one role owns the schema and another writes"
)


@dataclass(frozen=True, slots=True)
class SignedSeal:
    """`key` is the fingerprint of the key that signed it."""

    seal: Seal
    key: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Due:
    """What the next seal covers."""

    hour: datetime
    n_first: int
    n_last: int
    prev_root: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """`token` is the authority's answer, DER, as it came."""

    hour: datetime
    authority: str
    token: bytes
    stamped_at: datetime


async def newest_key(connection: Connection | Pool) -> bytes | None:
    """The public key that signs now, 32 bytes; None before the engine's first start."""
    key: bytes | None = await connection.fetchval(
        "SELECT public_key FROM signing_keys ORDER BY made_at DESC, fingerprint LIMIT 1"
    )
    return key


async def current_fingerprint(connection: Connection | Pool) -> str:
    """Eight groups of four hexadecimal digits, to be printed on reports; empty before the engine's first start."""
    key = await newest_key(connection)
    return "" if key is None else fingerprint(key)


async def add_first_key(connection: Connection, public_key: bytes) -> None:
    """Nothing where there is a key already."""
    await connection.execute("SELECT add_first_key($1, $2)", fingerprint(public_key), public_key)


async def may_add_key(connection: Connection | Pool) -> bool:
    """Whether this role may put another key in the newest one's place: the owner may, the service may not."""
    return bool(await connection.fetchval("SELECT has_table_privilege('signing_keys', 'INSERT')"))


async def add_key(connection: Connection, public_key: bytes) -> None:
    """From now on it is the newest. Once is enough. As the owner."""
    await connection.execute(
        "INSERT INTO signing_keys (fingerprint, public_key) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        fingerprint(public_key),
        public_key,
    )


async def keys(connection: Connection | Pool) -> dict[str, bytes]:
    """Every key that ever signed, by fingerprint."""
    rows = await connection.fetch("SELECT fingerprint, public_key FROM signing_keys ORDER BY made_at")
    return {row["fingerprint"]: row["public_key"] for row in rows}


# The hour is the end of the newest entry's, so that one look at a clock that is ahead seals no far hour. Where a seal of an hour
# that has yet to come is there all the same, the next ones follow it an hour apart: the order of hours stays the order of n.
# Only where the first unsealed entry is dated ahead are the others looked through.
_DUE = """
WITH last AS (SELECT hour, n_last, root FROM log_seals ORDER BY n_last DESC LIMIT 1),
  newest AS (SELECT n, date_trunc('hour', at, 'UTC') + interval '1 hour' AS hour FROM log ORDER BY n DESC LIMIT 1),
  edge AS (SELECT $1::timestamptz AS hour, coalesce((SELECT n_last FROM last), 0) + 1 AS n_first)
SELECT greatest(least(edge.hour, newest.hour), (SELECT hour + interval '1 hour' FROM last)) AS hour, n_first, newest.n AS n_last,
  (SELECT root FROM last) AS prev_root
FROM edge, newest WHERE edge.hour IS DISTINCT FROM (SELECT hour FROM last)
  AND EXISTS (SELECT FROM log f WHERE f.n = edge.n_first AND (f.at < edge.hour OR f.at >= edge.hour + interval '1 hour'
    AND EXISTS (SELECT FROM log WHERE n > f.n AND at < edge.hour)))
"""


async def is_waiting(connection: Connection | Pool, now: datetime) -> bool:
    """Something was committed before the last full hour and has no number yet."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return bool(
        await connection.fetchval("SELECT EXISTS (SELECT FROM event_queue WHERE at < $1::timestamptz)", hour)
    )


async def due(connection: Connection | Pool, now: datetime) -> Due | None:
    """None while nothing of an hour that has passed is unsealed. After an outage one seal covers all that was missed."""
    row = await connection.fetchrow(_DUE, now.replace(minute=0, second=0, microsecond=0))
    return None if row is None else Due(**{**dict(row), "prev_root": row["prev_root"] or NO_ROOT})


async def add(connection: Connection, signed: SignedSeal) -> bool:
    """False when there is one for that range already."""
    s = signed.seal
    return bool(
        await connection.fetchval(
            "SELECT append_seal($1, $2, $3, $4, $5, $6, $7)",
            s.hour, s.n_first, s.n_last, s.root, s.prev_root, signed.key, signed.signature,
        )
    )  # fmt: skip


async def leaves(
    connection: Connection | Pool, n_first: int, n_last: int
) -> AsyncIterator[Sequence[tuple[int | None, bytes]]]:
    """(task, hash) of each entry in order, page by page, each in a statement of its own: the log only grows."""
    for first in range(n_first, n_last + 1, LEAVES_AT_ONCE):
        rows = await connection.fetch(
            "SELECT task_id, hash FROM log WHERE n BETWEEN $1 AND $2 ORDER BY n",
            first,
            min(first + LEAVES_AT_ONCE - 1, n_last),
        )
        yield [(row["task_id"], row["hash"]) for row in rows]


_SEALS = "SELECT hour, n_first, n_last, root, prev_root, key, signature FROM log_seals"


async def newest_first(
    connection: Connection | Pool, before: datetime | None, limit: int
) -> list[SignedSeal]:
    rows = await connection.fetch(
        f"{_SEALS} WHERE $1::timestamptz IS NULL OR hour < $1 ORDER BY hour DESC LIMIT $2", before, limit
    )
    return [_signed(row) for row in rows]


async def all_in_order(connection: Connection | Pool) -> list[SignedSeal]:
    return [_signed(row) for row in await connection.fetch(f"{_SEALS} ORDER BY n_first")]


async def covering(connection: Connection | Pool, numbers: Sequence[int]) -> list[SignedSeal]:
    """The seals under which these entries of the log lie, in order."""
    rows = await connection.fetch(
        f"{_SEALS} s WHERE EXISTS (SELECT FROM unnest($1::bigint[]) AS n WHERE n BETWEEN s.n_first AND s.n_last)"
        " ORDER BY n_first",
        list(numbers),
    )
    return [_signed(row) for row in rows]


async def sealed_up_to(connection: Connection | Pool) -> int:
    """The last n under a seal, 0 without any."""
    return int(await connection.fetchval("SELECT coalesce(max(n_last), 0) FROM log_seals"))


async def unstamped(connection: Connection | Pool, authority: str) -> list[SignedSeal]:
    """Those of the last STAMP_WITHIN_DAYS days without a stamp of this authority, the oldest first."""
    rows = await connection.fetch(
        f"{_SEALS} s WHERE sealed_at > clock_timestamp() - make_interval(days => $2)"
        " AND NOT EXISTS (SELECT FROM seal_stamps p WHERE p.hour = s.hour AND p.authority = $1) ORDER BY hour",
        authority,
        STAMP_WITHIN_DAYS,
    )
    return [_signed(row) for row in rows]


async def add_stamp(connection: Connection, stamp: Stamp) -> None:
    await connection.execute(
        "INSERT INTO seal_stamps (hour, authority, token, stamped_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        stamp.hour,
        stamp.authority,
        stamp.token,
        stamp.stamped_at,
    )


async def stamps(connection: Connection | Pool, hours: Sequence[datetime]) -> list[Stamp]:
    rows = await connection.fetch(
        "SELECT hour, authority, token, stamped_at FROM seal_stamps WHERE hour = ANY($1::timestamptz[]) ORDER BY hour, authority",
        list(hours),
    )
    return [Stamp(**dict(row)) for row in rows]


async def is_protected(connection: Connection | Pool) -> bool:
    """False where this very role could rewrite the log after lifting its trigger: it owns the table, or is above all rights."""
    return bool(
        await connection.fetchval(
            "SELECT NOT (me.rolsuper OR pg_has_role(me.oid, c.relowner, 'MEMBER') OR has_table_privilege(me.oid, c.oid, 'UPDATE')"
            " OR has_table_privilege(me.oid, c.oid, 'DELETE') OR has_table_privilege(me.oid, c.oid, 'TRUNCATE'))"
            " FROM pg_catalog.pg_class c, pg_catalog.pg_roles me WHERE c.oid = 'log'::regclass AND me.rolname = current_user"
        )
    )


def _signed(row: Record) -> SignedSeal:
    seal = Seal(
        hour=row["hour"], n_first=row["n_first"], n_last=row["n_last"], root=row["root"], prev_root=row["prev_root"]
    )  # fmt: skip
    return SignedSeal(seal, row["key"], row["signature"])
