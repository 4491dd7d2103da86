"""Whatever the code gives as a reason has words in both languages, and those name only parameters that the code knows."""

import ast
import re
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from alerting import messages
from alerting.clocks import BREACHABLE
from farwatch.domain.policy import EvidenceRule
from farwatch.domain.pollutants import BY_CODE, CODE_OF_2005
from farwatch.domain.review import MarkLabel, Verdict
from farwatch.domain.task import Outcome, TaskState
from farwatch.storage.camera_status import CameraState
from ingest.rtsp.errors import Problem
from ingest.rtsp.frames import Codec
from server.web.zone_shapes import NewZone

ROOT = Path(__file__).parents[2]
I18N = ROOT / "console" / "src" / "i18n"
DETECTING = ("detectors", "ingest")
A_FINDING = re.compile(r"(data|gateway)_[a-z0-9_]*")
# Names of this shape in the detectors that are no reasons.
UNSEEN = frozenset({"not_due"})
"""Refusals of the engine's own events: nobody asked for them."""
NO_REASONS = frozenset({"data_fault", "data_comes"})


@cache
def words(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in (I18N / language).glob("*.ts"):
        found |= dict(re.findall(r'^\s*"([\w.-]+)": "(.*)",$', file.read_text("utf-8"), re.MULTILINE))
    return found


@cache
def sources(*folders: str) -> list[ast.AST]:
    return [
        ast.parse(p.read_text("utf-8")) for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))
    ]


def texts_in(tree: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def reasons_made_in(*folders: str) -> set[str]:
    """Every text in the first argument of a Reason, and every name that looks like a rule about data."""
    found: set[str] = set()
    for tree in sources(*folders):
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Reason"
                and node.args
            ):
                found |= texts_in(node.args[0])
        found |= {text for text in texts_in(tree) if A_FINDING.fullmatch(text)}
    return found - NO_REASONS


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_of_a_finding_has_words(language: str) -> None:
    made = reasons_made_in(*DETECTING)
    assert {"smoke_seen", "under_limit", "data_constant", "data_remarked", "gateway_silent"} <= made
    known = {key.removeprefix("reason.") for key in words(language) if key.startswith("reason.")}
    begun = {key for key in made if key.endswith("_")}  # the rest is a variable
    assert made - begun - known == set()
    assert {key for key in begun if not any(k.startswith(key) for k in known)} == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_words_of_a_finding_name_only_parameters_that_the_code_fills_in(language: str) -> None:
    filled = {text for tree in sources(*DETECTING) for text in texts_in(tree)}
    named = {
        blank
        for key, text in words(language).items()
        if key.startswith("reason.")
        for blank in re.findall(r"\{(\w+)\}", text)
    }
    assert named - filled == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_dispatch_has_words(language: str) -> None:
    tree = ast.parse((ROOT / "alerting" / "dispatch.py").read_text("utf-8"))
    calls = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "Reason"
    ]
    made = {text for call in calls if call.args for text in texts_in(call.args[0])}
    assert made
    assert {key for key in made if f"dispatch.{key}" not in words(language)} == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_verdict_its_reason_and_every_condition_has_words(language: str) -> None:
    known = words(language)
    legal = {text for tree in sources("detectors/sensors/legal") for text in texts_in(tree)}
    reasons = {key.removeprefix("verdict_reason.") for key in known if key.startswith("verdict_reason.")}
    assert reasons <= legal, "words for reasons that nobody gives"
    assert {v for v in Verdict if f"verdict.{v}" not in known} == set()
    assert {m for m in MarkLabel if f"mark.{m}" not in known} == set()


def test_every_code_that_the_server_knows_has_a_name_on_the_pages() -> None:
    text = (I18N / "pollutants.ts").read_text("utf-8")
    assert set(re.findall(r"^  (\w+): \[", text, re.MULTILINE)) >= set(BY_CODE)
    assert dict(re.findall(r'\["(\w+)", "(\w+)"\]', text[text.index("codesOf2005") :])) == CODE_OF_2005


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_way_that_evidence_is_lost_or_ends_early_has_words(language: str) -> None:
    known = {key.removeprefix("lost.") for key in words(language) if key.startswith("lost.")}
    told = {text for tree in sources("ingest/cameras", "farwatch/storage") for text in texts_in(tree)}
    made = known - {key for key in known if key.startswith("quota_")}
    assert made <= {word for text in told for word in re.findall(r"\w+", text)}, "words for what nobody says"
    assert {f"quota_{field.name.removesuffix('_gb')}" for field in fields(EvidenceRule)} <= known
    assert {
        "disk_full",
        "store_failed",
        "not_playable",
        "copy_failed",
        "copy_too_slow",
        "stream_changed",
    } <= made


