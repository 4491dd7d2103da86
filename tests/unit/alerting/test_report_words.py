"""Whatever a report shows has words: the same on paper, on the page and in the reference."""

import ast
import re
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerting.reports import figures, weekly
from alerting.reports.daily import daily
from alerting.reports.figures import COUNTS, FORMULAS, TIMES, Figures
from alerting.reports.monthly import monthly
from alerting.reports.tables import Sort, Table
from alerting.reports.words import KINDS, WORDS, word
from detectors.sensors.legal import differs
from detectors.sensors.quality import RULES, clones
from farwatch.domain.case import Case, Missed, Span
from farwatch.domain.report_facts import Facts, Talker, Visited
from farwatch.domain.review import CITY
from ingest.cameras import health

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs" / "reference" / "reports.md").read_text("utf-8")
BEGIN = datetime(2026, 11, 21, tzinfo=CITY)
DAY = Span(BEGIN, BEGIN + timedelta(days=1), BEGIN + timedelta(days=3))


def at(hours: float) -> datetime:
    return BEGIN + timedelta(hours=hours)


def case(opened_h: float, **changes: Any) -> Case:
    values = {
        "id": 1,
        "severity": 2,
        "opened_at": at(opened_h),
        "event_at": at(opened_h),
        "grid": "g1",
        "kinds": ("smoke",),
    }
    return Case(**{**values, **changes})


CASES = [
    case(8, handle_due_at=at(12), handled_at=at(9), verified_at=at(10), outcome="false_alarm", cameras=("c1",), rules=("smoke",),
         missed=(Missed("accept", at(8.1)),), enterprise="e1"),
    case(9, id=2, verified_at=at(10), outcome="handled", enterprise="e1"),
]  # fmt: skip
FACTS = Facts(
    reported={"smoke": 2}, found={"smoke": 9}, talkers=(Talker("smoke/c1/stack", 9),), warned={"cleared": 1}, cameras=3,
    held_back={"silences": 1, "silenced": 2, "storms": 0}, kept={"penalty": 1, "seals": 24},
    blind_min={"c1": 30.0}, names={"grid": {"g1": "一网格"}},
)  # fmt: skip


def every_table() -> list[Table]:
    return [
        *daily(CASES, FACTS, DAY),
        *weekly.weekly(CASES, FACTS, DAY),
        *monthly(CASES, FACTS, DAY, Figures(), Figures(), [Visited("e1", 2, 5, 1, 4)]),
    ]


def on_the_page(language: str) -> dict[str, str]:
    text = "".join(p.read_text("utf-8") for p in (ROOT / "console" / "src" / "i18n" / language).glob("*.ts"))
    return dict(re.findall(r'^\s*"([\w.-]+)": "(.*)",$', text, re.MULTILINE))


def test_tables_columns_and_keys_have_words() -> None:
    keys: set[str] = set()
    for table in every_table():
        keys |= {f"report.table.{table.key}", *(f"report.column.{c.key}" for c in table.columns)}
        keys |= {table.note} - {""}
        for row in table.rows:
            assert len(row) == len(table.columns)
            keys |= {
                str(cell)
                for cell, c in zip(row, table.columns, strict=True)
                if c.sort is Sort.WORD and str(cell).startswith(("report.", "deadline.", "kind."))
            }
    keys |= {f"report.rate.{f.key}" for f in FORMULAS} | {f"report.time.{t}" for t in TIMES}
    keys |= {
        f"report.count.{k}"
        for k in (*COUNTS, *(f.numerator for f in FORMULAS), *(f.denominator for f in FORMULAS))
    }
    assert {key for key in keys if word(key) == key} == set()
    assert keys - WORDS.keys() - on_the_page("zh").keys() == set()
    assert keys - on_the_page("en").keys() == set()


def test_every_rule_has_a_name_in_both_languages() -> None:
    actions = tomllib.loads((ROOT / "deploy" / "policy.toml").read_text("utf-8"))["actions"]
    rules = {a["rule"] for a in actions} | {r.name for r in RULES}
    rules |= {clones.RULE, differs.MEAN_RULE, differs.CONVERSION_RULE, health.CLOCK_RULE}
    keys = {f"rule.{rule}" for rule in rules - {"*"}}
    assert len(keys) > 45
    assert keys - WORDS.keys() == set()
    assert {k for k in on_the_page("en") if k.startswith("rule.")} == {
        k for k in WORDS if k.startswith("rule.")
    }
    assert [word("rule.limit_rtd"), word("rule.of_the_city")] == ["实时值超标", "of_the_city"]


def test_paper_and_page_say_the_same() -> None:
    page = on_the_page("zh")
    assert {key: text for key, text in KINDS.items() if page.get(key) != text} == {}


def test_the_reference_has_every_formula_and_no_other() -> None:
    found = re.findall(r"^\| `(\w+)` \| (\S+) \| `(\w+)` \| `(\w+)` \|$", REFERENCE, re.MULTILINE)
    assert found == [(f.key, word(f"report.rate.{f.key}"), f.numerator, f.denominator) for f in FORMULAS]
    counted = set(re.findall(r"^\| `(\w+)` \| [^|]+ \| [^`|][^|]* \|$", REFERENCE, re.MULTILINE))
    assert {*COUNTS, *(f.numerator for f in FORMULAS), *(f.denominator for f in FORMULAS)} == counted


def test_every_count_that_is_made_is_one_that_is_shown() -> None:
    tree = ast.parse(Path(figures.__file__).read_text("utf-8"))
    yielded = [n.value for n in ast.walk(tree) if isinstance(n, ast.Yield)]
    made = {n.value for n in yielded if isinstance(n, ast.Constant)}
    assert len(made) > 15
    known = {*COUNTS, *(f.numerator for f in FORMULAS), *(f.denominator for f in FORMULAS)}
    assert made - known == set()
