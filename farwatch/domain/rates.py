"""How complete and how valid a station's hourly data were: 传输率, 有效率 and their product 传输有效率."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Counted in channel-hours: `expected` by the calendar, `sent` with any data, `valid` as the review found, `stopped`
    while the works stood still (flag F, or declared 停运) and nothing valid came. The formulas stand in docs/reference/http.md.
    Shares are None where there is nothing to divide by."""

    expected: int = 0
    sent: int = 0
    valid: int = 0
    stopped: int = 0

    @property
    def transmission(self) -> float | None:
        return self.sent / self.expected if self.expected else None

    @property
    def validity(self) -> float | None:
        """An hour that never came is not valid either."""
        running = self.expected - self.stopped
        return self.valid / running if running > 0 else None

    @property
    def effective(self) -> float | None:
        if self.transmission is None or self.validity is None:
            return None
        return self.transmission * self.validity


def together(rates: Iterable[Rates]) -> Rates:
    """Of several stations: the sums of their hours, not a mean of their shares."""
    every = list(rates)
    return Rates(
        expected=sum(r.expected for r in every),
        sent=sum(r.sent for r in every),
        valid=sum(r.valid for r in every),
        stopped=sum(r.stopped for r in every),
    )
