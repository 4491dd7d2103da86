"""Rows that could not be decided about: one of them must not keep the others waiting."""

from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

Row = TypeVar("Row", bound=Hashable)

MOST = 1000


class Aside:
    """Each row stays aside for `again_after`, or for the time it is put with, then it is tried again. Beyond MOST the one that was
    put first comes back early."""

    def __init__(self, again_after: timedelta) -> None:
        self._again_after = again_after
        self._again_at: dict[Hashable, datetime] = {}

    def __len__(self) -> int:
        return len(self._again_at)

    def put(self, row: Hashable, now: datetime, again_after: timedelta | None = None) -> None:
        self._again_at.pop(row, None)
        self._again_at[row] = now + (self._again_after if again_after is None else again_after)
        if len(self._again_at) > MOST:
            del self._again_at[next(iter(self._again_at))]

    def release(self, now: datetime) -> None:
        self._again_at = {row: at for row, at in self._again_at.items() if at > now}

    def others(self, rows: Iterable[Row]) -> list[Row]:
        """`rows` without those that are aside."""
        return [row for row in rows if row not in self._again_at]

    def of(self, sort: type[Row]) -> list[Row]:
        """Those of one sort that are aside."""
        return [row for row in self._again_at if isinstance(row, sort)]
