"""Writers and engines that race: one fingerprint is one matter, one enterprise one visit, whoever comes first."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from alerting.engine import Engine
from farwatch.domain.finding import Finding
from farwatch.domain.task import DeadlineKind, Task
from farwatch.storage import tasks
from farwatch.storage.database import Pool, connect, open_pool
from farwatch.storage.findings import insert_findings
from farwatch.storage.tasks import FingerprintTakenError
from tests.support.alerting import NoLease, World, at, smoke, together

WRITERS = 20


@pytest.fixture
async def wide(database_url: str) -> AsyncIterator[Pool]:
    async with open_pool(database_url, size=8) as opened:
        yield opened


async def write(url: str, finding: Finding, gate: asyncio.Barrier) -> None:
    """One writer with a connection of his own, who commits when all others do."""
    connection = await connect(url)
    try:
        async with connection.transaction():
            await insert_findings(connection, [finding])
            await gate.wait()
    finally:
        await connection.close()


async def race(world: World, url: str, findings: list[Finding]) -> None:
    """Writers and two engines, none of which knows of the other: their lease lets both pass, as after a take-over gone wrong."""
    engines = [Engine(world.pool, NoLease(), world.load, {}) for _ in range(2)]
    gate, written = asyncio.Barrier(len(findings)), asyncio.Event()

    async def tick(engine: Engine) -> None:
        while await engine.tick() or not written.is_set():
            pass
        while await engine.tick():
            pass

    async def writers() -> None:
        await together(*(write(url, f, gate) for f in findings))
        written.set()

    await together(writers(), *(tick(e) for e in engines))


def accept_clocks(task: Task) -> dict[int | None, timedelta]:
    return {
        d.matter: d.due_at - next(m.found_at for m in task.matters if m.id == d.matter)
        for d in task.deadlines
        if d.kind is DeadlineKind.ACCEPT
    }


async def test_twenty_writers_of_one_fingerprint_are_one_matter(wide: Pool, database_url: str) -> None:
    world = World(wide)
    findings = [smoke(onset_at=at(-n)) for n in range(WRITERS)]
    await race(world, database_url, findings)
    task = await world.task()
    (matter,) = task.matters
    assert set(matter.findings) == {f.id for f in findings}
    assert len(matter.findings) == WRITERS
    assert len(accept_clocks(task)) == 1
    assert len(await world.events("task_opened")) == 1
    assert len(await world.events("finding_folded")) == WRITERS - 1


async def test_twenty_fingerprints_of_one_enterprise_are_one_visit_of_twenty_matters_with_their_clocks(
    wide: Pool, database_url: str
) -> None:
    world = World(wide)
    await race(world, database_url, [smoke(f"z{n}", camera=f"cam{n}") for n in range(WRITERS)])
    task = await world.task()
    assert {m.fingerprint for m in task.matters} == {f"smoke/cam{n}/z{n}" for n in range(WRITERS)}
    assert all(len(m.findings) == 1 for m in task.matters)
    five = timedelta(seconds=world.policy.task.accept_s)
    assert accept_clocks(task) == {m.id: five for m in task.matters}
    assert (len(await world.events("task_opened")), len(await world.events("matter_joined"))) == (
        1,
        WRITERS - 1,
    )


async def test_what_goes_round_the_lock_is_stopped_by_the_index_and_folds_at_the_next_look(
    wide: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the correlation lock both engines see nothing to fold into: the partial unique index decides, nothing is lost."""
    taken = 0
    save = tasks.save

    async def no_lock(_: object) -> None:
        return None

    async def late_save(connection: object, before: Task | None, after: Task) -> None:
        nonlocal taken
        await asyncio.sleep(0)  # lets the other engine decide first
        try:
            await save(connection, before, after)
        except FingerprintTakenError:
            taken += 1
            raise

    monkeypatch.setattr(tasks, "lock_correlation", no_lock)
    monkeypatch.setattr(tasks, "save", late_save)
    world = World(wide)
    rounds = 10
    for n in range(rounds):
        pair = [smoke(f"z{n}", camera=f"cam{n}", enterprise=None, onset_at=at(-s)) for s in (1, 2)]
        await race(world, database_url, pair)
    matters = [m for t in await world.tasks() for m in t.matters]
    assert sorted(m.fingerprint for m in matters) == sorted(f"smoke/cam{n}/z{n}" for n in range(rounds))
    assert all(len(m.findings) == 2 for m in matters)
    print(f"{taken} of {rounds} decisions came second")  # noqa: T201
