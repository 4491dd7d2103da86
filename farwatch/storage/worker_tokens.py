"""Tokens with which shares on other machines send bytes. Random 256-bit secrets; only their SHA-256 is stored."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.share import Share
from farwatch.storage.database import Connection, Pool, Record
from farwatch.storage.sessions import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerToken:
    id: int
    shares: tuple[Share, ...]
    created_at: datetime
    revoked_at: datetime | None

    def holds(self, camera: str) -> bool:
        return any(share.holds(camera) for share in self.shares)


async def add(connection: Connection | Pool, shares: Collection[Share]) -> tuple[int, str]:
    """A new token's number and the token, which is told to nobody else and not kept."""
    token = secrets.token_urlsafe(32)
    id_: int = await connection.fetchval(
        "INSERT INTO worker_tokens (token_sha256, shares) VALUES ($1, $2) RETURNING id",
        digest(token),
        [str(share) for share in shares],
    )
    return id_, token


async def revoke(connection: Connection | Pool, id: int) -> bool:
    """False when there is no such token, or when it was revoked before."""
    revoked = await connection.fetchval(
        "UPDATE worker_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id", id
    )
    return revoked is not None


async def fetch_all(connection: Connection | Pool) -> list[WorkerToken]:
    rows = await connection.fetch("SELECT id, shares, created_at, revoked_at FROM worker_tokens ORDER BY id")
    return [_token(row) for row in rows]


async def find(connection: Connection | Pool, token: str) -> WorkerToken | None:
    """Of a token that is not revoked. It is looked up by its hash, so that time tells nothing of a secret."""
    row = await connection.fetchrow(
        "SELECT id, shares, created_at, revoked_at FROM worker_tokens WHERE token_sha256 = $1 AND revoked_at IS NULL",
        digest(token),
    )
    return None if row is None else _token(row)


def _token(row: Record) -> WorkerToken:
    return WorkerToken(**dict(row) | {"shares": tuple(Share.parse(share) for share in row["shares"])})
