"""Token buckets for sign-in: one per name against guessing a password, one per address against guessing names."""

import math
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`burst` tries at once, then one each `refill_s` seconds."""

    burst: int
    refill_s: float


PER_NAME = Rate(burst=10, refill_s=30.0)
PER_ADDRESS = Rate(burst=60, refill_s=2.0)
BUCKETS_MAX = 10_000


class TokenBuckets:
    """A bucket per key; the least recently used of more than `buckets_max` is forgotten. Pure: `now_s` is an argument."""

    def __init__(self, rate: Rate, buckets_max: int = BUCKETS_MAX) -> None:
        self._rate = rate
        self._buckets_max = buckets_max
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now_s: float) -> float:
        """Takes a token and returns 0, or takes none and returns the seconds until there is one."""
        tokens = self._tokens(key, now_s)
        if tokens < 1:
            self._put(key, tokens, now_s)
            return (1 - tokens) * self._rate.refill_s
        self._put(key, tokens - 1, now_s)
        return 0.0

    def give_back(self, key: str, now_s: float) -> None:
        """A try that was no guess does not count."""
        self._put(key, min(self._tokens(key, now_s) + 1, self._rate.burst), now_s)

    def _tokens(self, key: str, now_s: float) -> float:
        tokens, since_s = self._buckets.get(key, (float(self._rate.burst), now_s))
        return min(tokens + (now_s - since_s) / self._rate.refill_s, float(self._rate.burst))

    def _put(self, key: str, tokens: float, now_s: float) -> None:
        self._buckets[key] = (tokens, now_s)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._buckets_max:
            self._buckets.popitem(last=False)


class SignInLimits:
    """Tries are counted before the password is looked at, so many at once do not slip through; a right one is given back."""

    def __init__(self) -> None:
        self._names = TokenBuckets(PER_NAME)
        self._addresses = TokenBuckets(PER_ADDRESS)

    def take(self, name: str, address: str, now_s: float) -> int:
        """0 when the try may go on, else whole seconds to wait."""
        wait_s = self._addresses.take(address, now_s)
        if not wait_s and (wait_s := self._names.take(name, now_s)):
            self._addresses.give_back(address, now_s)
        return math.ceil(wait_s)

    def succeeded(self, name: str, address: str, now_s: float) -> None:
        self._names.give_back(name, now_s)
        self._addresses.give_back(address, now_s)
