"""Tokens with which programs of others read feeds. Random 256-bit secrets; only their SHA-256 is stored."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from farwatch.storage.database import Connection, Pool
from farwatch.storage.sessions import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedToken:
    """`last_used_at`: the first use of the last day on which it was used."""

    id: int
    name: str
    made_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


_COLUMNS = "id, name, made_at, revoked_at, last_used_at"


async def add(connection: Connection | Pool, name: str) -> tuple[int, str]:
    """A new token's number and the token, which is told to nobody else and not kept."""
    token = secrets.token_urlsafe(32)
    number: int = await connection.fetchval(
        "INSERT INTO feed_tokens (token_sha256, name) VALUES ($1, $2) RETURNING id", digest(token), name
    )
    return number, token


async def revoke(connection: Connection | Pool, number: int) -> bool:
    """False when there is no such token, or when it was revoked before."""
    revoked = await connection.fetchval(
        "UPDATE feed_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id", number
    )
    return revoked is not None


async def fetch_all(connection: Connection | Pool) -> list[FeedToken]:
    rows = await connection.fetch(f"SELECT {_COLUMNS} FROM feed_tokens ORDER BY id")
    return [FeedToken(**row) for row in rows]


async def find(connection: Connection | Pool, token: str) -> FeedToken | None:
    """Of a token that is not revoked. It is looked up by its hash, so that time tells nothing of a secret."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM feed_tokens WHERE token_sha256 = $1 AND revoked_at IS NULL", digest(token)
    )
    return None if row is None else FeedToken(**row)


async def is_first_use_today(connection: Connection | Pool, number: int) -> bool:
    """Notes the use; True for one caller a day of the city."""
    noted = await connection.fetchval(
        "UPDATE feed_tokens SET last_used_at = now() WHERE id = $1 AND (last_used_at IS NULL"
        " OR last_used_at < date_trunc('day', now(), 'Asia/Shanghai')) RETURNING id",
        number,
    )
    return noted is not None
