"""How simulated officers behave: who answers, when, and how they drive. Pure; `now` is an argument."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from farwatch.domain.place import Position, distance_m
from simulators.city_map import moved

Move = Literal["accept", "arrive", "handle"]

NOTES: Final = (
    "已现场核查，责令整改。",
    "现场已清理，拍照留存。",
    "设备故障，企业已停产检修。",
    "已取样送检，制作笔录。",
)
CITY_SPEED_M_S: Final = 13.0
STANDS_WITHIN_M: Final = 15.0
GPS_ACCURACY_M: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """One officer's ways. `answers` False: he never accepts, so that escalation shows."""

    answers: bool
    accepts_after_s: float
    handles_after_s: float
    speed_m_s: float

    @classmethod
    def of(cls, officer: str, seed: int) -> "Manner":
        rng = random.Random(f"{seed}/{officer}")
        return cls(
            answers=rng.random() < 0.8,
            accepts_after_s=rng.uniform(8, 45),
            handles_after_s=rng.uniform(40, 120),
            speed_m_s=CITY_SPEED_M_S * rng.uniform(0.7, 1.15),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What the officer asks the server to do with a task."""

    task: int
    move: Move
    note: str = ""


def _left(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The matters at whose places he still has to be."""
    stand = [m for m in task["matters"] if m["closed_at"] is None]
    return [m for m in stand if task["state"] != "arrived" or m["arrived_at"] is None]


class OfficerOnDuty:
    """One officer's day: sees his tasks, answers them one after the other, drives there. Keeps where he is."""

    def __init__(self, officer: str, home: Position, manner: Manner, seed: int) -> None:
        self.officer, self.manner = officer, manner
        self.place = home
        self._home = home
        self._rng = random.Random(f"{seed}/{officer}/day")
        self._since: dict[tuple[int, str], datetime] = {}

    def act(self, tasks: Sequence[Mapping[str, Any]], now: datetime, passed_s: float) -> Act | None:
        """`tasks` as the API gives them; `passed_s` since the last call is how far he has driven. At most one act."""
        mine = [t for t in tasks if t["officer"] == self.officer and t["state"] in ("accepted", "arrived")]
        mine.sort(key=lambda t: (t["state"] != "arrived", -t["severity"], t["id"]))
        if not mine:
            self._drive(self._home, passed_s)
            return self._answer(tasks, now)
        task = mine[0]
        left = _left(task)
        place = left[0]["place"] if left else task["place"]
        target = Position(place["lat"], place["lon"])
        self._drive(target, passed_s)
        comes = task["state"] == "accepted" or bool(left)
        if comes and distance_m(self.place, target) <= 2 * STANDS_WITHIN_M:
            return Act(task=task["id"], move="arrive")
        if not comes and self._waited_s(task, "arrived", now) >= self.manner.handles_after_s:
            return Act(task=task["id"], move="handle", note=self._rng.choice(NOTES))
        return None

    def _answer(self, tasks: Sequence[Mapping[str, Any]], now: datetime) -> Act | None:
        """Takes an offer when he has none in hand and has thought about it."""
        offers = [t for t in tasks if self._is_asked(t)]
        waits = {t["id"]: self._waited_s(t, "offered", now) for t in offers}
        due = [task for task, waited_s in waits.items() if waited_s >= self.manner.accepts_after_s]
        return Act(task=min(due), move="accept") if due and self.manner.answers else None

    def _is_asked(self, task: Mapping[str, Any]) -> bool:
        offered = task["state"] == "offered" and self.officer in task["offered_to"]
        return offered or (task["state"] == "accepted" and task["handover_to"] == self.officer)

    def _waited_s(self, task: Mapping[str, Any], state: str, now: datetime) -> float:
        return (now - self._since.setdefault((task["id"], state), now)).total_seconds()

    def _drive(self, target: Position, passed_s: float) -> None:
        far_m = distance_m(self.place, target)
        if far_m <= STANDS_WITHIN_M:
            return
        share = min(1.0, self.manner.speed_m_s * passed_s / far_m)
        self.place = Position(
            round(self.place.lat + (target.lat - self.place.lat) * share, 7),
            round(self.place.lon + (target.lon - self.place.lon) * share, 7),
        )

    def seen_at(self) -> Position:
        """Where his phone believes to be: a few metres beside the truth."""
        wobble = GPS_ACCURACY_M / 2
        place = moved(self.place, east_m=self._rng.gauss(0, wobble), north_m=self._rng.gauss(0, wobble))
        return Position(place.lat, place.lon, GPS_ACCURACY_M)
