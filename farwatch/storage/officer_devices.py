"""Secrets of officers' tracking apps. Random 256-bit tokens; only their SHA-256 is stored, and an officer has one at a time."""

import base64
import secrets

from farwatch.storage.database import Connection, Pool
from farwatch.storage.sessions import digest

TOKEN_LETTERS = 52
"""Base32 without padding, so that it can be typed on a phone."""


async def make(connection: Connection, officer: str, made_by: str) -> str:
    """A new token, which is told to nobody else and not kept; the one before ends. In the caller's transaction."""
    token = base64.b32encode(secrets.token_bytes(32)).decode().rstrip("=").lower()
    await revoke(connection, officer)
    await connection.execute(
        "INSERT INTO officer_devices (token_sha256, officer, made_by) VALUES ($1, $2, $3)",
        digest(token),
        officer,
        made_by,
    )
    return token


async def revoke(connection: Connection | Pool, officer: str) -> bool:
    """False when he has none."""
    revoked = await connection.fetchval(
        "UPDATE officer_devices SET revoked_at = clock_timestamp() WHERE officer = $1 AND revoked_at IS NULL RETURNING true",
        officer,
    )
    return revoked is not None


async def find(connection: Connection | Pool, token: str) -> str | None:
    """Whose it is. It is looked up by its hash, so that time tells nothing of a secret."""
    officer: str | None = await connection.fetchval(
        "SELECT officer FROM officer_devices WHERE token_sha256 = $1 AND revoked_at IS NULL",
        digest(token.lower()),
    )
    return officer


async def holders(connection: Connection | Pool) -> frozenset[str]:
    """Officers whose app has a secret."""
    rows = await connection.fetch("SELECT officer FROM officer_devices WHERE revoked_at IS NULL")
    return frozenset(r["officer"] for r in rows)
