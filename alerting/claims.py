"""What a phone claims of a deed, told beside when it was received: a deed counts from its receipt, however late it comes. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from alerting.steps import Decision, Log
from farwatch.domain.commitment import commitment
from farwatch.storage.actions import Deed

TOLD_FROM = timedelta(seconds=60)
"""Less than this apart is the network's way, and said of no deed."""
OF_CLOCKS = frozenset({"deadline_breached", "breach_revoked"})
"""Events of a deed's decision that are the clocks' own."""


def beside(decision: Decision, deed: Deed) -> Decision:
    """The same decision, with what the phone said in each event of the deed itself. A refusal becomes an event of its own, and so
    does a deed that changed nothing: an arrival that came too late to count is shown all the same, and every deed is in the log."""
    said = claims(deed)
    if decision.refused or not any(isinstance(e, Log) and e.type not in OF_CLOCKS for e in decision.effects):
        refused = Log("deed_refused", {"reason": decision.reason.key, **said})
        return replace(decision, effects=(*decision.effects, refused))
    effects = tuple(
        replace(e, detail={**e.detail, **said}) if isinstance(e, Log) and e.type not in OF_CLOCKS else e
        for e in decision.effects
    )
    return replace(decision, effects=effects)


def claims(deed: Deed) -> Mapping[str, object]:
    """`received_late_s` when the phone's time is well before the receipt, `claimed_ahead_s` when it is after it: its clock is
    wrong then. `commitment` stands for note and position, which are not in the log."""
    late = deed.received_at - deed.claimed_at
    told: dict[str, object] = {
        "deed": deed.client_id, "action": deed.action, "result": deed.result, "claimed_at": deed.claimed_at.isoformat(),
    }  # fmt: skip
    if late > TOLD_FROM:
        told["received_late_s"] = round(late.total_seconds(), 1)
    elif late < -TOLD_FROM:
        told["claimed_ahead_s"] = round(-late.total_seconds(), 1)
    return {**told, "commitment": commitment(deed.salt, deed.note, deed.position)}
