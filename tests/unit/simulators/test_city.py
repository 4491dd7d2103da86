"""The generated city is plausible, complete and the same for the same seed."""

import csv
import io
import itertools
import json

import pytest

from farwatch.domain.place import distance_m
from simulators.city import City, make_city
from simulators.city_files import registry_files, write_registry

SEEDS = [1, 2, 3, 7, 42, 1000]


def a_city(seed: int = 1) -> City:
    return make_city(seed, cameras_url="rtsp://127.0.0.1:8554")


def the_files(seed: int = 1) -> dict[str, bytes]:
    return registry_files(a_city(seed), camera_user="city", camera_password="not-a-secret")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_city() -> None:
    assert the_files(5) == the_files(5)
    assert the_files(5)["stations.csv"] != the_files(6)["stations.csv"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_city_has_what_was_promised(seed: int) -> None:
    city = a_city(seed)

    counts = (len(city.grids), len(city.teams), len(city.officers), len(city.enterprises), len(city.stations))
    assert counts == (6, 3, 8, 10, 12)
    assert 4 <= len(city.cameras) <= 6
    assert {c.id for c in city.cameras} == {z.camera for z in city.zones}
    assert all(3 <= len(plan.channels) <= 6 for plan in city.plans.values())
    assert len({e.name for e in city.enterprises}) == 10


@pytest.mark.parametrize("seed", SEEDS)
def test_every_watched_place_lies_in_exactly_one_grid(seed: int) -> None:
    city = a_city(seed)

    for watched in (*city.enterprises, *city.stations, *city.cameras):
        assert sum(g.area.contains(watched.place) for g in city.grids) == 1, watched


@pytest.mark.parametrize("seed", SEEDS)
def test_enterprises_are_too_far_apart_for_two_incidents_to_become_one_visit(seed: int) -> None:
    places = [e.place for e in a_city(seed).enterprises]

    apart = [distance_m(a, b) for i, a in enumerate(places) for b in places[:i]]
    assert min(apart) > 400


@pytest.mark.parametrize("seed", SEEDS)
def test_every_team_has_a_lead_of_its_own_and_the_first_incident_a_near_officer(seed: int) -> None:
    city = a_city(seed)
    officers = {o.id: o for o in city.officers}

    for team in city.teams:
        assert team.lead is not None
        assert officers[team.lead].team == team.id
    heat = next(e for e in city.enterprises if e.id == "heat")
    team = next(g.team for g in city.grids if g.area.contains(heat.place))
    nearest = min((o for o in city.officers if o.team == team), key=lambda o: distance_m(o.place, heat.place))
    assert nearest.id == "officer-1"


def test_neighbouring_grids_share_their_borders_point_for_point() -> None:
    edges: dict[frozenset[tuple[float, float]], int] = {}
    for grid in a_city().grids:
        ring = grid.area.polygons[0][0]
        for a, b in itertools.pairwise(ring):
            edges[frozenset((a, b))] = edges.get(frozenset((a, b)), 0) + 1

    assert sorted(set(edges.values())) == [1, 2]
    assert sum(1 for n in edges.values() if n == 2) == 7 * 4


def test_the_files_have_the_registrys_columns() -> None:
    files = the_files()

    assert files["channels.csv"].startswith(
        b"mn,code,unit,limit,limit_kind,converted,warn_share,valid_from\n"
    )
    assert files["cameras.csv"].startswith(b"id,name,enterprise,lat,lon,heading_deg,url,credential,drill\n")
    assert files["officers.csv"].startswith(
        b"id,name,team,phone,lat,lon,shift,skills,contact_channel,badge\n"
    )
    assert set(json.loads(files["grids.geojson"])["features"][0]["properties"]) == {"id", "name", "team"}
    assert set(json.loads(files["zones.json"])[0]) == {"camera", "name", "purpose", "polygon"}
    rows = list(csv.DictReader(io.StringIO(files["channels.csv"].decode())))
    assert len({(r["mn"], r["code"], r["limit_kind"]) for r in rows}) == len(rows)


def test_the_secrets_are_for_their_owner_only(tmp_path) -> None:
    write_registry(the_files(), tmp_path / "registry")

    assert (tmp_path / "registry" / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert b"not-a-secret" not in b"".join(v for k, v in the_files().items() if k != "secrets.toml")
