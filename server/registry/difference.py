"""From what the database holds and what the files say to the changes: pure, so that nothing is written to find out."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from farwatch.domain.policy import Policy
from farwatch.domain.registry import Channel, Limit, Registry, Zone
from farwatch.storage.drawn_zones import Drawn
from farwatch.storage.registry_changes import Changes, LimitsChange
from server.registry.cells import ALWAYS_VALID_FROM, CITY_ZONE
from server.registry.files import CityFiles
from server.registry.periods import change_periods, without_limit

T = TypeVar("T")
Key = tuple[str, ...]
LimitKey = tuple[str, str]
"""Kind and schedule."""
_MOST_NAMES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the database holds: the active rows, the periods of every channel ever known, the policy in force, and by camera
    who drew its zones in the console."""

    active: Registry
    periods: Mapping[tuple[str, str], tuple[Limit, ...]]
    policy: Policy
    drawn: Mapping[str, Drawn] = field(default_factory=dict)


@dataclass(slots=True)
class Difference:
    """`changes` to apply, a line for each in `lines`, `notes` that ask for a look, `errors` that refuse it."""

    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    rows: dict[str, list[Any]] = field(default_factory=dict)
    deactivated: dict[str, list[Key]] = field(default_factory=dict)
    channels: list[Channel] = field(default_factory=list)
    limits: list[LimitsChange] = field(default_factory=list)
    policy_text: str | None = None
    undrawn: list[str] = field(default_factory=list)
    """Cameras whose zones are those of the files again."""

    def changes(self) -> Changes:
        return Changes(
            **self.rows,
            channels=self.channels,
            limits=self.limits,
            deactivated=self.deactivated,
            policy_text=self.policy_text,
        )


def difference(
    stored: Stored, files: CityFiles, *, prune: bool, now: datetime, zones_from_files: bool = False
) -> Difference:
    """`zones_from_files`: also the zones that were drawn in the console become those of the files, without `prune` too."""
    found = Difference()
    kept = _kept_drawings(stored, files, prune, zones_from_files, found)
    for table, file, current, wanted in _tables(stored.active, files, kept):
        if file in files.present:
            _compare(table, file, current, wanted, prune, found)
    _compare_channels(stored, files, prune, now, found)
    if files.policy is not None and files.policy != stored.policy:
        found.policy_text = files.policy_text
        found.lines.append("policy.toml: changed; tasks that are open keep theirs")
    _check_kept(stored.active, files, found)
    return found


def _kept_drawings(
    stored: Stored, files: CityFiles, prune: bool, from_files: bool, found: Difference
) -> Collection[str]:
    """Cameras whose zones were drawn in the console and stay so, whatever the files say; a note tells where they differ."""
    if "zones.json" not in files.present:
        return ()
    of_files: dict[str, dict[str, Zone]] = {
        e.value.id: {} for e in files.cameras if e.value.id in stored.drawn
    }
    for zone in (e.value for e in files.zones if e.value.camera in of_files):
        of_files[zone.camera][zone.name] = zone
    for camera, wanted in of_files.items():
        current = {zone.name: zone for zone in stored.active.zones.get(camera, ())}
        if wanted == current:
            continue
        if from_files:
            found.undrawn.append(camera)
            continue
        if not (wanted or prune):
            continue
        drawn = stored.drawn[camera]
        names = ", ".join(sorted(n for n in wanted | current if wanted.get(n) != current.get(n)))
        found.notes.append(
            f"zones.json: {camera}: drawn in the console by {drawn.by}, {day(drawn.at)}, and kept; the file has otherwise:"
            f" {names} (--zones-from-files takes the file's, export writes what was drawn)"
        )
    return () if from_files else stored.drawn


def _tables(
    active: Registry, files: CityFiles, kept_drawings: Collection[str]
) -> Iterable[tuple[str, str, Mapping[Key, Any], Mapping[Key, Any]]]:
    def by_id(rows: Mapping[str, T]) -> dict[Key, T]:
        return {(key,): row for key, row in rows.items()}

    yield (
        "enterprises",
        "enterprises.csv",
        by_id(active.enterprises),
        {(e.value.id,): e.value for e in files.enterprises},
    )
    yield "stations", "stations.csv", by_id(active.stations), {(e.value.mn,): e.value for e in files.stations}
    yield "cameras", "cameras.csv", by_id(active.cameras), {(e.value.id,): e.value for e in files.cameras}
    yield "teams", "teams.csv", by_id(active.teams), {(e.value.id,): e.value for e in files.teams}
    yield "officers", "officers.csv", by_id(active.officers), {(e.value.id,): e.value for e in files.officers}
    yield "grids", "grids.geojson", by_id(active.grids), {(e.value.id,): e.value for e in files.grids}
    yield (
        "zones",
        "zones.json",
        {
            (z.camera, z.name): z
            for camera, zones in active.zones.items()
            if camera not in kept_drawings
            for z in zones
        },
        {(e.value.camera, e.value.name): e.value for e in files.zones if e.value.camera not in kept_drawings},
    )


def _compare(
    table: str,
    file: str,
    current: Mapping[Key, Any],
    wanted: Mapping[Key, Any],
    prune: bool,
    found: Difference,
) -> None:
    found.rows[table] = [row for key, row in wanted.items() if current.get(key) != row]
    for key, row in wanted.items():
        if key not in current:
            found.lines.append(f"{file}: {' '.join(key)} added")
        elif current[key] != row:
            changed = [f.name for f in fields(row) if getattr(row, f.name) != getattr(current[key], f.name)]
            found.lines.append(f"{file}: {' '.join(key)} changed: {', '.join(changed)}")
    _leave_out(table, file, [key for key in current if key not in wanted], prune, found)


