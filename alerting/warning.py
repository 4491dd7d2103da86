"""Early warnings: the enterprise is told and has a window to put it right; a task only if it still stands then."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from alerting import planning
from alerting.correlation import Found
from alerting.steps import CENTRE, Decision, Effect
from farwatch.domain.finding import Finding, Param
from farwatch.storage import dispositions, events, notices, warnings
from farwatch.storage.database import Connection

if TYPE_CHECKING:
    from alerting.ground import Ground
    from alerting.triage import City

WARNED, WARNED_HALF = "warned", "warned_half"

Send = Callable[[Connection, Found, "City", datetime], Awaitable[Decision]]
"""Somebody goes: `triage.send`."""


async def tell(connection: Connection, found: Found, city: "City", now: datetime) -> str:
    """The enterprise is told, unless it was told of this business already: `told` or `warned_already`."""
    finding, ends_at = found.finding, now + timedelta(seconds=city.policy.warn_window_s)
    told = await warnings.tell(
        connection, finding=found.id, fingerprint=finding.fingerprint, enterprise=finding.enterprise, told_at=now,
        window_ends_at=ends_at, drill_id=finding.drill_id, channel=channel_of(finding, city),
    )  # fmt: skip
    if not told:
        return "warned_already"
    window_min = round(city.policy.warn_window_s / 60)
    await notices.add(
        connection, _notice(found.id, finding, city, WARNED, window_min), now, expires_at=ends_at
    )
    await events.append(
        connection, "warning_told", finding=str(found.id), fingerprint=finding.fingerprint,
        enterprise=finding.enterprise, station=finding.station, code=finding.code, window_ends_at=ends_at.isoformat(),
    )  # fmt: skip
    return "told"


async def decide(
    connection: Connection, finding: UUID, city: "City", now: datetime, send: Send
) -> Sequence[Effect]:
    """Cleared when all of it ended in time; a task when it still stood at the window's end, with t1 now. The caller holds the
    correlation lock."""
    warning = await warnings.lock(connection, finding)
    if warning is None:
        return ()
    if not warning.stands:
        await warnings.decide(connection, finding, "cleared", now)
        await events.append(
            connection, "warning_cleared", finding=str(finding), fingerprint=warning.fingerprint
        )
        return ()
    if now < warning.window_ends_at:
        return ()
    stored = await dispositions.read(connection, finding)
    decision = await send(connection, Found(finding, stored.finding, now), city, now)
    await dispositions.dispose(connection, finding, "task", "warning_stood", now)
    return decision.effects


async def reminders(ground: "Ground") -> int:
    """The round that tells once more of what still stands."""
    due = ground.others(await warnings.to_remind(ground.pool, await ground.peek(), ground.most))
    return sum([await ground.attempt(finding, _remind(ground, finding)) for finding in due])


async def _remind(ground: "Ground", finding: UUID) -> bool:
    async with ground.transaction() as (connection, now):
        return await remind(connection, finding, ground.city, now)


async def remind(connection: Connection, finding: UUID, city: "City", now: datetime) -> bool:
    """Told once more when half the window is over; never after somebody answered. False when that was done or is over."""
    ends_at = await warnings.remind(connection, finding, now)
    if ends_at is None:
        return False
    stored = await dispositions.read(connection, finding)
    left_min = max(1, round((ends_at - now).total_seconds() / 60))
    notice = _notice(finding, stored.finding, city, WARNED_HALF, left_min)
    await notices.add(connection, notice, now, expires_at=ends_at)
    await events.append(
        connection, "warning_reminded", finding=str(finding), fingerprint=stored.finding.fingerprint
    )
    return True


def channel_of(finding: Finding, city: "City") -> str | None:
    """The channel by which the enterprise is told first; None when it has none that has a credential."""
    rule, target = city.policy.notices, finding.enterprise or ""
    groups = planning.groups_for(target, rule, city.registry, city.channels, warned=True)
    return next((channel for group in groups for channel in group), None)


def _notice(id: UUID, finding: Finding, city: "City", key: str, window_min: int) -> notices.Notice:
    """To the enterprise, by whatever ways the planner gives it; to the centre, with the reason, when it has none."""
    enterprise = city.registry.enterprises.get(finding.enterprise or "")
    station = city.registry.stations.get(finding.station or "")
    params: Mapping[str, Param] = {
        "enterprise": enterprise.name if enterprise else finding.enterprise,
        "subject": station.name if station else finding.subject,
        "code": finding.code,
        "window_min": window_min,
    }
    told = finding.enterprise if channel_of(finding, city) else None
    return notices.Notice(
        task=None, finding=id, step=key, channel=notices.PAGE, target=told or CENTRE,
        key=key if told else "enterprise_has_no_channel", params=params, drill_id=finding.drill_id,
    )  # fmt: skip
