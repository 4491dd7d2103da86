"""Writers and engines that race: one fingerprint is one matter, one enterprise one visit, whoever comes first."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from alerting import rounds
from alerting.engine import Engine
from alerting.triage import City
from farwatch.domain.finding import Finding
from farwatch.domain.task import DeadlineKind, Task
from farwatch.storage import tasks
from farwatch.storage.database import Connection, Pool, connect, open_pool
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
    """All write at once, then two engines decide about all of it at once, none of which knows of the other: their lease lets both
    pass, as after a take-over gone wrong."""
    gate = asyncio.Barrier(len(findings))
    await together(*(write(url, f, gate) for f in findings))
    engines = [Engine(world.pool, NoLease(), world.load, {}) for _ in range(2)]
    for engine in engines:
        engine.city = City(world.registry, world.policy)
    await together(*(e.attempt(f.id, rounds.dispose(e, f.id)) for f in findings for e in engines))
    while await engines[0].tick() + await engines[1].tick():
        pass


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
    """Without the correlation lock both see nothing to fold into: the partial unique index decides, and nothing is lost."""
    taken: list[str] = []
    both_decided = asyncio.Barrier(2)
    save = tasks.save

    async def no_lock(_: object) -> None:
        return None

    async def late_save(connection: Connection, changes: Sequence[tuple[Task | None, Task]]) -> None:
        if any(before is None for before, _ in changes):
            await both_decided.wait()
        try:
            await save(connection, changes)
        except FingerprintTakenError as error:
            taken.append(str(error))
            raise

    monkeypatch.setattr(tasks, "lock_correlation", no_lock)
    monkeypatch.setattr(tasks, "save", late_save)
    world = World(wide)
    pair = [smoke(onset_at=at(-s)) for s in (1, 2)]
    await race(world, database_url, pair)
    assert taken == [smoke().fingerprint]
    (matter,) = (await world.task()).matters
    assert set(matter.findings) == {f.id for f in pair}
