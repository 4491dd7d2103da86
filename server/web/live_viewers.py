"""How many look at live pictures: a bound for each account and one for all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from server.web import metrics

VIEWERS_MAX = 40
VIEWERS_PER_ACCOUNT_MAX = 6


class TooManyViewersError(Exception):
    """This account, or all of them together, look at as many live pictures as they may."""


class LiveViewers:
    """`closed` ends all streams; their pages come back when there is a server again."""

    def __init__(self) -> None:
        self._by_account: Counter[str] = Counter()
        self.closed = False

    @property
    def count(self) -> int:
        return self._by_account.total()

    def require_free(self, account: str) -> None:
        """Raises TooManyViewersError."""
        full = self.count >= VIEWERS_MAX or self._by_account[account] >= VIEWERS_PER_ACCOUNT_MAX
        if full or self.closed:
            raise TooManyViewersError

    @contextmanager
    def viewing(self, account: str) -> Iterator[None]:
        """Raises TooManyViewersError."""
        self.require_free(account)
        self._by_account[account] += 1
        metrics.LIVE_VIEWERS.set(self.count)
        try:
            yield
        finally:
            self._by_account -= Counter({account: 1})
            metrics.LIVE_VIEWERS.set(self.count)

    def close(self) -> None:
        self.closed = True
