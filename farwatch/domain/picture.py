"""What the vision detectors see, and what they say about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from farwatch.domain.finding import Kind, Reason, Tier
from farwatch.domain.registry import Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One decoded picture of a camera, reduced once for all its detectors.

    Planes are contiguous uint8 buffers of shape (rows, columns): `y` at `width` x `height`, `u` and `v` at half of
    both (4:2:0, BT.601/709 limited range as the camera sent it). `at` is the time the picture was taken. `shared` is for
    what one detector has computed of it and another can use, under a key of theirs; it lives as long as the picture.
    """

    camera: str
    at: datetime
    width: int
    height: int
    y: memoryview
    u: memoryview
    v: memoryview
    shared: dict[object, object] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A violation begins in `zone`, or a fault of the camera itself (`zone` empty).

    `box` is left, top, right, bottom in shares of width and height.
    """

    rule: str
    kind: Kind
    zone: str
    onset_at: datetime
    severity: int
    reason: Reason
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingEnded:
    """The sighting of `rule` in `zone` with that onset is over."""

    rule: str
    zone: str
    onset_at: datetime
    ended_at: datetime
    tier: Tier = Tier.VIOLATION


class PictureDetector(Protocol):
    """Sees every picture of one camera in order. Pure: no I/O, no clock; may keep state between pictures.

    Called in a worker thread, one call at a time. Pictures may be 0.1 to 10 s apart, may jump (a camera that was
    away) and may change size; none of this may raise.
    """

    rule: str
    version: str

    def observe(self, picture: Picture) -> Sequence[Sighting | SightingEnded]: ...

    @property
    def wants_every_frame(self) -> bool:
        """True while something begins that key frames alone cannot decide."""
        ...


class PictureDetectorFactory(Protocol):
    def __call__(self, zones: Sequence[Zone]) -> Sequence[PictureDetector]: ...
