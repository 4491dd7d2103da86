"""How often a program of others may ask."""

import math

from server.web.errors import ApiError
from server.web.rate_limit import Rate, TokenBuckets

PER_TOKEN = Rate(burst=10, refill_s=0.1)


class FeedLimits:
    """Ten questions a second and token. `token` is its number."""

    def __init__(self) -> None:
        self._asked = TokenBuckets(PER_TOKEN)

    def take(self, token: int, now_s: float) -> None:
        """Raises ApiError 429."""
        if wait_s := self._asked.take(str(token), now_s):
            raise ApiError(429, "too_many_requests", retry_after_s=math.ceil(wait_s))
