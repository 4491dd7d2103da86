"""A visit's code ends in the commit that ends or passes on the visit, by whatever deed."""

from typing import Any

import pytest

from alerting.visits import LASTS
from farwatch.domain.place import Position
from farwatch.storage import visits
from farwatch.storage.database import Pool, transaction
from tests.support.alerting import WORKS, World, at, smoke, together

HERE = Position(WORKS.lat, WORKS.lon, 5.0)


@pytest.fixture
async def world(pool: Pool) -> World:
    """A task that `near` has accepted, with his code."""
    await pool.execute("INSERT INTO teams (id, name) VALUES ('t', 't')")
    for officer in ("near", "far"):
        await pool.execute(
            "INSERT INTO officers (id, name, team, lat, lon, shift) VALUES ($1, $1, 't', 31.2, 121.4, 'always')", officer
        )  # fmt: skip
    world = World(pool)
    await world.found(smoke())
    await world.settle()
    assert (await world.act("near", "accept")).reason.key == "accepted"
    await make(world, "near")
    return world


async def make(world: World, officer: str) -> int:
    async with transaction(world.pool) as connection:
        await visits.lock_visit(connection, 1)
        now = at(world.s)
        living = await visits.living(connection, 1, officer, now)
        token = f"{officer} {world.s}".encode()
        made = living or await visits.make(
            connection, 1, officer, nonce=b"n", token_sha256=token, now=now, lasts=LASTS
        )
        return made.id


async def ended(world: World) -> list[Any]:
    rows = await world.pool.fetch("SELECT ended_by FROM visit_codes ORDER BY id")
    return [r["ended_by"] for r in rows]


@pytest.mark.parametrize(
    ("deeds", "why"),
    [
        ([("near", "arrive", {"position": HERE})], None),
        ([("near", "arrive", {"position": HERE}), ("near", "handle", {"note": "well"})], "over"),
        ([("near", "false-alarm", {"note": "steam"})], "over"),
        ([("centre", "handle", {"note": "by telephone"})], "over"),
        ([("centre", "reassign", {"to": "far", "note": "nearer"})], "passed_on"),
        ([("near", "hand-over", {"to": "far", "note": "flat tyre"})], None),
        ([("near", "hand-over", {"to": "far", "note": "flat tyre"}), ("far", "accept", {})], "passed_on"),
    ],
)
async def test_what_ends_a_code(
    world: World, deeds: list[tuple[str, str, dict[str, Any]]], why: str | None
) -> None:
    for who, deed, more in deeds:
        done = await world.act(who, deed, **more)
        assert done.result == "done", done.reason
    assert await ended(world) == [why]


async def test_who_gets_it_back_gets_another_code(world: World) -> None:
    deeds: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("centre", "reassign", {"to": "far", "note": "nearer"}),
        ("far", "accept", {}),
        ("centre", "reassign", {"to": "near", "note": "back"}),
        ("near", "accept", {}),
    )
    for who, deed, more in deeds:
        assert (await world.act(who, deed, **more)).result == "done"
    world.s = 60
    assert await make(world, "near") == 2
    assert await ended(world) == ["passed_on", None]


async def test_of_many_first_wishes_at_once_one_makes_the_code(world: World) -> None:
    assert (await world.act("centre", "reassign", to="far", note="nearer")).result == "done"
    assert (await world.act("far", "accept")).result == "done"
    ids = await together(*(make(world, "far") for _ in range(4)))
    assert len(set(ids)) == 1
