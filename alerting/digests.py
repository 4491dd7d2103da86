"""Many notices for one become one message, so that a storm does not silence the channel. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

STORM = "storm:"
"""Steps of a storm begin so; they never go out one by one."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that is due."""

    id: int
    target: str
    step: str
    urgent: bool
    drill_id: str | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message: `carrier` is the notice whose key it goes out with, `carried` the others that it tells of."""

    carrier: int
    carried: tuple[int, ...] = ()
    urgent: bool = True


def parcels(waiting: Sequence[Waiting], digest_from: int) -> list[Parcel]:
    """What one channel sends, urgent first, else in the order of `waiting`.

    More than `digest_from` for one target are told in one message, those of a drill apart from all others. It needs one token
    like any other, so that an urgent offer waits behind none.
    """
    counts = Counter((w.target, w.drill_id) for w in waiting)
    bundles: dict[tuple[str, str | None, str], list[Waiting]] = {}
    for notice in waiting:
        together = (notice.target, notice.drill_id)
        which = "" if counts[together] > digest_from else str(notice.id)
        if notice.step.startswith(STORM):
            which = STORM
        bundles.setdefault((*together, which), []).append(notice)
    made = [_parcel(bundle) for bundle in bundles.values()]
    return sorted(made, key=lambda parcel: not parcel.urgent)


def _parcel(bundle: Sequence[Waiting]) -> Parcel:
    carrier, *carried = bundle
    return Parcel(carrier.id, tuple(c.id for c in carried), any(w.urgent for w in bundle))
