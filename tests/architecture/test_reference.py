"""Every setting, metric and command stands in docs/reference or the README."""

import argparse
import re
from pathlib import Path

from server.cli import parser
from server.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
FOLDERS = ("farwatch", "ingest", "detectors", "alerting", "simulators", "server")
METRIC = re.compile(r'(Counter|Gauge|Histogram|GaugeMetricFamily)\(\s*"(farwatch_[a-z0-9_]+)"')


def metrics_in_code() -> set[str]:
    """Names as they are exported: prometheus-client ends every counter in _total."""
    found: set[str] = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for sort, name in METRIC.findall(path.read_text("utf-8")):
                found.add(f"{name}_total" if sort == "Counter" and not name.endswith("_total") else name)
    return found


def test_every_setting_is_documented() -> None:
    text = (REFERENCE / "settings.md").read_text("utf-8")
    assert [n for n in Settings.model_fields if f"`{PREFIX}{n.upper()}`" not in text] == []


def test_every_metric_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"`(farwatch_[a-z0-9_]+)", (REFERENCE / "metrics.md").read_text("utf-8")))
    assert documented == metrics_in_code()


def test_every_command_is_in_the_readme_or_the_reference() -> None:
    (commands,) = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    text = (ROOT / "README.md").read_text("utf-8") + "".join(
        p.read_text("utf-8") for p in REFERENCE.glob("*.md")
    )
    assert [name for name in commands.choices if f"farwatch {name}" not in text] == []
