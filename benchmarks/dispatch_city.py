"""The city that the dispatch benchmark plays in: 100 officers of 20 teams, what happens there, and the dice. Pure and seeded.

The model, in words (docs/reference/dispatch.md has the same):

* 20 grids of 4 x 4 km in five columns and four rows, one team of five officers each. Officers start from a point of their own grid,
  drive at 6.5 to 10 m/s on roads that are 1.2 to 1.6 times the straight line (each officer his own), and patrol their grid while
  they are idle.
* From 22:00 to 02:00 in Shanghai. Half of the officers are on shift 20:00-08:00, a third 14:00-00:00, a sixth 00:00-08:00: shifts
  pass midnight and end.
* Tasks: a Poisson stream of 90 an hour over the city, some grids three times as busy as others; and four bursts of 5 to 30 within
  60 s in a district of 2 x 2 grids (readings come in batches: on full 5 s). Half of the visits take under 12 min (lognormal).
* An officer who is asked declines with 15 %, never answers with 20 % (he stalls), else answers after a lognormal time, half of them
  within 35 s; with a task in hand he declines with 35 %, stalls with 25 % and takes twice as long. He goes to one task after the
  other.
* Phones report a position every 15 s. Each loses it now and then: good for 25 min, lost for 8 min on average (both exponential); of
  6 % of the officers nobody ever knows the position.

The dice of (officer, task) are the same whichever rule asks: common random numbers, so that the two runs of a pair differ by the
rule alone.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from farwatch.domain.place import Area, Position
from farwatch.domain.registry import Grid, Officer, Registry, Team

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # 20:00 in Shanghai
HOURS = 10.0
COLUMNS, ROWS, GRID_M, TEAM = 5, 4, 4000.0, 5
SOUTH, WEST = 31.0, 121.0
M_PER_DEG = 111_195.0
M_PER_DEG_EAST = M_PER_DEG * math.cos(math.radians(SOUTH + 0.07))
TASKS_PER_MIN = 1.5
BURSTS = 10
REPORT_S = 15.0


def at(s: float) -> datetime:
    return START + timedelta(seconds=s)


def position(x_m: float, y_m: float) -> Position:
    return Position(SOUTH + y_m / M_PER_DEG, WEST + x_m / M_PER_DEG_EAST)


@dataclass(frozen=True, slots=True)
class Event:
    """A finding that needs a visit; `visit_s` is how long it takes."""

    id: int
    at_s: float
    place: tuple[float, float]
    grid: int
    severity: int
    visit_s: float


@dataclass(frozen=True, slots=True)
class Ways:
    """How an officer is: `lost` are spans without a position; `mute`: nobody ever knows his."""

    home: tuple[float, float]
    shift: str
    speed_m_s: float
    detour: float
    lost: tuple[tuple[float, float], ...]
    mute: bool

    def is_lost(self, s: float) -> bool:
        n = bisect_right(self.lost, (s, math.inf)) - 1
        return n >= 0 and s < self.lost[n][1]


@dataclass(frozen=True, slots=True)
class Answer:
    """`after_s` None: he never answers."""

    accepts: bool
    after_s: float | None


@dataclass(frozen=True, slots=True)
class City:
    seed: int
    registry: Registry
    ways: dict[str, Ways]
    events: tuple[Event, ...]

    def dice(self, officer: str, task: int, *, busy: bool) -> Answer:
        rng = random.Random(f"{self.seed}/{officer}/{task}")
        luck, after_s = rng.random(), min(240.0, rng.lognormvariate(math.log(35.0), 0.7))
        declines, stalls = (0.35, 0.25) if busy else (0.15, 0.20)
        if luck < stalls:
            return Answer(accepts=False, after_s=None)
        return Answer(accepts=luck >= stalls + declines, after_s=after_s * (2 if busy else 1))

    def waypoint(self, officer: str, leg: int) -> tuple[tuple[float, float], float]:
        """Where an idle officer drives next in his grid, and how long he stays there."""
        rng = random.Random(f"{self.seed}/{officer}/leg{leg}")
        home = self.ways[officer].home
        grid = int(home[0] // GRID_M) + COLUMNS * int(home[1] // GRID_M)
        return _within(grid, rng), rng.uniform(60, 600)


def city(seed: int) -> City:
    rng = random.Random(seed)
    grids = range(COLUMNS * ROWS)
    ways = {f"o{grid:02}{n}": _ways(grid, rng) for grid in grids for n in range(TEAM)}
    registry = Registry(
        grids={
            f"g{g:02}": Grid(id=f"g{g:02}", name=f"g{g:02}", team=f"t{g:02}", area=_area(g)) for g in grids
        },
        teams={f"t{g:02}": Team(id=f"t{g:02}", name=f"t{g:02}", lead=f"o{g:02}0") for g in grids},
        officers={
            o: Officer(id=o, name=o, team=f"t{o[1:3]}", phone="", place=position(*w.home), shift=w.shift)
            for o, w in ways.items()
        },
    )
    return City(seed, registry, ways, tuple(_events(rng)))


def _within(grid: int, rng: random.Random) -> tuple[float, float]:
    row, column = divmod(grid, COLUMNS)
    return (column + rng.random()) * GRID_M, (row + rng.random()) * GRID_M


def _area(grid: int) -> Area:
    row, column = divmod(grid, COLUMNS)
    corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1), (column, row)]
    places = [position(x * GRID_M, y * GRID_M) for x, y in corners]
    return Area(((tuple((p.lon, p.lat) for p in places),),))


def _ways(grid: int, rng: random.Random) -> Ways:
    shift = rng.choices(("20:00-08:00", "14:00-00:00", "00:00-08:00"), (3, 2, 1))[0]
    return Ways(
        home=_within(grid, rng),
        shift=shift,
        speed_m_s=rng.uniform(6.5, 10.0),
        detour=rng.uniform(1.2, 1.6),
        lost=tuple(_lost(rng)),
        mute=rng.random() < 0.06,
    )


def _lost(rng: random.Random) -> Iterator[tuple[float, float]]:
    s = 0.0
    while s < HOURS * 3600 + 7200:
        begin = s + rng.expovariate(1 / 1500)
        s = begin + rng.expovariate(1 / 480)
        yield begin, s


def _events(rng: random.Random) -> list[Event]:
    busy = [rng.choice((1, 1, 2, 3)) for _ in range(COLUMNS * ROWS)]
    made: list[tuple[float, int]] = []
    s = rng.expovariate(TASKS_PER_MIN / 60)
    while s < HOURS * 3600:
        made.append((s, rng.choices(range(COLUMNS * ROWS), busy)[0]))
        s += rng.expovariate(TASKS_PER_MIN / 60)
    for n in range(BURSTS):
        begin = (n + rng.uniform(0.2, 0.8)) * HOURS * 3600 / BURSTS
        row, column = rng.randrange(ROWS - 1), rng.randrange(COLUMNS - 1)
        district = [r * COLUMNS + c for r in (row, row + 1) for c in (column, column + 1)]
        made += [(begin + 5.0 * rng.randrange(13), rng.choice(district)) for _ in range(rng.randint(5, 30))]
    ids = count(1)
    return [
        Event(next(ids), s, _within(grid, rng), grid, rng.choices((1, 2, 3), (5, 4, 1))[0], _visit_s(rng))
        for s, grid in sorted(made)
    ]


def _visit_s(rng: random.Random) -> float:
    return min(2700.0, rng.lognormvariate(math.log(720.0), 0.6))


@dataclass(slots=True)
class Body:
    """Where an officer really is, and what he has in hand; the same physics for every rule."""

    city: City
    officer: str
    queue: list[int] = field(default_factory=list)
    """Tasks that he accepted and has not finished, in this order."""
    _from: tuple[float, float] = (0.0, 0.0)
    _to: tuple[float, float] = (0.0, 0.0)
    _left_s: float = 0.0
    _arrives_s: float = 0.0
    _stays_until_s: float = 0.0
    _leg: int = 0

    def __post_init__(self) -> None:
        self._from = self._to = self.city.ways[self.officer].home

    def where(self, s: float) -> tuple[float, float]:
        """Moves him on patrol up to now while he is idle. `s` never goes back."""
        while not self.queue and s >= self._stays_until_s:
            place, stay_s = self.city.waypoint(self.officer, self._leg)
            self._leg += 1
            begin = self._stays_until_s
            self._stays_until_s = self._drive(self._to, place, begin) + stay_s
        return self._seen(s)

    def seen(self, s: float) -> tuple[float, float]:
        return self._seen(s)

    def go(self, place: tuple[float, float], s: float) -> float:
        """Sets off from where he is; returns when he arrives."""
        return self._drive(self._seen(s), place, s)

    def rest(self, s: float) -> None:
        """He is idle from now on."""
        self._stays_until_s = s + 60.0

    def _drive(self, start: tuple[float, float], end: tuple[float, float], s: float) -> float:
        ways = self.city.ways[self.officer]
        self._from, self._to, self._left_s = start, end, s
        self._arrives_s = s + math.dist(start, end) * ways.detour / ways.speed_m_s
        return self._arrives_s

    def _seen(self, s: float) -> tuple[float, float]:
        if s >= self._arrives_s:
            return self._to
        share = (s - self._left_s) / (self._arrives_s - self._left_s)
        return (
            self._from[0] + (self._to[0] - self._from[0]) * share,
            self._from[1] + (self._to[1] - self._from[1]) * share,
        )
