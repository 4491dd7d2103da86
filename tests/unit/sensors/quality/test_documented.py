"""docs/reference/quality.md names every rule, with what follows as shipped; the policy's action names only rules that exist."""

import re
from pathlib import Path

from detectors.sensors.quality import RULES, clones
from detectors.sensors.silence import GATEWAY_RULE, RULE
from farwatch.domain.finding import Tier
from farwatch.domain.policy import SHIPPED

TEXT = (Path(__file__).parents[4] / "docs" / "reference" / "quality.md").read_text("utf-8")
TIERS = {rule.name: rule.tier for rule in RULES} | {
    clones.RULE: Tier.VIOLATION,
    RULE: Tier.FAULT,
    GATEWAY_RULE: Tier.FAULT,
}


def test_every_rule_is_documented_with_what_follows() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \|.*\| (\w+) \|$", TEXT, flags=re.MULTILINE))
    assert told == {name: str(SHIPPED.action_for(name, tier, late=False)) for name, tier in TIERS.items()}


def test_actions_name_rules_and_tiers_that_exist() -> None:
    named = {(rule, tier) for rule, tier in SHIPPED.actions if rule.startswith("data_")}
    assert named <= set(TIERS.items())