A_KEY = re.compile(r"[a-z]+(_[a-z0-9]+)*")
KEEPING = ("filming", "footage", "muxing", "clips", "copies", "recording", "workshop", "sending")


def texts_returned_by(tree: ast.AST, *names: str) -> set[str]:
    """Keys among what the functions of these names return; of no name: those of all that may return a text."""
    found: set[str] = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or function.returns is None:
            continue
        if function.name in names or (not names and "str" in ast.unparse(function.returns).split(" | ")):
            found |= {text for r in ast.walk(function) if isinstance(r, ast.Return) for text in texts_in(r)}
    return {text for text in found if A_KEY.fullmatch(text)}


def texts_told_to(tree: ast.AST, *names: str) -> set[str]:
    """Keys among the arguments of calls of these names, methods or not."""
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    named = [c for c in calls if getattr(c.func, "attr", getattr(c.func, "id", "")) in names]
    given = [*(a for c in named for a in c.args), *(k.value for c in named for k in c.keywords)]
    return {text for value in given for text in texts_in(value) if A_KEY.fullmatch(text)}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_that_ends_a_clip_or_loses_evidence_has_words(language: str) -> None:
    known = {key.removeprefix("lost.") for key in words(language) if key.startswith("lost.")}
    made: set[str] = set()
    for tree in sources("ingest/cameras"):
        made |= texts_told_to(tree, "ClipLost", "lose_pending", "mark_lost")
        made |= {text for text in texts_told_to(tree, "stop") if "_" in text}
    for module in KEEPING:
        path = ROOT / "ingest" / "cameras" / f"{module}.py"
        made |= texts_returned_by(ast.parse(path.read_text("utf-8"))) if path.exists() else set()
    assert {"camera_lost", "worker_restarted", "too_many_bytes"} <= made
    assert made - known == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_that_a_camera_may_be_has_words(language: str) -> None:
    known = words(language)
    health = ast.parse((ROOT / "ingest" / "cameras" / "health.py").read_text("utf-8"))
    (judging,) = [n for n in ast.walk(health) if isinstance(n, ast.FunctionDef) and n.name == "status_of"]
    constants = {
        t.id: texts_in(n.value)
        for n in ast.walk(health)
        if isinstance(n, ast.Assign)
        for t in n.targets
        if isinstance(t, ast.Name)
    }
    made = {text for text in texts_in(judging) if A_KEY.fullmatch(text)}
    made |= {text for n in ast.walk(judging) if isinstance(n, ast.Name) for text in constants.get(n.id, ())}
    said = (ROOT / "farwatch" / "storage" / "camera_status.py").read_text("utf-8")
    made |= set(re.findall(r"THEN '(\w+)' ELSE reason", said)) | set(Problem)
    made |= {text for tree in sources("ingest/cameras") for text in texts_told_to(tree, "CameraStatus")}
    assert {"no_picture", "worker_away", "not_watched"} <= made
    assert {key for key in made if f"cause.{key}" not in known} == set()
    assert {state for state in CameraState if f"camera.{state}" not in known} == set()
    assert "cause.never_seen" in known


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_zone_and_codec_has_words(language: str) -> None:
    known = words(language)
    for purpose in get_args(NewZone.model_fields["purpose"].annotation):
        assert {f"purpose.{purpose}", f"purpose_does.{purpose}"} <= known.keys()
    assert {codec for codec in Codec if f"codec.{codec}" not in known} == set()


