"""Who may sign in. Passwords are kept as argon2id hashes with the parameters of RFC 9106's second choice."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from farwatch.storage.database import Pool, transaction

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
LONGEST_NAME = 100

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
# Belongs to nobody: checking it makes an unknown name cost what a wrong password costs.
_NOBODYS_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5IGF0IGFsbCEhIQ$4c8ZrHq7sXhN5t0R3yS6jv2W1kQmUoPdLeFgTbYxCzA"
)


class Role(StrEnum):
    CENTRE = "centre"
    OFFICER = "officer"
    BUREAU = "bureau"
    ADMIN = "admin"


class UserError(Exception):
    """A user that cannot be made as asked; `key` names why."""

    key = "user_refused"


class WeakPasswordError(UserError):
    key = "weak_password"


class UnknownOfficerError(UserError):
    key = "unknown_officer"


class RoleError(UserError):
    """An unknown role, an officer's account without an officer, or another's with one."""

    key = "bad_role"


class BadNameError(UserError):
    key = "bad_name"


@dataclass(frozen=True, slots=True)
class Credentials:
    name: str
    role: Role
    officer: str | None
    password_hash: str


def hash_password(password: str) -> str:
    """Takes about 50 ms and 64 MiB: call it in a thread."""
    return _HASHER.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """False for a wrong password, and after the same work when there is no hash. Call it in a thread."""
    try:
        return _HASHER.verify(password_hash or _NOBODYS_HASH, password)
    except (VerificationError, InvalidHashError):
        return False


async def add_user(pool: Pool, name: str, role: str, officer: str | None, password: str) -> None:
    """Makes the account, or gives an existing one this role, officer and password and ends its sessions.

    Raises WeakPasswordError, UnknownOfficerError, RoleError or BadNameError and then changes nothing.
    """
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise BadNameError(f"a user's name has 1 to {LONGEST_NAME} printable characters, not {name!r}")
    if role not in tuple(Role):
        raise RoleError(f"{role!r} is not a role; roles are {', '.join(Role)}")
    if (role == Role.OFFICER) != (officer is not None):
        raise RoleError("an account of role officer names its officer, and no other account does")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise WeakPasswordError(f"a password has at least {SHORTEST_PASSWORD} characters")
    password_hash = await asyncio.to_thread(hash_password, password)
    async with transaction(pool) as connection:
        if officer is not None and not await connection.fetchval(
            "SELECT 1 FROM officers WHERE id = $1", officer
        ):
            raise UnknownOfficerError(f"the registry has no officer {officer!r}")
        await connection.execute(
            "INSERT INTO users (name, role, officer, password_hash) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE"
            " SET role = excluded.role, officer = excluded.officer, password_hash = excluded.password_hash, active = true",
            name,
            role,
            officer,
            password_hash,
        )
        await connection.execute(
            "UPDATE sessions SET ended_at = now() WHERE user_name = $1 AND ended_at IS NULL", name
        )


async def deactivate(pool: Pool, name: str) -> bool:
    """The account signs in no more and its sessions end; False when there is no such active account."""
    async with transaction(pool) as connection:
        found = await connection.fetchval(
            "UPDATE users SET active = false WHERE name = $1 AND active RETURNING 1", name
        )
        await connection.execute(
            "UPDATE sessions SET ended_at = now() WHERE user_name = $1 AND ended_at IS NULL", name
        )
        return bool(found)


async def credentials(pool: Pool, name: str) -> Credentials | None:
    """Of an active account, whose officer, if it has one, is active too."""
    row = await pool.fetchrow(
        "SELECT u.name, u.role, u.officer, u.password_hash FROM users u LEFT JOIN officers o ON o.id = u.officer"
        " WHERE u.name = $1 AND u.active AND coalesce(o.active, true)",
        name,
    )
    return Credentials(row["name"], Role(row["role"]), row["officer"], row["password_hash"]) if row else None
