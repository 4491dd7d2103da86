"""Which connection a station can be reached on: of several, the newest."""

from collections.abc import Hashable
from typing import Protocol


class Line(Hashable, Protocol):
    """A connection to a logger, or to a gateway of several. `serial` grows with each that is made."""

    serial: int

    def send(self, data: bytes) -> bool:
        """False when it is closing: nothing was sent."""
        ...


class Lines:
    """Only stations that have shown their password are put here."""

    def __init__(self) -> None:
        self._of: dict[str, dict[int, Line]] = {}
        self._stations: dict[int, set[str]] = {}

    def add(self, mn: str, line: Line) -> None:
        carried = self._stations.setdefault(line.serial, set())
        if mn not in carried:
            carried.add(mn)
            self._of.setdefault(mn, {})[line.serial] = line

    def drop(self, line: Line) -> None:
        for mn in self._stations.pop(line.serial, ()):
            lines = self._of[mn]
            del lines[line.serial]
            if not lines:
                del self._of[mn]

    def carries(self, mn: str, line: Line) -> bool:
        """Whether the station has shown its password on this very connection."""
        return mn in self._stations.get(line.serial, ())

    def to(self, mn: str) -> Line | None:
        lines = self._of.get(mn)
        return lines[max(lines)] if lines else None

    def __len__(self) -> int:
        """How many stations can be reached."""
        return len(self._of)
