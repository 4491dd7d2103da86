"""How a camera wants to hear that we are still there: a ladder of requests, stepped down when one is refused. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

_DEFAULT_TIMEOUT_S = 60
"""RFC 2326 §12.37."""
_LONGEST_S, _SHORTEST_S = 30.0, 0.5
_FIRST_CHOICE = ("GET_PARAMETER", "OPTIONS", "SET_PARAMETER")
_METHOD_REFUSED = (405, 501, 551)
SESSION_NOT_FOUND = 454


@dataclass(frozen=True, slots=True)
class Way:
    method: str
    names_session: bool = True


def period_s(timeout_s: int | None) -> float:
    """Seconds from one request to the next, for the timeout that the camera's Session header names."""
    return max(_SHORTEST_S, min((timeout_s or _DEFAULT_TIMEOUT_S) / 2, _LONGEST_S))


class KeepAlive:
    """`way` is the one to use now. A camera that refuses all of them is asked in the last way: what counts is that it sends."""

    def __init__(self, public: str | None) -> None:
        """`public` is the header of that name in the answer to OPTIONS; None when there was none."""
        self._ways = _ladder(public)
        self._step = 0

    @property
    def way(self) -> Way:
        return self._ways[self._step]

    def refused(self, status: int) -> None:
        """The way was answered with this status of 400 or above: what may work instead comes next."""
        used = self.way
        for step in range(self._step + 1, len(self._ways)):
            other = self._ways[step]
            if other.method != used.method if status in _METHOD_REFUSED else other != used:
                self._step = step
                return


def _ladder(public: str | None) -> Sequence[Way]:
    """GET_PARAMETER where it is offered or nothing is said, OPTIONS, SET_PARAMETER where it is offered; then without a session."""
    offered = {word.strip().upper() for word in (public or "GET_PARAMETER,OPTIONS").split(",")}
    methods = [method for method in _FIRST_CHOICE if method in offered or method == "OPTIONS"]
    return [Way(method, names_session) for names_session in (True, False) for method in methods]
