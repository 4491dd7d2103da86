"""Storms in rows: when one begins, goes on and ends. Whoever calls holds the correlation lock; drills know no storms."""

from typing import TYPE_CHECKING

from alerting import storms
from alerting.correlation import Correlation, FoldInto, Found, OpenNew
from alerting.steps import CENTRE, Notify
from alerting.storms import Begins, Goes
from farwatch.domain.silence import Storm
from farwatch.storage import storms as rows
from farwatch.storage.database import Connection

if TYPE_CHECKING:
    from alerting.triage import City


async def now_running(connection: Connection, found: Found, city: "City") -> Storm | None:
    """The storm that runs at the finding's commit; one that was over by then ends."""
    if found.finding.drill_id is not None:
        return None
    storm = await rows.running(connection)
    if storm and storms.over(storm, city.policy.storm, found.found_at):
        await rows.end(connection, storm, found.found_at)
        return None
    return storm


async def noted(
    connection: Connection, found: Found, correlation: Correlation, storm: Storm | None, city: "City"
) -> tuple[Storm | None, tuple[Notify, ...]]:
    """The storm that the finding's new matter belongs to, and what the centre is told when it begins one."""
    if isinstance(correlation, FoldInto) or found.finding.drill_id is not None:
        return storm, ()
    rule, at, opens = city.policy.storm, found.found_at, isinstance(correlation, OpenNew)
    if storm is None and not opens:
        return None, ()
    count = rows.matters_since if storm else rows.tasks_since
    match storms.decide(storm, await count(connection, storms.since(rule, at), at), rule, at):
        case Begins():
            storm = await rows.begin(connection, at)
            told: tuple[Notify, ...] = (
                Notify("storm", CENTRE, "storm", {"storm": storm.id, "tasks": rule.tasks}),
            )
        case Goes(still=True) if storm:
            await rows.goes_on(connection, storm.id, at)
            told = ()
        case _:
            told = ()
    if storm and opens:
        await rows.count_task(connection, storm.id)
    return storm, told
