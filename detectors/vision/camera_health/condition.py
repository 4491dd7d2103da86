"""From "so it is in this picture" to a fault with a beginning and an end."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Look(Enum):
    """What one picture shows of one fault. UNCLEAR changes nothing: between the thresholds, or not to be judged."""

    BAD = "bad"
    WELL = "well"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Begun:
    onset_at: datetime


@dataclass(frozen=True, slots=True)
class Over:
    """Well since `well_at`. `onset_at` is None when that is the first thing known: an earlier process may know of a fault."""

    onset_at: datetime | None
    well_at: datetime


class Condition:
    """Begins when every picture that is clear was bad for `after_s` and in at least `least_pictures`; ends after `quiet_s` well.

    Pauses count as time: what is bad before and after one was bad meanwhile.
    """

    def __init__(self, *, after_s: float, least_pictures: int, quiet_s: float) -> None:
        self._after_s, self._least_pictures, self._quiet_s = after_s, least_pictures, quiet_s
        self._bad_at: datetime | None = None
        self._bad_pictures = 0
        self._well_at: datetime | None = None
        self._onset_at: datetime | None = None
        self._said_well = False

    @property
    def suspects(self) -> bool:
        """The last clear picture was bad, or the fault is not over."""
        return self._bad_at is not None or self._onset_at is not None

    @property
    def onset_at(self) -> datetime | None:
        """Since when the fault lasts."""
        return self._onset_at

    def see(self, at: datetime, look: Look) -> Begun | Over | None:
        match look:
            case Look.BAD:
                return self._see_bad(at)
            case Look.WELL:
                return self._see_well(at)
            case Look.UNCLEAR:
                return None

    def _see_bad(self, at: datetime) -> Begun | None:
        self._well_at = None
        if self._bad_at is None:
            self._bad_at = at
        self._bad_pictures += 1
        lasted_s = (at - self._bad_at).total_seconds()
        if self._onset_at or lasted_s < self._after_s or self._bad_pictures < self._least_pictures:
            return None
        self._onset_at = self._bad_at
        return Begun(self._onset_at)

    def _see_well(self, at: datetime) -> Over | None:
        self._bad_at, self._bad_pictures = None, 0
        if self._onset_at is None and self._said_well:
            return None
        if self._well_at is None:
            self._well_at = at
        if (at - self._well_at).total_seconds() < self._quiet_s:
            return None
        over = Over(self._onset_at, self._well_at)
        self._onset_at, self._well_at, self._said_well = None, None, True
        return over


class Arrival:
    """Only what came suddenly is a hand's work; what came slowly, or was there from the start, must outlast night and fog."""

    def __init__(self, *, sudden_pictures: int, lasting_s: float) -> None:
        self._sudden_pictures, self._lasting_s = sudden_pictures, lasting_s
        self._since_normal = sudden_pictures
        self._gone_at: datetime | None = None
        self._sudden = False

    def judge(self, at: datetime, look: Look, *, is_normal: bool) -> Look:
        """BAD becomes UNCLEAR as long as weather explains it. `is_normal`: the picture is far from gone."""
        self._since_normal = 0 if is_normal else self._since_normal + 1
        if look is not Look.BAD:
            self._gone_at = None if look is Look.WELL else self._gone_at
            return look
        if self._gone_at is None:
            self._gone_at = at
            self._sudden = self._since_normal <= self._sudden_pictures
        lasted_s = (at - self._gone_at).total_seconds()
        return Look.BAD if self._sudden or lasted_s >= self._lasting_s else Look.UNCLEAR
