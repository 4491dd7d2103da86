"""Early warnings: the enterprise is told and has a window to put it right; a task only if it still stands then."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from alerting.correlation import Found
from alerting.steps import CENTRE, Decision, Effect
from farwatch.domain.finding import Finding, Param
from farwatch.storage import dispositions, events, notices, warnings
from farwatch.storage.database import Connection

if TYPE_CHECKING:
    from alerting.triage import City

APPRISE = "apprise"

Send = Callable[[Connection, Found, "City", datetime], Awaitable[Decision]]
"""Somebody goes: `triage.send`."""


async def tell(connection: Connection, found: Found, city: "City", now: datetime) -> str:
    """The enterprise is told, unless it was told of this business already: `told` or `warned_already`."""
    finding, ends_at = found.finding, now + timedelta(seconds=city.policy.warn_window_s)
    told = await warnings.tell(
        connection, finding=found.id, fingerprint=finding.fingerprint, enterprise=finding.enterprise, told_at=now,
        window_ends_at=ends_at, drill_id=finding.drill_id,
    )  # fmt: skip
    if not told:
        return "warned_already"
    await notices.add(connection, _notice(found.id, finding, city), now)
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


def _notice(finding_id: UUID, finding: Finding, city: "City") -> notices.Notice:
    """To the enterprise by its own channel; to the centre's page, with the reason, when it has none."""
    enterprise = city.registry.enterprises.get(finding.enterprise or "")
    station = city.registry.stations.get(finding.station or "")
    channel = enterprise.contact_channel if enterprise else ""
    params: Mapping[str, Param] = {
        "enterprise": enterprise.name if enterprise else finding.enterprise,
        "subject": station.name if station else finding.subject,
        "code": finding.code,
        "window_min": round(city.policy.warn_window_s / 60),
    }
    has_channel = channel in city.channels
    return notices.Notice(
        task=None, finding=finding_id, step="warned", channel=APPRISE if has_channel else notices.PAGE,
        target=channel if has_channel else CENTRE, key="warned" if has_channel else "enterprise_has_no_channel",
        params=params, drill_id=finding.drill_id,
    )  # fmt: skip
