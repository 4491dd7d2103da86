"""Checks passwords in threads: few at once, because each takes 64 MiB, and only so many waiting."""

import asyncio

from farwatch.storage.users import verify_password

AT_ONCE = 2
WAITING_MAX = 64


class PasswordGateFullError(Exception):
    """Too many sign-ins wait already."""


class PasswordGate:
    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self._inside = 0

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """See verify_password. Raises PasswordGateFullError at once when WAITING_MAX others wait."""
        if self._inside >= AT_ONCE + WAITING_MAX:
            raise PasswordGateFullError
        self._inside += 1
        try:
            async with self._free:
                return await asyncio.to_thread(verify_password, password_hash, password)
        finally:
            self._inside -= 1
