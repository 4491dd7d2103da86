"""n of m: a rule that has to speak several times before anybody is sent. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from farwatch.domain.finding import Finding, Reason
from farwatch.domain.policy import NOfM


def rule_for(finding: Finding, rules: Sequence[NOfM]) -> NOfM | None:
    return next((r for r in rules if (r.rule, r.tier) == (finding.rule, finding.tier)), None)


def since(rule: NOfM, found_at: datetime) -> datetime:
    """From when on earlier findings count together with one that was found at `found_at`; this instant too."""
    return found_at - timedelta(seconds=rule.within_s)


def reached(rule: NOfM, earlier: Sequence[datetime], found_at: datetime) -> Reason | None:
    """Is the finding of `found_at`, with the `earlier` ones of its fingerprint and rule, the n-th within the time?"""
    seen = 1 + sum(since(rule, found_at) <= at <= found_at for at in earlier)
    if seen < rule.n:
        return None
    return Reason("n_of_m", {"n": seen, "within_s": rule.within_s})
