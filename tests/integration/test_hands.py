"""Deeds from a phone without signal: late, repeated, out of order. They count from receipt, and what was claimed is shown."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alerting.actions import Result
from farwatch.domain.commitment import commitment
from farwatch.domain.place import Position
from farwatch.domain.task import TaskState
from farwatch.storage import actions
from farwatch.storage.database import Pool, open_pool
from farwatch.storage.sequencer import first_broken_link, sequence_once
from tests.support.alerting import WORKS, NoLease, World, at, smoke

HERE = Position(WORKS.lat, WORKS.lon, 10.0)
DEEDS = ("accept", "arrive", "handle")
ALL_WORK = "TRUNCATE event_queue, actions, deadlines, notices, matter_findings, matters, tasks, findings RESTART IDENTITY CASCADE"


@pytest.fixture
async def world(pool: Pool) -> World:
    world = World(pool)
    await world.found(smoke())
    await world.settle()
    return world


async def send(world: World, verb: str, client_id: str, claimed_at: datetime) -> Result:
    more: dict[str, Any] = {"client_id": client_id, "claimed_at": claimed_at, "note": f"note of {verb}"}
    if verb == "arrive":
        more["position"] = HERE
    return (await world.act("near", verb, **more)).result


async def told(world: World) -> list[tuple[str, str]]:
    """Every deed in the log once: its id, and what became of it."""
    kinds = ("task_accepted", "task_arrived", "task_handled", "deed_refused")
    return [(e["deed"], e["type"]) for e in await world.events(*kinds)]


@settings(
    max_examples=30,
    deadline=None,
    phases=(
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ),  # a smaller example is not worth minutes of database
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_however_deeds_come_each_counts_once_from_its_receipt_and_all_come_to_the_same_end(
    data: st.DataObject, database_url: str
) -> None:
    """A phone sends each deed until it is answered. Here each comes one to three times, in any order, after hours; the queue of
    the phone sends again what was refused only because what is before it had not come yet, so at last all are sent in order."""
    once = st.permutations([verb for verb in DEEDS for _ in range(data.draw(st.integers(1, 3)))])
    order: Sequence[str] = data.draw(once)
    lateness_s = data.draw(st.floats(0, 20_000))
    asyncio.run(_same_end(database_url, order, lateness_s))


async def _same_end(database_url: str, order: Sequence[str], lateness_s: float) -> None:
    async with open_pool(database_url) as pool:
        await pool.execute(ALL_WORK)
        world = World(pool)
        await world.found(smoke())
        await world.settle()
        claimed = {verb: at(30.0 * n) for n, verb in enumerate(DEEDS, 1)}
        ids = {verb: str(uuid.uuid4()) for verb in DEEDS}
        world.s = 200 + lateness_s
        first: dict[str, Result] = {}
        for verb in order:
            world.s += 1
            answer = await send(world, verb, ids[verb], claimed[verb])
            assert first.setdefault(verb, answer) in (answer, Result.DONE), (
                "a repeat is answered as the first one was"
            )
        for verb in DEEDS:
            world.s += 1
            if first[verb] is Result.REFUSED:
                assert await send(world, verb, f"{ids[verb]} again", claimed[verb]) is Result.DONE
        task = await world.task()
        assert task.state is TaskState.HANDLED
        assert all(
            moment >= at(200 + lateness_s)
            for moment in (task.accepted_at, task.arrived_at, task.handled_at)
            if moment
        )
        deeds = await told(world)
        assert len(deeds) == len({deed for deed, _ in deeds}), "each client id once"
        assert [kind for _, kind in deeds if kind != "deed_refused"] == [
            "task_accepted",
            "task_arrived",
            "task_handled",
        ]
        assert await pool.fetchval("SELECT count(*) FROM actions") == len(deeds)
        for event in await world.events("task_accepted", "task_arrived", "task_handled"):
            verb = {"task_accepted": "accept", "task_arrived": "arrive", "task_handled": "handle"}[
                event["type"]
            ]
            assert datetime.fromisoformat(event["claimed_at"]) == claimed[verb]
            assert event["received_late_s"] >= lateness_s


async def test_an_arrival_that_came_after_the_task_was_taken_away_is_refused_and_shown_with_its_time(
    world: World,
) -> None:
    await world.pool.execute(
        "INSERT INTO teams (id, name) VALUES ('t', 't');"
        "INSERT INTO officers (id, name, team, lat, lon, shift) VALUES ('far', 'far', 't', 31, 121, 'always')"
    )
    world.s = 20
    await world.act("near", "accept")
    world.s = 400
    assert (
        await world.act("centre", "reassign", to="far", note="no answer from the cellar")
    ).result is Result.DONE
    world.s = 6000
    late = await world.act("near", "arrive", position=HERE, claimed_at=at(420), client_id="a")
    assert (late.result, (await world.task()).officer) == (Result.REFUSED, None)
    (refused,) = await world.events("deed_refused")
    assert {key: refused[key] for key in ("actor", "action", "reason", "deed", "received_late_s")} == {
        "actor": "user-near", "action": "arrive", "reason": late.reason.key, "deed": "a", "received_late_s": 5580.0,
    }  # fmt: skip
    assert datetime.fromisoformat(refused["claimed_at"]) == at(420)
    assert await world.pool.fetchval("SELECT result FROM actions WHERE client_id = 'a'") == late.reason.key


async def test_an_old_deed_of_a_closed_task_is_refused_and_kept(world: World) -> None:
    await world.act("centre", "false-alarm", note="steam")
    await world.act("centre", "verify")
    await world.act("centre", "close")
    assert (await world.act("near", "accept", client_id="late")).result is Result.REFUSED
    assert [e["deed"] for e in await world.events("deed_refused")] == ["late"]


async def test_a_phone_whose_clock_is_ahead_is_shown_as_such_and_gains_nothing(world: World) -> None:
    world.s = 50
    await world.act("near", "accept", claimed_at=at(3650))
    (accepted,) = await world.events("task_accepted")
    assert accepted["claimed_ahead_s"] == 3600.0
    assert "received_late_s" not in accepted
    assert (await world.task()).accepted_at == at(50)


async def test_within_a_minute_nothing_is_said_of_lateness(world: World) -> None:
    world.s = 59
    await world.act("near", "accept", claimed_at=at(0))
    (accepted,) = await world.events("task_accepted")
    assert not {"received_late_s", "claimed_ahead_s"} & accepted.keys()


async def test_a_note_can_be_proven_by_its_commitment_and_erased_without_a_hole_in_the_chain(
    world: World,
) -> None:
    world.s = 20
    await world.act("near", "accept", note="knows the guard", position=HERE, client_id="a")
    (accepted,) = await world.events("task_accepted")
    salt = await world.pool.fetchval("SELECT salt FROM actions")
    assert accepted["commitment"] == commitment(salt, "knows the guard", HERE)
    assert accepted["commitment"] != commitment(salt, "knows the guards", HERE)
    assert "guard" not in str(await world.events())

    assert await actions.erase_note(world.pool, "a", by="operator")
    assert not await actions.erase_note(world.pool, "a", by="operator")
    assert not await actions.erase_note(world.pool, "none", by="operator")
    row = await world.pool.fetchrow("SELECT note, lat, lon, accuracy_m, salt FROM actions")
    assert tuple(row) == ("", None, None, None, None)
    while await sequence_once(world.pool, NoLease()):
        pass
    async with world.pool.acquire() as connection:
        assert await first_broken_link(connection) is None
        assert await connection.fetchval("SELECT count(*) FROM log WHERE event LIKE '%note_erased%'") == 1