def called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def keys_given_to(name: str, place: int, *folders: str) -> set[str]:
    """Keys in argument `place` of calls of this name (a method's too); what a variable makes is left out."""
    found: set[str] = set()
    for tree in sources(*folders):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and len(node.args) > place and called(node) == name:
                found |= texts_in(node.args[place])
    return {key for key in found if A_KEY.fullmatch(key)}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_that_refuses_a_deed_has_words(language: str) -> None:
    made = keys_given_to("refuse", 1, "alerting")
    assert {"wrong_state", "same_officer", "unknown_officer", "nothing_to_excuse", "too_far"} <= made
    assert {key for key in made - UNSEEN if f"error.{key}" not in words(language)} == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_that_somebody_is_told_has_words_on_the_page_and_in_messages(language: str) -> None:
    made = keys_given_to("Notify", 2, "alerting")
    made |= {f"breached_{kind}" for kind in BREACHABLE} | {f"done_{o}" for o in ("handled", "false_alarm")}
    made |= {"escalated", "escalated_arrive"}
    assert {"offered", "withdrawn", "handover_asked", "task_ceased", "offer_lapsed"} <= made
    assert made - messages.KEYS == set()
    assert {key for key in made if f"notice.{key}" not in words(language)} == set()


TYPE_AT = {"Log": 0, "Event": 0, "append": 1}
"""Where an event's type stands among the arguments of what makes one."""


def event_types() -> set[str]:
    """All that reach the log. A type that is a constant counts for itself, one that is a variable for each word of two parts in
    the function around it."""
    found: set[str] = set()
    for tree in sources("alerting", "farwatch", "ingest", "server"):
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found |= _types_made_by(function, _constants(tree))
    return {text for text in found if A_KEY.fullmatch(text)}


def _constants(tree: ast.AST) -> dict[str, set[str]]:
    assigned = [n for n in ast.iter_child_nodes(tree) if isinstance(n, ast.Assign)]
    return {t.id: texts_in(n.value) for n in assigned for t in n.targets if isinstance(t, ast.Name)}


def _types_made_by(function: ast.AST, constants: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            said = {
                k.value: v for k, v in zip(node.keys, node.values, strict=True) if isinstance(k, ast.Constant)
            }
            found |= {text for text in texts_in(said["type"]) if "_" in text} if "type" in said else set()
        if not isinstance(node, ast.Call) or len(node.args) <= TYPE_AT.get(called(node), 99):
            continue
        given = node.args[TYPE_AT[called(node)]]
        if isinstance(given, ast.Name):
            found |= constants.get(given.id) or {text for text in texts_in(function) if "_" in text}
        else:
            found |= texts_in(given)
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_event_has_words_and_no_other(language: str) -> None:
    made = event_types()
    assert {
        "task_reassigned",
        "silence_set",
        "camera_worker_away",
        "event_refused",
        "event_set_aside",
        "custody",
    } <= made
    assert {key.removeprefix("event.") for key in words(language) if key.startswith("event.")} == made


def test_every_event_is_documented() -> None:
    text = "".join(p.read_text("utf-8") for p in (ROOT / "docs" / "reference").glob("*.md"))
    assert {type_ for type_ in event_types() if f"`{type_}`" not in text} == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_step_outcome_and_deadline_has_words(language: str) -> None:
    known = words(language)
    assert {f"outcome.{o}" for o in Outcome} | {f"state.{s}" for s in TaskState} <= known.keys()
    assert {f"deadline.{kind}" for kind in BREACHABLE} <= known.keys()
    assert {f"escalate.{to}" for to in ("next_officer", "lead", "centre", "city")} <= known.keys()
    assert {f"dispatch.{why}" for why in ("reassigned", "not_accepted", "not_arrived")} <= known.keys()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_that_a_channel_may_answer_has_words(language: str) -> None:
    made = keys_given_to("Failed", 0, "alerting") | {"no_channel", "all_failed", "expired"}
    assert {"timeout", "not_reached", "bad_address"} <= made
    assert {key for key in made if f"notice_error.{key}" not in words(language)} == set()


def test_no_key_has_its_words_in_two_files() -> None:
    for language in ("zh", "en"):
        first: dict[str, str] = {}
        for file in sorted((I18N / language).glob("*.ts")):
            for key in re.findall(r'^\s*"([\w.-]+)":', file.read_text("utf-8"), re.MULTILINE):
                assert key not in first, f"{key} is in {first.get(key)} and {file.name}"
                first[key] = file.name
