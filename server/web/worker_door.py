"""Bounds of what camera workers on other machines may send."""

import asyncio
import math

from server.web.errors import ApiError
from server.web.rate_limit import Rate, TokenBuckets

UPLOADS_AT_ONCE = 8
PIECES = Rate(burst=600, refill_s=0.5)
STILLS = Rate(burst=200, refill_s=0.02)


class WorkerDoor:
    """So many uploads at once, and so many a token. `token` is its number."""

    def __init__(self) -> None:
        self.uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self._pieces = TokenBuckets(PIECES)
        self._stills = TokenBuckets(STILLS)

    def take_piece(self, token: int, now_s: float) -> None:
        """Raises ApiError 429."""
        _require(self._pieces.take(str(token), now_s))

    def take_still(self, token: int, now_s: float) -> None:
        """Raises ApiError 429."""
        _require(self._stills.take(str(token), now_s))


def _require(wait_s: float) -> None:
    if wait_s:
        raise ApiError(429, "too_many_uploads", retry_after_s=math.ceil(wait_s))
