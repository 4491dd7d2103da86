"""Sessions of signed-in people. The token is a random 256-bit secret; only its SHA-256 is stored."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.storage.database import Connection, Pool
from farwatch.storage.users import Role

KEPT_AFTER_END = timedelta(days=30)

_LIVING = "s.ended_at IS NULL AND s.expires_at > $2 AND u.active AND coalesce(o.active, true)"
_FROM = "FROM sessions s JOIN users u ON u.name = s.user_name LEFT JOIN officers o ON o.id = u.officer"


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in; `officer` is set for role officer only."""

    name: str
    role: Role
    officer: str | None
    token_sha256: bytes


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def start(connection: Connection | Pool, user_name: str, now: datetime, lasts: timedelta) -> str:
    """A new session's token, which is told to nobody but its owner. Old ended sessions of the user are forgotten."""
    token = secrets.token_urlsafe(32)
    await connection.execute(
        "DELETE FROM sessions WHERE user_name = $1 AND expires_at < $2", user_name, now - KEPT_AFTER_END
    )
    await connection.execute(
        "INSERT INTO sessions (token_sha256, user_name, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        digest(token),
        user_name,
        now,
        now + lasts,
    )
    return token


async def find(connection: Connection | Pool, token: str, now: datetime) -> Session | None:
    """The living session of this token: not ended, not expired, its user (and officer) active."""
    row = await connection.fetchrow(
        f"SELECT u.name, u.role, u.officer, s.token_sha256 {_FROM} WHERE s.token_sha256 = $1 AND {_LIVING}",
        digest(token),
        now,
    )
    return Session(row["name"], Role(row["role"]), row["officer"], row["token_sha256"]) if row else None


async def living(connection: Connection | Pool, digests: Collection[bytes], now: datetime) -> set[bytes]:
    """Which of these sessions still live."""
    rows = await connection.fetch(
        f"SELECT s.token_sha256 {_FROM} WHERE s.token_sha256 = ANY($1::bytea[]) AND {_LIVING}",
        list(digests),
        now,
    )
    return {r["token_sha256"] for r in rows}


async def end(connection: Connection | Pool, token_sha256: bytes, now: datetime) -> None:
    await connection.execute(
        "UPDATE sessions SET ended_at = $2 WHERE token_sha256 = $1 AND ended_at IS NULL", token_sha256, now
    )
