"""Which readings of a batch may have been said before: of those the rows are asked. Pure.

A broker sends again what was not acknowledged, a device what was not answered, and both a retained message or a history. What is
newer than anything that the station has said is not looked up.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from farwatch.domain.reading import Reading, ReadingKind

Source = tuple[str, ReadingKind]
"""MN and kind."""


class Repeats:
    """The newest event time of each station and kind, as committed."""

    def __init__(self, recent: Iterable[Reading] = ()) -> None:
        self._newest: dict[Source, datetime] = {}
        self.adopt(_newest_of(recent))

    def split(self, batch: Sequence[Reading]) -> tuple[list[Reading], list[Reading], dict[Source, datetime]]:
        """Those that are new for certain, those that may be rows already, and the newest times to adopt after the commit.
        What is said twice within the batch is in neither."""
        new: list[Reading] = []
        suspects: list[Reading] = []
        newest: dict[Source, datetime] = {}
        ts, mn, into = None, "", new
        for reading in batch:
            # The readings of one message share the very same objects.
            if reading.ts is not ts or reading.mn is not mn:
                ts, mn = reading.ts, reading.mn
                source = (mn, reading.kind)
                last = newest.get(source) or self._newest.get(source)
                is_newer = last is None or ts > last
                into = new if is_newer and not reading.late else suspects
                if is_newer and not reading.late:
                    newest[source] = ts
            into.append(reading)
        return new, _once(new, suspects) if suspects else suspects, newest

    def adopt(self, newest: dict[Source, datetime]) -> None:
        """After the commit."""
        self._newest.update(newest)


def _newest_of(readings: Iterable[Reading]) -> dict[Source, datetime]:
    newest: dict[Source, datetime] = {}
    for reading in readings:
        source = (reading.mn, reading.kind)
        newest[source] = max(reading.ts, newest.get(source, reading.ts))
    return newest


def _once(new: Sequence[Reading], suspects: Sequence[Reading]) -> list[Reading]:
    """The suspects that nobody says twice: the last content of a key is what the next is held against, as in the rows."""
    stations = {s.mn for s in suspects}
    said = {_key(r): _content(r) for r in new if r.mn in stations}
    kept: list[Reading] = []
    for suspect in suspects:
        if said.get(_key(suspect)) != _content(suspect):
            said[_key(suspect)] = _content(suspect)
            kept.append(suspect)
    return kept


def _key(r: Reading) -> tuple[str, str, ReadingKind, datetime]:
    return r.mn, r.code, r.kind, r.ts


def _content(r: Reading) -> tuple[object, ...]:
    return r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag
