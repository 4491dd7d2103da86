"""What the engine tells the log of a case becomes messages that never change afterwards."""

import pytest

from alerting import cap
from alerting.cap import AlertedCase, Entry
from farwatch.domain.finding import Tier
from farwatch.domain.place import Position
from farwatch.storage import features
from farwatch.storage.database import Pool
from farwatch.storage.sequencer import sequence_once
from tests.support.alerting import WORKS, NoLease, World, at, early, smoke

HERE = Position(WORKS.lat, WORKS.lon, 5.0)


@pytest.fixture
async def world(pool: Pool) -> World:
    return World(pool)


async def messages(world: World) -> list[tuple[str, int, bytes]]:
    await world.settle()
    await sequence_once(world.pool, NoLease())
    (row,) = [r for r in [await features.task(world.pool, 1)] if r]
    log = [Entry(r["at"], r["event"]) for r in await features.told(world.pool, [1], cap.TOLD_BY)]
    case = AlertedCase(
        id=1, place=WORKS, area="g", event_at=row["first_event_at"], log=log, drill=False, enterprise="e1厂"
    )
    sent = cap.messages(case)
    return [
        (m.kind, m.severity, cap.render(m, sent[:n], sender="s@h", web="https://h/1"))
        for n, m in enumerate(sent)
    ]


async def test_a_case_from_its_first_finding_to_its_end(world: World) -> None:
    """Each step: what was sent before stays byte by byte, and what is new comes after it."""
    known: list[tuple[str, int, bytes]] = []

    async def then(*new: tuple[str, int]) -> None:
        now = await messages(world)
        assert now[: len(known)] == known
        assert [(kind, severity) for kind, severity, _ in now[len(known) :]] == list(new)
        known[:] = now

    await world.found(smoke())
    await then(("Alert", 2))
    world.s = 20
    gate = smoke("gate", severity=1, onset_at=at(-300))  # begun before the first one, found after it
    await world.found(gate)
    await then(("Update", 2))
    await world.act("near", "accept")
    await then()
    world.s = 40
    await world.found(
        early(tier=Tier.VIOLATION, severity=2, enterprise="e1")
    )  # a monitor confirms the camera
    await then(("Update", 2), ("Update", 3))
    await world.act("near", "arrive", position=HERE)
    await world.act("near", "handle", note="put out")
    await then(("Update", 3))
    await world.act("centre", "verify")
    await world.act("centre", "close")
    await then()


async def test_an_end_that_something_worse_follows_comes_again(world: World) -> None:
    await world.found(smoke())
    await world.settle()
    await world.act("centre", "false-alarm", note="steam")
    world.s = 60
    await world.found(smoke(severity=3, onset_at=at(30)))
    said = await messages(world)
    assert [(kind, severity) for kind, severity, _ in said] == [("Alert", 2), ("Cancel", 2), ("Update", 3)]
    await world.act("centre", "verify")
    await world.act("centre", "close")
    again = await messages(world)
    assert again[:3] == said
    assert [(kind, severity) for kind, severity, _ in again[3:]] == [("Cancel", 3)]
