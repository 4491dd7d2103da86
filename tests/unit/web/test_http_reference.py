"""docs/reference/http.md names every route and every error key, and none that is gone."""

import re
from pathlib import Path

from server.web import (
    actions,
    cameras,
    cap,
    case_reviews,
    cases,
    choices,
    custody,
    device_commands,
    enterprises,
    events,
    evidence,
    exceedances,
    exports,
    features,
    figures,
    findings,
    grids,
    health,
    holds,
    live,
    marks,
    minor_list,
    notices,
    officers,
    osmand,
    penalty,
    photos,
    rates,
    readings,
    reports,
    reviews,
    seals,
    session,
    silences,
    stations,
    tasks,
    visit_public,
    visits,
    warning_public,
    warnings,
    workers,
    zones,
)

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "http.md").read_text("utf-8")
PARTS = (
    actions,
    cameras,
    case_reviews,
    custody,
    cap,
    cases,
    choices,
    device_commands,
    enterprises,
    events,
    evidence,
    exceedances,
    exports,
    features,
    figures,
    findings,
    grids,
    health,
    holds,
    live,
    marks,
    minor_list,
    notices,
    officers,
    osmand,
    penalty,
    photos,
    rates,
    readings,
    reports,
    reviews,
    seals,
    session,
    silences,
    stations,
    tasks,
    visit_public,
    visits,
    warning_public,
    warnings,
    workers,
    zones,
)


def test_every_route_has_its_heading_and_no_other() -> None:
    routes = {
        f"{method} {route.path}" for part in PARTS for route in part.router.routes for method in route.methods
    }
    documented = set(re.findall(r"^### `([A-Z]+ /\S*)`$", PAGE, re.MULTILINE))
    assert documented == routes


def test_no_resource_is_left_out_of_this_test() -> None:
    modules = {
        p.stem
        for p in (ROOT / "server" / "web").glob("*.py")
        if "\nrouter = APIRouter(" in p.read_text("utf-8")
    }
    assert modules - {"pages"} == {part.__name__.rsplit(".", 1)[1] for part in PARTS}


def test_every_error_key_is_named() -> None:
    keys: set[str] = set()
    for path in (ROOT / "server" / "web").glob("*.py"):
        text = path.read_text("utf-8")
        keys |= set(re.findall(r'(?:ApiError|answer|_away)\(\s*\d+,\s*"([a-z_]+)"', text))
        keys |= set(re.findall(r'PhotoError\("([a-z_]+)"', text))
    assert len(keys) > 20
    assert {key for key in keys if f"`{key}`" not in PAGE} == set()
