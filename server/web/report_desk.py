"""How many reports are made at once: each takes seconds of a processor, and the pages must stay quick beside them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from server.web.errors import ApiError

AT_ONCE = 2
RETRY_AFTER_S = 5

P = ParamSpec("P")
T = TypeVar("T")


class ReportDesk:
    """Whoever comes when all places are taken is sent away, not kept waiting."""

    def __init__(self) -> None:
        self._taken = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Raises ApiError 503 busy."""
        if self._taken >= AT_ONCE:
            raise ApiError(503, "busy", retry_after_s=RETRY_AFTER_S)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def make(self, of: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """In a thread: the event loop answers others meanwhile."""
        return await asyncio.to_thread(of, *args, **options)
