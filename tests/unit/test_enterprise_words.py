"""Whatever is said to and about an enterprise has words in both languages."""

import ast
import re
from pathlib import Path

import pytest

from alerting import first_time, visits
from farwatch.domain.leniency import Leniency
from farwatch.storage import penalty, warnings
from farwatch.storage import visits as visit_rows
from tests.unit.test_reason_words import words

ROOT = Path(__file__).parents[2]


def keys_in(module: object, pattern: str) -> set[str]:
    path = getattr(module, "__file__", None)
    assert path
    return set(re.findall(pattern, Path(path).read_text("utf-8"), re.DOTALL))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_suggestion_standing_and_decision_has_words(language: str) -> None:
    known = words(language)
    tree = ast.parse(Path(first_time.__file__).read_text("utf-8"))
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    suggested = {
        "first_time_minor", "first_time_not_minor", "minor", "again", "not_on_list", "not_corrected_yet",
    }  # fmt: skip
    assert suggested <= texts
    standings = keys_in(visits, r'Reason\("([a-z_]+)"')
    assert len(standings) == 5
    wanted = {f"{family}.{key}" for family in ("suggestion", "suggested") for key in suggested}
    wanted |= {f"standing.{key}" for key in standings} | {f"decision.{key}" for key in Leniency}
    assert wanted - known.keys() == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_event_of_the_enterprises_side_has_words(language: str) -> None:
    made = {
        key
        for module in (penalty, warnings, visit_rows)
        for key in keys_in(module, r'events\.append\(\s*connection,\s*"([a-z_]+)"')
    }
    assert {
        "penalty_decided",
        "warning_answered",
        "visit_code_made",
        "visit_scanned",
        "visit_commented",
    } <= made
    assert {f"event.{key}" for key in made | {"warning_reminded"}} - words(language).keys() == set()