def _leave_out(table: str, file: str, missing: Sequence[Key], prune: bool, found: Difference) -> None:
    replaced = found.undrawn if table == "zones" else ()
    gone = [key for key in missing if prune or key[0] in replaced]
    left = [key for key in missing if key not in gone]
    found.deactivated[table] = gone
    found.lines += [f"{file}: {' '.join(key)} deactivated" for key in gone]
    if left:
        names = ", ".join(" ".join(key) for key in left[:_MOST_NAMES])
        more = f" and {len(left) - _MOST_NAMES} more" if len(left) > _MOST_NAMES else ""
        found.notes.append(f"{file}: {names}{more} not in the file, still active (--prune deactivates)")


def _compare_channels(
    stored: Stored, files: CityFiles, prune: bool, now: datetime, found: Difference
) -> None:
    if "channels.csv" not in files.present:
        return
    rows: dict[tuple[str, str], dict[LimitKey, list[Limit]]] = defaultdict(lambda: defaultdict(list))
    for limit in (entry.value for entry in files.limits):
        rows[limit.mn, limit.code][limit.kind.value, limit.schedule].append(limit)
    for channel in (entry.value for entry in files.channels):
        key = (channel.mn, channel.code)
        _compare_channel(channel, stored.active.channels.get(key), found)
        _compare_limits(key, rows[key], stored.periods.get(key, ()), prune, now, found)
    registered = [key for key, channel in stored.active.channels.items() if channel.registered]
    _leave_out("channels", "channels.csv", [key for key in registered if key not in rows], prune, found)


def _compare_channel(channel: Channel, active: Channel | None, found: Difference) -> None:
    if channel == active:
        return
    name = f"channels.csv: {channel.mn} {channel.code}"
    found.channels.append(channel)
    if active is None:
        found.lines.append(f"{name} added")
        return
    if not active.registered:
        found.lines.append(f"{name} registered; it was only heard so far")
    elif active.unit != channel.unit:
        found.lines.append(f"{name} changed: unit {active.unit} → {channel.unit}")
    else:
        changed = [f.name for f in fields(channel) if getattr(channel, f.name) != getattr(active, f.name)]
        found.lines.append(f"{name} changed: {', '.join(changed)}")
    if active.unit not in ("", channel.unit):
        found.notes.append(f"{name}: values and limits so far are read as {channel.unit} from now on")


def _compare_limits(
    channel: tuple[str, str],
    wanted: Mapping[LimitKey, Sequence[Limit]],
    periods: Sequence[Limit],
    prune: bool,
    now: datetime,
    found: Difference,
) -> None:
    stored: dict[LimitKey, list[Limit]] = defaultdict(list)
    for period in periods:
        stored[period.kind.value, period.schedule].append(period)
    changes = [change_periods(stored.get(key, []), rows, now) for key, rows in wanted.items()]
    for key in [key for key in stored if key not in wanted]:
        gone = without_limit(stored[key], now)
        if gone and prune:
            changes.append(gone)
        elif gone:
            said = " ".join(word for word in (*channel, *key) if word)
            found.notes.append(f"channels.csv: {said} not in the file, its limit stays (--prune ends it)")
    for change in changes:
        if change:
            found.limits.append(change)
            found.lines.append(_limit_line(change))


def _limit_line(change: LimitsChange) -> str:
    steps = [f"{_amount(new)} from {day(new.valid_from)}" for new in change.opens]
    before = f"{_amount(change.closes)} → " if change.closes else ""
    after = ", ".join(steps) or "stays, the periods to come are withdrawn"
    when = f" {change.schedule}" if change.schedule else ""
    return f"channels.csv: {change.mn} {change.code} {change.kind}{when} limit: {before}{after}"


def _amount(limit: Limit) -> str:
    low, high = ("" if bound is None else f"{bound:g}" for bound in (limit.lower, limit.limit))
    return f"{low}–{high}" if low and high else f"≥ {low}" if low else high or "none"


def day(at: datetime) -> str:
    if at == ALWAYS_VALID_FROM:
        return "the beginning"
    local = at.astimezone(CITY_ZONE)
    return f"{local:%Y-%m-%d}" if local.time().isoformat() == "00:00:00" else local.isoformat()


def _check_kept(active: Registry, files: CityFiles, found: Difference) -> None:
    """A row that stays because its optional file is absent must not name one that is deactivated."""
    teams = {key[0] for key in found.deactivated.get("teams", ())}
    officers = {key[0] for key in found.deactivated.get("officers", ())}
    if "grids.geojson" not in files.present:
        _refuse_loss(
            "teams.csv", teams, [(g.id, g.team) for g in active.grids.values()], "grids.geojson", found
        )
    if "officers.csv" not in files.present:
        _refuse_loss(
            "teams.csv", teams, [(o.id, o.team) for o in active.officers.values()], "officers.csv", found
        )
    if "teams.csv" not in files.present:
        _refuse_loss(
            "officers.csv", officers, [(t.id, t.lead) for t in active.teams.values()], "teams.csv", found
        )


def _refuse_loss(
    file: str, lost: set[str], named: Iterable[tuple[str, str | None]], absent: str, found: Difference
) -> None:
    for key, target in named:
        if target in lost:
            found.errors.append(
                f"{file}: {target} would be deactivated, but {key} names it: bring {absent} too"
            )
