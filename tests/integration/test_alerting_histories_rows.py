"""Random histories over the real database, by engines that are thrown away and killed at any of their writes."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from alerting import clocks
from alerting.actions import Result
from alerting.verifier.layout import Found
from alerting.verifier.rows import deadlines_told, deeds_told, matters_told, moments_told
from farwatch.domain.finding import Finding, Kind, Tier
from farwatch.domain.task import Deadline, DeadlineKind, DeadlineState, Task, TaskState
from farwatch.storage import case_export
from farwatch.storage.database import Pool, snapshot
from tests.support import kills
from tests.support.alerting import WORKS, World, at, early, smoke

OFFICERS = ("near", "far", "lead")
RENEWED = (DeadlineKind.DISPATCH, DeadlineKind.OFFER, DeadlineKind.QUIET)
OFFICERS_DEEDS = ("accept", "decline", "arrive", "handle", "false-alarm", "hand-over")
CENTRES_DEEDS = ("reassign", "excuse", "handle", "false-alarm", "verify", "close")
PENDING, BREACHED, FIRED = DeadlineState.PENDING, DeadlineState.BREACHED, DeadlineState.FIRED

officers = st.sampled_from(OFFICERS)


def finding(kind: str, n: int, s: float) -> Finding:
    if kind == "smoke":
        return smoke(f"z{n}", onset_at=at(s), severity=1 + n)
    if kind == "fault":
        changes = {"rule": "camera_black", "kind": Kind.CAMERA_FAULT, "tier": Tier.FAULT, "severity": 1}
        return smoke("", camera=f"c{n}", onset_at=at(s), **changes)
    return early(station=f"mn{n}", onset_at=at(s))


class Histories(RuleBasedStateMachine):
    """`pool` and `loop` are given by the test, whose loop this thread asks to do the work."""

    pool: Pool
    loop: asyncio.AbstractEventLoop

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=30)

    @initialize()
    def begin(self) -> None:
        self._do(
            self.pool.execute("TRUNCATE tasks, findings, event_queue, heartbeats RESTART IDENTITY CASCADE")
        )
        self._do(self.pool.execute("UPDATE kill SET armed = false"))
        self.world = World(self.pool)
        self.known: dict[tuple[int, Any], Deadline] = {}
        self.standing: list[Finding] = []
        self.found = 0
        self.settled = False

    @rule(kind=st.sampled_from(("smoke", "smoke", "fault", "early")), n=st.integers(0, 2))
    def something_is_found(self, kind: str, n: int) -> None:
        found = finding(kind, n, self.world.s + self.found / 1000)
        self.found += 1
        self._do(self.world.found(found))
        self.standing.append(found)
        self.settled = False

    @rule(which=st.integers(0, 9))
    def something_ends(self, which: int) -> None:
        if self.standing:
            over = self.standing.pop(which % len(self.standing))
            self._do(self.world.end(over, self.world.s))
            self.settled = False

    @rule(s=st.sampled_from((0.5, 16.0, 61.0, 95.0, 301.0, 1900.0)))
    def time_passes(self, s: float) -> None:
        self.world.s += s
        self.settled = False

    @rule(writes=st.one_of(st.none(), st.integers(0, 25)))
    def an_engine_works_until_it_is_killed(self, writes: int | None) -> None:
        self._do(self._work(writes))
        self.settled = writes is None

    async def _work(self, writes: int | None) -> None:
        if writes is not None:
            await self.pool.execute("SELECT setval('writes', 0, false)")
            await self.pool.execute("UPDATE kill SET at = $1, armed = true", writes)
        try:
            await self.world.settle()
        except asyncpg.RaiseError:
            assert writes is not None
        finally:
            await self.pool.execute("UPDATE kill SET armed = false")

    @rule(who=officers, action=st.sampled_from(OFFICERS_DEEDS), to=officers, task=st.integers(1, 3))
    def an_officer_acts(self, who: str, action: str, to: str, task: int) -> None:
        self._act(who, action, task, to=to, position=WORKS, note="换班")

    @rule(action=st.sampled_from(CENTRES_DEEDS), to=officers, task=st.integers(1, 3))
    def the_centre_acts(self, action: str, to: str, task: int) -> None:
        self._act("centre", action, task, to=to, note="电话核实", deadline=DeadlineKind.ACCEPT)

    def _act(self, who: str, action: str, task: int, **more: Any) -> None:
        before = self._do(self.world.tasks())
        done = self._do(self.world.act(who, action, task, **more))
        if done.result is Result.REFUSED:
            assert self._do(self.world.tasks()) == before
        else:
            self.settled = False

    @invariant()
    def rows_are_what_the_rules_allow(self) -> None:
        tasks: list[Task] = self._do(self.world.tasks())
        said = self._do(self._said())
        for task in tasks:
            self._check_clocks(task)
            fired = [d for d in task.deadlines if d.kind is DeadlineKind.ESCALATE and d.state is FIRED]
            assert said["escalated", task.id] == len(fired)
            assert said["task_opened", task.id] == 1
            assert said["task_closed", task.id] == (task.state is TaskState.CLOSED)
            for d in (d for d in task.deadlines if d.kind in clocks.BREACHABLE):
                told = ("deadline_breached", task.id, *d.key), ("breach_revoked", task.id, *d.key)
                assert said[told[0]] - said[told[1]] == (d.state is BREACHED)
        open_ones = [m.fingerprint for task in tasks for m in task.matters if m.closed_at is None]
        assert len(set(open_ones)) == len(open_ones)

    def _check_clocks(self, task: Task) -> None:
        for d in task.deadlines:
            before = self.known.get((task.id, d.key), d)
            if d.kind not in RENEWED:
                assert d.due_at == before.due_at
                assert before.state in (PENDING, BREACHED, d.state)
            assert (d.decided_at is None) is (d.state is PENDING)
            self.known[task.id, d.key] = d
            assert not (self.settled and clocks.is_due(d, at(self.world.s)))
        lost = {key for of, key in self.known if of == task.id} - {d.key for d in task.deadlines}
        assert not lost
        for m in task.matters:
            assert any((d.kind, d.matter) == (DeadlineKind.ACCEPT, m.id) for d in task.deadlines)

    async def _said(self) -> Counter[Any]:
        said: Counter[Any] = Counter()
        for event in await self.world.events():
            name, task = event["type"], event.get("task")
            if name in ("deadline_breached", "breach_revoked"):
                said[name, task, event["deadline"], event["matter"], event.get("step", 0)] += 1
            elif name != "escalated" or "step" in event:
                said[name, task] += 1
        return said

    @invariant()
    def the_verifier_finds_every_case_honest(self) -> None:
        assert self._do(self._told_otherwise()) == []

    async def _told_otherwise(self) -> list[Found]:
        rows = await self.pool.fetch("SELECT id, at, event FROM event_queue ORDER BY id")
        said = [{**row["event"], "n": row["id"], "at": row["at"].isoformat()} for row in rows]
        found: list[Found] = []
        async with snapshot(self.pool) as connection:
            for task in {event["task"] for event in said} - {None}:
                case, events = (
                    await case_export.read(connection, task),
                    [e for e in said if e["task"] == task],
                )
                assert case is not None
                for held in (deeds_told, moments_told, matters_told, deadlines_told):
                    found += held(events, case.facts)
        return found

    @invariant()
    def every_finding_has_one_place(self) -> None:
        row = self._do(
            self.pool.fetchrow(
                "SELECT count(*) AS made, count(disposition) AS decided,"
                " count(*) FILTER (WHERE disposition = 'task') AS sent,"
                " (SELECT count(*) FROM matter_findings) AS kept FROM findings"
            )
        )
        assert row["made"] == self.found
        assert row["sent"] == row["kept"]
        assert not self.settled or row["decided"] == row["made"]


@pytest.mark.timeout(300)
async def test_random_histories_with_engines_that_die_leave_rows_as_the_rules_allow(pool: Pool) -> None:
    await kills.set_up(pool)
    await pool.execute("INSERT INTO teams (id, name, lead) VALUES ('t', 't', 'lead')")
    for who in OFFICERS:
        await pool.execute(
            "INSERT INTO officers (id, name, team, lat, lon) VALUES ($1, $1, 't', 31.2, 121.4)", who
        )
    Histories.pool, Histories.loop = pool, asyncio.get_running_loop()
    bounded = settings(
        max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    await asyncio.to_thread(run_state_machine_as_test, Histories, settings=bounded)
