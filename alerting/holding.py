"""What holds a finding back before anybody is sent or told: a silence, or a rule that has to speak several times.

What is held back is kept and shown, and looked at again: at the silence's end, or when the number is full.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from alerting import counting, silencing
from alerting.correlation import Found
from farwatch.storage import dispositions, events, silences
from farwatch.storage.database import Connection

if TYPE_CHECKING:
    from alerting.triage import City


async def silenced(connection: Connection, found: Found, grid: str | None, now: datetime) -> bool:
    """Does a silence hold back what was found in `grid`, from now on? Those count that stand at this moment."""
    running = await silences.running(connection, now)
    if not running:
        return False
    finding = found.finding
    held = silencing.covering(running, finding, grid, now)
    if held is None:
        return False
    silence, _ = held
    await silences.hold_back(connection, found.id, silence.id)
    await events.append(
        connection, "finding_silenced", finding=str(found.id), kind=finding.kind, fingerprint=finding.fingerprint,
        silence=silence.id,
    )  # fmt: skip
    return True


async def counted(
    connection: Connection, found: Found, spoke_at: datetime, city: "City"
) -> tuple[Found, ...] | None:
    """The earlier findings that count together with it, none where its rule need speak only once; None: it is not the n-th yet."""
    rule = counting.rule_for(found.finding, city.policy.n_of_m)
    if rule is None:
        return ()
    since = counting.since(rule, spoke_at)
    stored = await dispositions.counted(connection, found.finding, since, spoke_at)
    if counting.reached(rule, [s.found_at for s in stored], spoke_at) is None:
        return None
    return tuple(Found(s.id, s.finding, s.found_at) for s in stored)
