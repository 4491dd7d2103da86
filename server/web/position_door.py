"""How often a phone's tracking app may tell a position, and how often anybody may guess a device id."""

import math

from server.web.errors import ApiError
from server.web.rate_limit import Rate, TokenBuckets

PER_OFFICER = Rate(burst=60, refill_s=0.5)
PER_ADDRESS = Rate(burst=30, refill_s=2.0)


class PositionDoor:
    def __init__(self) -> None:
        self._officers = TokenBuckets(PER_OFFICER)
        self._guesses = TokenBuckets(PER_ADDRESS)

    def take(self, officer: str, now_s: float) -> None:
        """Raises ApiError 429."""
        _require(self._officers.take(officer, now_s))

    def take_guess(self, address: str, now_s: float) -> None:
        """Raises ApiError 429."""
        _require(self._guesses.take(address, now_s))


def _require(wait_s: float) -> None:
    if wait_s:
        raise ApiError(429, "too_many_positions", retry_after_s=math.ceil(wait_s))
