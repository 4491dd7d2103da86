"""`farwatch registry check | import | export DIR`: read, compare, write, and what to print about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from farwatch.storage import drawn_zones, registry, registry_changes
from farwatch.storage.database import Connection, Pool, transaction
from farwatch.storage.policy_toml import PolicyError
from server.registry import secret_file
from server.registry.checks import check_files
from server.registry.difference import Difference, Stored, difference
from server.registry.export import registry_files
from server.registry.files import CityFiles, read_files
from server.registry.problems import Findings
from server.registry.secret_file import Secrets, SecretsError

_REFUSED = "nothing was imported"
_MOST_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Lines for the operator and the command's exit code. `changes` counts what an import wrote."""

    lines: tuple[str, ...]
    exit_code: int = 0
    changes: int = 0
    version: int | None = None


async def check(folder: Path, data_dir: Path | None = None) -> Report:
    """Reads the files and says everything that is wrong with them; no database is needed."""
    files, found = _read(folder, data_dir)
    problems = _problem_lines(found)
    if found.errors:
        return Report(
            lines=(*problems, f"{len(found.errors)} errors, {len(found.warnings)} warnings"), exit_code=1
        )
    counts = (
        f"{len(files.enterprises)} enterprises, {len(files.stations)} stations, {len(files.limits)} channel rows, "
        f"{len(files.cameras)} cameras, {len(files.zones)} zones, {len(files.grids)} grids, {len(files.teams)} teams, "
        f"{len(files.officers)} officers"
    )
    return Report(lines=(*problems, f"no errors, {len(found.warnings)} warnings: {counts}"))


async def import_(
    folder: Path,
    pool: Pool,
    data_dir: Path,
    *,
    prune: bool,
    now: datetime,
    zones_from_files: bool = False,
    dry_run: bool = False,
) -> Report:
    """Brings the database to what the files say, in one transaction, or changes nothing and says why.

    The secrets are in the data folder before the rows that name them are visible. `zones_from_files`: also over zones that
    were drawn in the console. `dry_run`: only says what it would change.
    """
    files, found = _read(folder, data_dir)
    problems = _problem_lines(found)
    if found.errors:
        return Report(lines=(*problems, f"{len(found.errors)} errors: {_REFUSED}"), exit_code=1)
    async with transaction(pool) as connection:
        await registry_changes.lock(connection)
        try:
            stored = await _stored(connection)
        except PolicyError as error:
            return Report(lines=(f"the stored policy cannot be read: {error}", _REFUSED), exit_code=1)
        changed = difference(stored, files, prune=prune, now=now, zones_from_files=zones_from_files)
        if changed.errors:
            return Report(lines=(*problems, *changed.errors, _REFUSED), exit_code=1)
        if dry_run:
            said = [*problems, *_changed_lines(changed)]
            return Report(
                lines=(*said, f"version {stored.active.version}: {len(changed.lines)} changes would be made")
            )
        return await _write(connection, changed, stored, files.secrets, data_dir, problems, now)


async def export(folder: Path, pool: Pool) -> Report:
    """Writes the active registry and the policy in force into the folder. Secrets stay where they are."""
    async with pool.acquire() as connection:
        city = await registry.load(connection)
        policy = await registry.load_policy(connection)
        text = await registry.policy_text(connection)
    folder.mkdir(parents=True, exist_ok=True)
    files = registry_files(city, policy, text)
    for name, content in files.items():
        fresh = folder / f".{name}.new"
        fresh.touch(mode=0o600)  # names and telephone numbers
        fresh.write_bytes(content)
        fresh.replace(folder / name)
    return Report(
        lines=(f"version {city.version}: {len(files)} files written to {folder}",), version=city.version
    )


def _read(folder: Path, data_dir: Path | None) -> tuple[CityFiles, Findings]:
    files, found = read_files(folder)
    kept = Secrets()
    try:
        kept = secret_file.load_secrets(data_dir) if data_dir else kept
    except SecretsError as error:
        for problem in error.problems:
            found.error(str(data_dir), f"{secret_file.FILE_NAME}: {problem}")
    check_files(files, kept, found)
    return files, found


def _problem_lines(found: Findings) -> list[str]:
    return _some([f"error: {e}" for e in found.errors]) + _some([f"warning: {w}" for w in found.warnings])


async def _stored(connection: Connection) -> Stored:
    return Stored(
        active=await registry.load(connection),
        periods=(await registry.load(connection, inactive=True)).limits,
        policy=await registry.load_policy(connection),
        drawn=await drawn_zones.fetch(connection),
    )


async def _write(
    connection: Connection,
    changed: Difference,
    stored: Stored,
    secrets: Secrets,
    data_dir: Path,
    problems: Sequence[str],
    now: datetime,
) -> Report:
    lines = [*problems, *_changed_lines(changed)]
    count = len(changed.lines)
    kept = secret_file.load_secrets(
        data_dir
    )  # read again: another import may have written before we got the lock
    if kept.merged(secrets) != kept:
        secret_file.save_secrets(data_dir, kept.merged(secrets))
        lines.append(f"secrets.toml: copied to {data_dir}, readable by its owner only")
        count += 1
    if not count:
        version = stored.active.version
        return Report(lines=(*lines, f"version {version}: nothing to change"), version=version)
    await drawn_zones.forget(connection, changed.undrawn)
    version = await registry_changes.apply(connection, changed.changes(), count=count, now=now)
    return Report(lines=(*lines, f"version {version}: {count} changes"), changes=count, version=version)


def _changed_lines(changed: Difference) -> list[str]:
    return _some([f"note: {note}" for note in changed.notes]) + _some(changed.lines)


def _some(lines: Sequence[str]) -> list[str]:
    """A first import has tens of thousands of changes, a wrong column as many errors; nobody reads them all."""
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"... and {more} more"] if more > 0 else [])]
