"""A folder of registry files as values, each with the place it was read from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from farwatch.domain.policy import Policy
from farwatch.domain.registry import Camera, Channel, Enterprise, Grid, Limit, Officer, Station, Team, Zone
from farwatch.storage import policy_toml
from server.registry import channel_lines, secret_file
from server.registry.cells import narrow
from server.registry.channel_lines import PresetUse
from server.registry.entry import Entry
from server.registry.problems import Findings, did_you_mean
from server.registry.row import Row
from server.registry.rows import HEADERS, columns
from server.registry.secret_file import Secrets
from server.registry.shapes import GridFeature, ZoneItem
from server.registry.tables import read_table, read_text

REQUIRED = ("enterprises.csv", "stations.csv", "channels.csv", "cameras.csv")
OPTIONAL = ("zones.json", "grids.geojson", "teams.csv", "officers.csv", "policy.toml", "secrets.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class CityFiles:
    """What the files say. An optional file that is not `present` says nothing about its rows."""

    present: frozenset[str]
    enterprises: Sequence[Entry[Enterprise]] = ()
    stations: Sequence[Entry[Station]] = ()
    channels: Sequence[Entry[Channel]] = ()
    limits: Sequence[Entry[Limit]] = ()
    presets: Mapping[str, PresetUse] = field(default_factory=dict)
    cameras: Sequence[Entry[Camera]] = ()
    zones: Sequence[Entry[Zone]] = ()
    grids: Sequence[Entry[Grid]] = ()
    teams: Sequence[Entry[Team]] = ()
    officers: Sequence[Entry[Officer]] = ()
    policy: Policy | None = None
    policy_text: str = ""
    secrets: Secrets = field(default_factory=Secrets)


def read_files(folder: Path) -> tuple[CityFiles, Findings]:
    """Reads all files and notes everything that is wrong with each by itself."""
    found = Findings()
    if not folder.is_dir():
        found.error(str(folder), "is not a folder")
        return CityFiles(present=frozenset()), found
    present = _present(folder, found)

    def table(name: str) -> list[Entry[Any]]:
        return _csv(folder / name, found) if name in present else []

    def shapes(
        name: str, items: Callable[[object], object], model: type[ZoneItem | GridFeature]
    ) -> list[Entry[Any]]:
        return _json(folder / name, items, model, found) if name in present else []

    policy, policy_text = _policy(folder / "policy.toml", found) if "policy.toml" in present else (None, "")
    said = channel_lines.sorted_out(table("channels.csv"), found)
    files = CityFiles(
        present=present,
        enterprises=table("enterprises.csv"),
        stations=channel_lines.with_oxygen(table("stations.csv"), said.presets, found),
        channels=said.channels,
        limits=said.limits,
        presets=said.presets,
        cameras=table("cameras.csv"),
        teams=table("teams.csv"),
        officers=table("officers.csv"),
        zones=shapes("zones.json", lambda content: content, ZoneItem),
        grids=shapes("grids.geojson", _features, GridFeature),
        policy=policy,
        policy_text=policy_text,
        secrets=_secrets(folder / "secrets.toml", found) if "secrets.toml" in present else Secrets(),
    )
    return files, found


def _present(folder: Path, found: Findings) -> frozenset[str]:
    names = {path.name for path in folder.iterdir() if path.is_file()}
    known = {*REQUIRED, *OPTIONAL}
    for name in REQUIRED:
        if name not in names:
            found.error(name, "the file is missing (a header alone is enough where there are no rows)")
    for name in sorted(names - known):
        if (hint := did_you_mean(name, known - names)) and not name.startswith((".", "~")):
            found.warn(name, f"is not a file of the registry{hint}")
    return frozenset(names & known)


def _csv(path: Path, found: Findings) -> list[Entry[Any]]:
    row_type: type[Row] = HEADERS[path.name][0]
    table = read_table(path, columns(path.name), found)
    if table is None:
        found.unreadable.add(path.name)
        return []
    entries: list[Entry[Any]] = []
    for number, cells in table.rows:
        try:
            entries.append(Entry(number, row_type.model_validate(cells).value()))  # type: ignore[attr-defined]
        except ValidationError as error:
            key = narrow(cells.get("mn", cells.get("id", "")))
            found.refused.setdefault(path.name, set()).add(key)
            for problem in error.errors(include_url=False, include_input=False):
                column, message = str(problem["loc"][0]) if problem["loc"] else "", _message(problem)
                if not column:
                    column, _, message = message.partition(": ")
                found.error(path.name, message, number, column)
    return entries


def _features(content: object) -> object:
    if isinstance(content, Mapping) and content.get("type") == "FeatureCollection":
        return content.get("features")
    return None


def _json(
    path: Path, items: Callable[[object], object], model: type[ZoneItem | GridFeature], found: Findings
) -> list[Entry[Any]]:
    text = read_text(path, found)
    if text is None:
        return []
    try:
        content = items(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        found.error(path.name, f"is not JSON: {error.msg}", f"line {error.lineno}")
        return []
    if not isinstance(content, list):
        wanted = "a list of zones" if model is ZoneItem else "a FeatureCollection with features"
        found.error(path.name, f"must be {wanted}")
        return []
    entries: list[Entry[Any]] = []
    for number, item in enumerate(content, 1):
        try:
            entries.append(Entry(f"item {number}", model.model_validate(item).value()))
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                found.error(path.name, _message(problem, model), f"item {number}", _key(problem["loc"]))
        except ValueError as error:
            column, _, message = str(error).partition(": ")
            found.error(path.name, message, f"item {number}", column)
    return entries


def _key(loc: tuple[int | str, ...]) -> str:
    """`polygon point 3` for a place in a list, counted from 1."""
    names = [part for part in loc if isinstance(part, str) and part not in ("Polygon", "MultiPolygon")]
    numbers = [part + 1 for part in loc if isinstance(part, int)]
    return " ".join([".".join(names), *([f"point {numbers[-1]}"] if numbers else [])])


def _message(problem: Mapping[str, Any], model: type[BaseModel] | None = None) -> str:
    kind = problem["type"]
    if kind == "extra_forbidden":
        return f"unknown key{did_you_mean(str(problem['loc'][-1]), model.model_fields if model else ())}"
    if kind in ("string_too_short", "too_short"):
        return "must not be empty"
    if kind == "missing":
        return "is missing"
    return str(problem["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")


def _policy(path: Path, found: Findings) -> tuple[Policy | None, str]:
    text = read_text(path, found)
    if text is None:
        return None, ""
    try:
        return policy_toml.parse(text), text
    except policy_toml.PolicyError as error:
        for problem in error.problems:
            found.error(path.name, problem)
        return None, ""


def _secrets(path: Path, found: Findings) -> Secrets:
    if secret_file.readable_by_others(path):
        found.warn(path.name, f"is readable by other users of this machine: chmod 600 {path.name}")
    text = read_text(path, found)
    try:
        return secret_file.parse(text) if text is not None else Secrets()
    except secret_file.SecretsError as error:
        for problem in error.problems:
            found.error(path.name, problem)
        found.unreadable.add(path.name)
        return Secrets()
