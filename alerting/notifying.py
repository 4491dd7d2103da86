"""The planner: which ways the notices of pages go besides, written down as notices of their own. Rows in, rows out."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerting import planning
from alerting.digests import STORM
from alerting.planning import Audience, Plan, Standing, Way
from alerting.steps import CENTRE
from farwatch.domain.policy import NoticeRule
from farwatch.domain.registry import Registry
from farwatch.storage import events, notices
from farwatch.storage.database import Connection
from farwatch.storage.notice_attempts import Queued
from farwatch.storage.notices import Notice, ToPlan

MOST = 100
STORM_EVERY = timedelta(seconds=60)
OURSELVES = (Audience.CENTRE, Audience.CITY)
"""Nobody is left to tell that they are not reached."""
TO_BE_PHONED = {"no_channel": "enterprise_has_no_channel", "all_failed": "enterprise_not_reached"}


@dataclass(frozen=True, slots=True)
class Reach:
    """What plans look at: the registry, the rule, and the names of the channels that have a credential."""

    registry: Registry
    rule: NoticeRule
    known: Collection[str]


async def plan_due(connection: Connection, reach: Reach, now: datetime) -> int:
    """Plans what is due; returns how many notices it looked at. The caller has checked the lease."""
    due = await notices.to_plan(connection, now, MOST)
    for page in due:
        await _plan(connection, page, reach, now)
    return len(due)


async def _plan(connection: Connection, page: ToPlan, reach: Reach, now: datetime) -> None:
    notice = page.notice
    ways = await notices.ways_of(connection, notice)
    standing = Standing(
        notice.group_no, page.state, notice.urgent,
        tuple(Way(w["channel"], w["state"], w["error"] is not None) for w in ways),
    )  # fmt: skip
    warned = notice.of_warning
    groups = planning.groups_for(notice.target, reach.rule, reach.registry, reach.known, warned=warned)
    plan = planning.plan(standing, groups, reach.rule.fall_through_s, now)
    for channel in plan.send:
        await _send(connection, page, channel, plan, reach, now)
    await notices.planned(connection, page.id, plan.group_no, plan.plan_at, plan.unheard or None)
    audience = planning.audience_of(notice.target, reach.registry, warned=warned)
    if plan.unheard and audience not in OURSELVES:
        await (_have_it_phoned if warned else _tell_centre)(connection, notice, plan.unheard, now)


async def _send(
    connection: Connection, page: ToPlan, channel: str, plan: Plan, reach: Reach, now: datetime
) -> None:
    notice = replace(page.notice, channel=channel, group_no=plan.group_no - 1)
    at = None
    if notice.step.startswith(STORM):
        at = await notices.storm_slot(connection, notice, now, STORM_EVERY)
    too_old_at = page.created_at + timedelta(seconds=reach.rule.expire_s)
    expires_at = min(too_old_at, page.expires_at or too_old_at)
    await notices.add(connection, notice, now, expires_at=expires_at, at=at)


async def _tell_centre(connection: Connection, notice: Notice, reason: str, now: datetime) -> None:
    """Once for each task and person: nobody but the centre can reach him now."""
    told = replace(
        notice, step=f"unheard:{notice.target}", channel=notices.PAGE, target=CENTRE, key=f"unheard_{reason}",
        params={"officer": notice.target}, group_no=0,
    )  # fmt: skip
    if await notices.add(connection, told, now) and notice.task is not None:
        await events.append(
            connection,
            "notice_unheard",
            task=notice.task,
            officer=notice.target,
            step=notice.step,
            reason=reason,
        )


async def _have_it_phoned(connection: Connection, notice: Notice, reason: str, now: datetime) -> None:
    """The same of an enterprise, for each time that it is told of a warning."""
    told = replace(
        notice, step=f"lost:{notice.step}", channel=notices.PAGE, target=CENTRE, key=TO_BE_PHONED[reason], group_no=0
    )  # fmt: skip
    if await notices.add(connection, told, now):
        await events.append(
            connection, "warning_unheard", finding=str(notice.finding), enterprise=notice.target, step=notice.step,
            reason=reason,
        )  # fmt: skip


async def reached(connection: Connection, message: Queued) -> None:
    """A message was taken, perhaps at another try: whom it told of a warning need not be phoned."""
    for finding, enterprise in await notices.calls_spared(connection, message.id):
        await events.append(
            connection,
            "warning_reached",
            finding=str(finding),
            enterprise=enterprise,
            channel=message.channel,
        )
