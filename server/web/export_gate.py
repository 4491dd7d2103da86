"""How many cases are packed at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.web.errors import ApiError

AT_ONCE = 2


class ExportGate:
    """Of one process. Packing reads all clips of a case and writes them once more."""

    def __init__(self) -> None:
        self._packing = 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Raises ApiError 503 busy when it is full."""
        if self._packing >= AT_ONCE:
            raise ApiError(503, "busy", retry_after_s=10)
        self._packing += 1
        try:
            yield
        finally:
            self._packing -= 1
