"""Zones drawn in the console: who may, what is refused, what a worker and an import make of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from farwatch.storage import registry
from server.registry.commands import Report, export, import_
from tests.support.web_house import House

URL = "/api/v1/cameras/c1/zones"
SQUARE = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]]


async def drawn_on(client: httpx.AsyncClient) -> str:
    page = await client.get("/api/v1/cameras/c1")
    return str(page.json()["drawing"]["version"])


def zone(name: str = "yard", purpose: str = "ground", polygon: Any = SQUARE) -> dict[str, Any]:
    return {"name": name, "purpose": purpose, "polygon": polygon}


async def test_what_is_drawn_is_what_the_registry_has_and_is_audited(house: House) -> None:
    async with house.client("bo") as client:
        before = (await client.get("/api/v1/cameras/c1")).json()["drawing"]
        body = {"version": before["version"], "zones": [zone(), zone("window", "mask")]}
        drawn = (await client.put(URL, json=body)).json()
        page = (await client.get("/api/v1/cameras/c1")).json()

    assert (before["drawn"], [z["name"] for z in before["zones"]]) == (None, ["stack"])
    assert [(z["name"], z["purpose"]) for z in drawn["zones"]] == [("window", "mask"), ("yard", "ground")]
    assert drawn["drawn"]["by"] == "bo"
    assert page["drawing"] == drawn
    city = await registry.load(await house.pool.acquire())
    assert {z.name: z.purpose for z in city.zones["c1"]} == {"window": "mask", "yard": "ground"}
    assert city.version == 1, "workers look at the version each second"
    (row,) = await house.pool.fetch("SELECT actor, subject, detail FROM audit WHERE action = 'zones_drawn'")
    assert tuple(row) == ("bo", "camera/c1", {"zones": "+yard +window -stack"})


async def test_who_drew_over_zones_that_another_changed_is_told_and_changes_nothing(house: House) -> None:
    async with house.client("bo") as one, house.client("ada") as other:
        version = await drawn_on(one)
        assert (await other.put(URL, json={"version": version, "zones": [zone("hers")]})).status_code == 200
        late = await one.put(URL, json={"version": version, "zones": []})
        names = [z["name"] for z in (await one.get("/api/v1/cameras/c1")).json()["zones"]]

    assert (late.status_code, late.json()["error"]["key"]) == (409, "zones_changed")
    assert names == ["hers"]


async def test_of_two_who_save_at_once_one_is_told(house: House) -> None:
    async with house.client("bo") as one, house.client("ada") as other:
        version = await drawn_on(one)
        answers = await asyncio.gather(
            *(
                who.put(URL, json={"version": version, "zones": [zone(name)]})
                for who, name in ((one, "his"), (other, "hers"))
            )
        )
    assert sorted(a.status_code for a in answers) == [200, 409]
    (kept,) = [a.json()["zones"][0]["name"] for a in answers if a.status_code == 200]
    assert await names_of(house) == {kept}


async def test_another_change_of_the_registry_is_no_conflict_and_the_same_zones_again_change_nothing(
    house: House,
) -> None:
    async with house.client("bo") as client:
        version = await drawn_on(client)
        await house.pool.execute(
            "UPDATE cameras SET name = '西门'; UPDATE registry_version SET version = version + 1"
        )
        known = (await client.get("/api/v1/cameras/c1")).json()["zones"]
        answer = await client.put(URL, json={"version": version, "zones": known})

    assert (answer.status_code, answer.json()["drawn"]) == (200, None)
    assert await house.pool.fetchval("SELECT version FROM registry_version") == 1


REFUSED: dict[str, tuple[list[Any], str]] = {
    "points that cross themselves": (
        [zone(polygon=[[0, 0], [1, 1], [1, 0], [0, 1]])],
        "zone_crosses_itself",
    ),
    "a slip of the finger": ([zone(polygon=[[0, 0], [0.001, 0], [0, 0.001]])], "zone_too_small"),
    "the same name twice": ([zone(), zone()], "zone_twice"),
    "two points": ([zone(polygon=[[0, 0], [1, 1]])], "invalid"),
    "too many points": ([zone(polygon=[[i / 50, i % 2] for i in range(41)])], "invalid"),
    "too many zones": ([zone(f"z{i}") for i in range(21)], "invalid"),
    "a point outside the picture": ([zone(polygon=[[0, 0], [1.1, 0], [0, 1]])], "invalid"),
    "pixels": ([zone(polygon=[[0, 0], [640, 0], [0, 360]])], "invalid"),
    "an unknown purpose": ([zone(purpose="roof")], "invalid"),
    "a name that no file could hold": ([zone(name="a b")], "invalid"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_no_worker_could_use_is_refused(house: House, what: str) -> None:
    zones, key = REFUSED[what]
    async with house.client("bo") as client:
        answer = await client.put(URL, json={"version": await drawn_on(client), "zones": zones})
    assert (answer.status_code, answer.json()["error"]["key"]) == (422, key)
    assert await house.pool.fetchval("SELECT version FROM registry_version") == 0


async def test_a_camera_that_is_not_there_has_no_zones_to_draw(house: House) -> None:
    async with house.client("bo") as client:
        answer = await client.put("/api/v1/cameras/none/zones", json={"version": "x", "zones": []})
    assert answer.status_code == 404


@pytest.fixture
def brought(house: House, tmp_path: Path) -> Callable[..., Any]:
    async def bring(folder: Path, **how: bool) -> Report:
        options = {"prune": False} | how
        return await import_(folder, house.pool, tmp_path / "data", now=house.clock.now(), **options)

    return bring


async def names_of(house: House) -> set[str]:
    async with house.pool.acquire() as connection:
        return {z.name for z in (await registry.load(connection)).zones.get("c1", ())}


async def test_older_files_do_not_wipe_out_what_was_drawn_unless_they_are_told_to(
    house: House, tmp_path: Path, brought: Callable[..., Any]
) -> None:
    await export(tmp_path / "before", house.pool)
    async with house.client("bo") as client:
        version = await drawn_on(client)
        await client.put(URL, json={"version": version, "zones": [zone("yard")]})
    await export(tmp_path / "after", house.pool)
    same = await brought(tmp_path / "after", prune=True)
    older = await brought(tmp_path / "before", prune=True)
    assert (same.changes, older.changes, await names_of(house)) == (0, 0, {"yard"})
    (note,) = [line for line in older.lines if "zones.json" in line]
    assert "c1: drawn in the console by bo" in note
    assert "stack, yard" in note
    assert "--zones-from-files" in note
    tried = await brought(tmp_path / "before", prune=True, zones_from_files=True, dry_run=True)
    assert "zones.json: c1 stack added" in tried.lines
    assert tried.lines[-1] == "version 1: 2 changes would be made"
    assert await names_of(house) == {"yard"}
    told = await brought(tmp_path / "before", prune=True, zones_from_files=True)
    assert (told.changes, await names_of(house)) == (2, {"stack"})
    assert (await brought(tmp_path / "after")).changes == 1, "the files have the say again"


@pytest.mark.parametrize("of_files", [{"stack"}, set()], ids=["other zones", "none"])
async def test_zones_of_files_that_are_told_to_replace_the_drawn_ones_without_pruning_anything_else(
    house: House, tmp_path: Path, brought: Callable[..., Any], of_files: set[str]
) -> None:
    await export(tmp_path / "before", house.pool)
    if not of_files:
        (tmp_path / "before" / "zones.json").write_text("[]")
    async with house.client("bo") as client:
        await client.put(URL, json={"version": await drawn_on(client), "zones": [zone("yard")]})
    told = await brought(tmp_path / "before", zones_from_files=True)
    assert "zones.json: c1 yard deactivated" in told.lines
    assert await names_of(house) == of_files
    assert await house.pool.fetchval("SELECT count(*) FROM drawn_zones") == 0


async def test_a_camera_that_was_drawn_empty_stays_empty(
    house: House, tmp_path: Path, brought: Callable[..., Any]
) -> None:
    await export(tmp_path / "before", house.pool)
    async with house.client("bo") as client:
        await client.put(URL, json={"version": await drawn_on(client), "zones": []})
    assert (await brought(tmp_path / "before")).changes == 0
    assert await names_of(house) == set()
