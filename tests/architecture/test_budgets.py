"""Sizes that keep every file readable: 400 lines a file, 50 lines a function, tests at least as heavy as code."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("farwatch", "ingest", "detectors", "alerting", "simulators", "server")
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
PYTHON = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
PAGES = sorted(path for pattern in ("*.ts", "*.vue") for path in (ROOT / "console" / "src").rglob(pattern))


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_no_file_is_longer_than_400_lines() -> None:
    assert {str(p.relative_to(ROOT)): lines(p) for p in PYTHON + PAGES if lines(p) > LONGEST_FILE} == {}


def test_no_function_is_longer_than_50_lines() -> None:
    long = {}
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    long[f"{path.relative_to(ROOT)}:{node.name}"] = length
    assert long == {}


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert [p.name for p in PYTHON if p.stem in {"utils", "util", "helpers", "misc", "common"}] == []


def test_every_module_says_what_it_is_for() -> None:
    assert [
        str(p.relative_to(ROOT)) for p in PYTHON if not ast.get_docstring(ast.parse(p.read_text("utf-8")))
    ] == []


def test_broad_excepts_stand_only_at_the_named_boundaries() -> None:
    """The per-detector boundary, the notifier boundary, jobs beside the clocks (ADR 0059), and the lease's watch, which may
    vouch for nothing after any error."""
    allowed = {
        "ingest/cameras",
        "alerting/outbox.py",
        "alerting/forwarding.py",
        "alerting/channels/",
        "farwatch/storage/leases.py",
        "server/roles/side_jobs.py",
    }
    found = [
        str(path.relative_to(ROOT))
        for path in PYTHON
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
        )
    ]
    assert [name for name in found if not any(name.startswith(a) for a in allowed)] == []
