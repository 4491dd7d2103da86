"""The story of the practice city, as data: what happens when, counted from its start. Pure.

What a camera sees is drawn into its loop (simulators.scenes); here is what monitors and lines do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from simulators.city import City
from simulators.monitors import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The `outlet`-th monitor of an enterprise measures `code` at `ratio` times its limit, with `flag`."""

    enterprise: str
    code: str
    ratio: float
    outlet: int = 0
    flag: str = "N"


@dataclass(frozen=True, slots=True, kw_only=True)
class FallsSilent:
    """A monitor sends nothing."""

    enterprise: str
    outlet: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GoesDark:
    """A camera hangs up on everybody and refuses new readers."""

    camera: str


Event = Measures | FallsSilent | GoesDark


@dataclass(frozen=True, slots=True)
class At:
    """`event` holds from `at_s` on, for `for_s` seconds."""

    at_s: float
    event: Event
    for_s: float


ROUND_S: Final = 1800.0
"""The story is told again after this long, so that a city that is left running stays alive."""

STORY: Final = (
    At(8, Measures(enterprise="incinerator", code="a21026", ratio=2.7), for_s=240),
    At(20, GoesDark(camera="street-chemicals"), for_s=150),
    At(25, FallsSilent(enterprise="sewage"), for_s=420),
    At(45, Measures(enterprise="paint", code="a24088", ratio=1.2), for_s=900),
    At(90, Measures(enterprise="kiln", code="a21026", ratio=3.0, flag="C"), for_s=60),
    At(600, Measures(enterprise="chemicals", outlet=1, code="w01018", ratio=2.4), for_s=180),
    At(1080, Measures(enterprise="dyeing", outlet=1, code="a34013", ratio=2.2), for_s=180),
)


def going_on(story: Sequence[At], now_s: float) -> list[tuple[Event, float]]:
    """Each event that holds at `now_s`, with how long it has been so, in seconds."""
    into = now_s % ROUND_S
    return [(step.event, into - step.at_s) for step in story if step.at_s <= into < step.at_s + step.for_s]


def told(city: City, story: Sequence[At], now_s: float) -> Mapping[str, Mapping[str, Told]]:
    """What the story says to each monitor now: by MN, then by code."""
    by_mn: dict[str, dict[str, Told]] = {}
    for event, since_s in going_on(story, now_s):
        if isinstance(event, Measures):
            mn = city.stations_of(event.enterprise)[event.outlet].mn
            by_mn.setdefault(mn, {})[event.code] = Told(ratio=event.ratio, flag=event.flag, since_s=since_s)
    return by_mn


def silent(city: City, story: Sequence[At], now_s: float) -> frozenset[str]:
    """The MNs that send nothing now."""
    events = (event for event, _ in going_on(story, now_s) if isinstance(event, FallsSilent))
    return frozenset(city.stations_of(e.enterprise)[e.outlet].mn for e in events)


def dark(story: Sequence[At], now_s: float) -> frozenset[str]:
    """The cameras that answer nobody now."""
    return frozenset(event.camera for event, _ in going_on(story, now_s) if isinstance(event, GoesDark))
