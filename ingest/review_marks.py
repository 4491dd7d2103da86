"""Which reviews a batch of readings calls for; what is marked already and not yet due is not written again. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.review import DUE_AFTER, period_of
from farwatch.storage.review_due import Due

_MARGIN = timedelta(minutes=1)
"""A mark is trusted to be unread until this long before it is due; the review's clock may be a little ahead of ours."""


class ReviewMarks:
    """Remembers marks that are committed and not yet due."""

    def __init__(self) -> None:
        self._waiting: dict[Due, datetime] = {}

    def of(self, readings: Iterable[Reading], now: datetime) -> dict[Due, datetime]:
        """The marks to write with these readings: a device's own mean is due at once, its parts when the period is over."""
        wanted: dict[Due, datetime] = {}
        ts, mn = None, ""
        for reading in readings:
            # The readings of one message share the very same objects.
            if reading.ts is ts and reading.mn is mn:
                continue
            ts, mn = reading.ts, reading.mn
            period = period_of(reading.kind, reading.ts)
            due = (reading.mn, period.kind, period.ts)
            is_mean = reading.kind in (ReadingKind.HOUR, ReadingKind.DAY)
            due_at = now if is_mean else max(now, period.until + DUE_AFTER[period.kind])
            if due_at - _MARGIN > now and self._waiting.get(due) == due_at:
                continue
            wanted[due] = min(due_at, wanted.get(due, due_at))
        return wanted

    def adopt(self, marks: Mapping[Due, datetime]) -> None:
        """After the commit."""
        for due, due_at in marks.items():
            self._waiting[due] = due_at
        if len(self._waiting) > 4096 and marks:
            newest = max(marks.values())
            self._waiting = {due: at for due, at in self._waiting.items() if at > newest - timedelta(hours=2)}
