"""A city to practise on: a plausible, invented Chinese district with its factories, monitors, cameras and officers.

Pure: the same seed gives the same city, byte for byte.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from farwatch.domain.place import Position
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Camera, Enterprise, Grid, Limit, Officer, Station, Team, Zone
from simulators.city_map import COLUMNS, cell_place, grid_areas, moved
from simulators.city_names import (
    CAMERAS,
    GIVEN_NAMES,
    GRID_NAMES,
    SHORT_NAMES,
    SURNAMES,
    TEAM_NAMES,
    TRADES,
    ChannelPlan,
    OutletPlan,
)

VALID_FROM = datetime(2025, 1, 1, tzinfo=UTC)
OFFICERS = 8
CAMERA_CREDENTIAL = "city-cameras"
HUMAN_OFFICER = "officer-1"
"""Nobody simulates this one: a person answers for him. He is the nearest to the first incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """Rows as the registry's files hold them. `plans` and `scenes` tell the simulators what each device shows."""

    enterprises: tuple[Enterprise, ...]
    stations: tuple[Station, ...]
    limits: tuple[Limit, ...]
    cameras: tuple[Camera, ...]
    zones: tuple[Zone, ...]
    grids: tuple[Grid, ...]
    teams: tuple[Team, ...]
    officers: tuple[Officer, ...]
    plans: Mapping[str, OutletPlan]
    scenes: Mapping[str, str]

    def stations_of(self, enterprise: str) -> list[Station]:
        return [s for s in self.stations if s.enterprise == enterprise]


def make_city(seed: int, *, cameras_url: str, valid_from: datetime = VALID_FROM) -> City:
    """The small city: 6 grids, 3 teams, 8 officers always on shift, 10 enterprises, 12 stations, 6 cameras.

    `cameras_url` is the address of the cameras' server, `rtsp://HOST:PORT`; each camera is a path below it. All limits hold
    since `valid_from`.
    """
    rng = random.Random(seed)
    areas = grid_areas(rng)
    grids = [
        Grid(id=f"grid-{i + 1}", name=f"{name}网格", team=_team_of(i), area=areas[i])
        for i, name in enumerate(GRID_NAMES)
    ]
    places = _places(rng)
    enterprises = list(_enterprises(rng, places))
    stations, limits, plans = _stations(rng, places, valid_from)
    officers = list(_officers(rng, places))
    teams = [
        Team(
            id=f"team-{i + 1}",
            name=name,
            lead=next(o.id for o in reversed(officers) if o.team == f"team-{i + 1}"),
        )
        for i, name in enumerate(TEAM_NAMES)
    ]
    return City(
        enterprises=tuple(enterprises),
        stations=tuple(stations),
        limits=tuple(limits),
        cameras=tuple(_cameras(rng, places, cameras_url)),
        zones=tuple(
            Zone(camera=c.id, name=name, purpose=purpose, polygon=polygon)
            for c in CAMERAS
            for name, purpose, polygon in c.zones
        ),
        grids=tuple(grids),
        teams=tuple(teams),
        officers=tuple(officers),
        plans=plans,
        scenes={c.id: c.scene for c in CAMERAS},
    )


def _places(rng: random.Random) -> dict[str, Position]:
    """Where each trade's enterprise lies."""
    places = {}
    for trade in TRADES:
        neighbours = [t.id for t in TRADES if t.grid == trade.grid]
        places[trade.id] = cell_place(rng, trade.grid, slot=neighbours.index(trade.id), slots=len(neighbours))
    return places


def _enterprises(rng: random.Random, places: Mapping[str, Position]) -> Iterator[Enterprise]:
    short = rng.sample(SHORT_NAMES, len(TRADES))
    for i, trade in enumerate(TRADES):
        yield Enterprise(
            id=trade.id,
            name=short[i] + trade.suffix,
            place=places[trade.id],
            contact_name=_person(rng),
            contact_phone=f"100{i + 101:08d}",  # 100 is no mobile prefix: nobody's number
        )


def _stations(
    rng: random.Random, places: Mapping[str, Position], valid_from: datetime
) -> tuple[list[Station], list[Limit], dict[str, OutletPlan]]:
    stations: list[Station] = []
    limits: list[Limit] = []
    plans: dict[str, OutletPlan] = {}
    for trade in TRADES:
        for outlet in trade.outlets:
            mn = f"FA{rng.getrandbits(88):022X}"
            place = moved(places[trade.id], east_m=rng.uniform(-90, 90), north_m=rng.uniform(-90, 90))
            stations.append(
                Station(mn=mn, enterprise=trade.id, name=outlet.name, place=place, medium=outlet.medium)
            )
            limits += [limit for plan in outlet.channels for limit in _limits(mn, plan, valid_from)]
            plans[mn] = outlet
    return stations, limits, plans


def _limits(mn: str, plan: ChannelPlan, valid_from: datetime) -> Iterator[Limit]:
    """The legal limit on its own kind, and the same figure on rtd and min, where it is only an early warning."""
    kinds = ("rtd", "min", plan.legal_kind) if plan.limit is not None else ("rtd",)
    for kind in kinds:
        yield Limit(
            mn=mn,
            code=plan.code,
            unit=plan.unit,
            kind=ReadingKind(kind),
            limit=plan.limit,
            converted=plan.converted,
            warn_share=1.0,
            valid_from=valid_from,
        )


def _cameras(rng: random.Random, places: Mapping[str, Position], cameras_url: str) -> Iterator[Camera]:
    for plan in CAMERAS:
        yield Camera(
            id=plan.id,
            name=plan.name,
            enterprise=plan.trade,
            place=moved(places[plan.trade], east_m=rng.uniform(-60, 60), north_m=rng.uniform(-60, 60)),
            heading_deg=plan.heading_deg,
            url=f"{cameras_url}/{plan.id}",
            credential=CAMERA_CREDENTIAL,
        )


def _officers(rng: random.Random, places: Mapping[str, Position]) -> Iterator[Officer]:
    """Teams in turn; each officer starts near an enterprise of one of the team's grids."""
    people = _people(rng, OFFICERS)
    for i in range(OFFICERS):
        team = i % len(TEAM_NAMES)
        beat = [t for t in TRADES if _team_of(t.grid) == f"team-{team + 1}"]
        near = beat[(i // len(TEAM_NAMES)) % len(beat)]
        spread_m = 150.0 if i == 0 else 700.0
        yield Officer(
            id=f"officer-{i + 1}",
            name=people[i],
            team=f"team-{team + 1}",
            phone=f"100{i + 1:08d}",
            place=moved(
                places[near.id],
                east_m=rng.choice((-1, 1)) * spread_m,
                north_m=rng.uniform(-spread_m, spread_m),
            ),
            shift="always",
        )


def _team_of(grid: int) -> str:
    """A team answers for one column of grids."""
    return f"team-{grid % COLUMNS + 1}"


def _people(rng: random.Random, count: int) -> list[str]:
    surnames = rng.sample(SURNAMES, count)
    return [surname + given for surname, given in zip(surnames, rng.sample(GIVEN_NAMES, count), strict=True)]


def _person(rng: random.Random) -> str:
    return rng.choice(SURNAMES) + rng.choice(GIVEN_NAMES)
