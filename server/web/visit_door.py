"""Who may knock at the public pages of visits and warnings, and with which key their tokens are made."""

import math
from pathlib import Path

from server import visit_key
from server.web.errors import ApiError
from server.web.rate_limit import Rate, TokenBuckets

PER_ADDRESS = Rate(burst=30, refill_s=2.0)
PER_CODE = Rate(burst=120, refill_s=0.5)


class VisitDoor:
    """Thirty requests a minute an address, and a hundred and twenty a code, whoever asks. Known or not makes no difference."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._key: bytes | None = None
        self._addresses = TokenBuckets(PER_ADDRESS)
        self._codes = TokenBuckets(PER_CODE)

    def key(self) -> bytes:
        if self._key is None:
            self._key = visit_key.ensure(self._data_dir)
        return self._key

    def admit(self, address: str, code: str, now_s: float) -> None:
        """`code` names what is asked for by a hash. Raises ApiError 429."""
        wait_s = self._addresses.take(address, now_s)
        if not wait_s and (wait_s := self._codes.take(code, now_s)):
            self._addresses.give_back(address, now_s)
        if wait_s:
            whole_s = math.ceil(wait_s)
            raise ApiError(429, "too_many_attempts", {"wait_s": whole_s}, retry_after_s=whole_s)
