"""How many cases are packed and sent at once, and how much of the disk they may take."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.web.errors import ApiError

AT_ONCE = 2


class ExportGate:
    """Of one process. Packing reads all clips of a case and writes them once more, and the file lies there until it is sent."""

    def __init__(self) -> None:
        self._sizes: list[int] = []

    @contextmanager
    def entered(self, size: int, spare_bytes: int) -> Iterator[None]:
        """Raises ApiError 503 busy when it is full, and disk_short when the disk has no room for all that are under way."""
        if len(self._sizes) >= AT_ONCE:
            raise ApiError(503, "busy", retry_after_s=10)
        if sum(self._sizes) + size > spare_bytes:
            raise ApiError(503, "disk_short")
        self._sizes.append(size)
        try:
            yield
        finally:
            self._sizes.remove(size)
