"""How many passwords an address may try on a station. Pure.

HJ 212's password has six characters and the acknowledgement says whether it was right: a million tries are minutes for who is
not held up. Held up are an address's frames for one station alone, so that nobody locks a logger elsewhere out.
"""

from dataclasses import dataclass, field

MOST_WRONG = 10
WITHIN_S = 60.0
"""A logger with a wrong setting sends a frame or two a minute: it is told why each of them is refused."""
MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class Guesses:
    """Wrong passwords by address and MN; of very many the oldest are forgotten."""

    _wrong: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def wrong(self, address: str, mn: str, now_s: float) -> None:
        since_s, count = self._wrong.pop((address, mn), (now_s, 0))
        is_over = now_s - since_s > WITHIN_S
        self._wrong[address, mn] = (now_s, 1) if is_over else (since_s, count + 1)
        if len(self._wrong) > MOST_REMEMBERED:
            del self._wrong[next(iter(self._wrong))]

    def are_too_many(self, address: str, mn: str, now_s: float) -> bool:
        """Then nothing more is compared, right or wrong, until WITHIN_S has passed since the first."""
        since_s, count = self._wrong.get((address, mn), (now_s, 0))
        return count >= MOST_WRONG and now_s - since_s <= WITHIN_S

    def __len__(self) -> int:
        return len(self._wrong)
