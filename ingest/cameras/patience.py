"""How long to wait for a camera, and before the next try. Pure."""

from dataclasses import dataclass

from ingest.rtsp.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """`refused_retry_s` is for a wrong password: cameras lock accounts that are tried too often.

    The longest wait is short, so that a camera that comes back is seen again within seconds however long it was away; how many
    are connected to a second has its own bound (`pace.Pace`). A session of `steady_after_s` makes up for earlier failures.
    A platform that is asked to start a stream invites the camera first, which WVP gives 15 s.
    """

    connect_timeout_s: float = 5.0
    idle_timeout_s: float = 10.0
    start_timeout_s: float = 20.0
    stop_timeout_s: float = 5.0
    first_retry_s: float = 1.0
    longest_retry_s: float = 5.0
    refused_retry_s: float = 120.0
    steady_after_s: float = 5.0


def retry_delay_s(patience: Patience, reason: Problem, failures: int, chance: float) -> float:
    """Doubles with each failure in a row; `chance` in [0, 1) spreads cameras that failed together over half of it."""
    if reason is Problem.UNAUTHORISED:
        return patience.refused_retry_s * (1 + chance / 2)
    doubled = patience.first_retry_s * 2.0 ** min(failures, 16)
    return min(doubled, patience.longest_retry_s) * (0.5 + chance / 2)
