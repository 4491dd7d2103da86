"""What a session looked at lately, so that a wall that asks each second, or a clip that is searched, fills no audit."""

from collections import OrderedDict

VIEW_S = 600.0
EVIDENCE_VIEW_S = 12 * 3600.0
"""For a piece of evidence: each look at it is an entry of the chain, for ever."""
KNOWN_MAX = 20_000


class RecentViews:
    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()

    def is_new(self, view: str, now_s: float) -> bool:
        """True for the first look, and again once VIEW_S seconds; it counts as told from here on."""
        if self.was_told(view, now_s):
            return False
        self.tell(view, now_s)
        return True

    def was_told(self, view: str, now_s: float, for_s: float = VIEW_S) -> bool:
        return now_s - self._seen.get(view, float("-inf")) < for_s

    def tell(self, view: str, now_s: float) -> None:
        """Beyond KNOWN_MAX the oldest are forgotten."""
        self._seen[view] = now_s
        self._seen.move_to_end(view)
        if len(self._seen) > KNOWN_MAX:
            self._seen.popitem(last=False)
