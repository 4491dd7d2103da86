"""What only shows when all files lie side by side: duplicates, names that lead nowhere, grids that overlap."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from alerting.channels.addresses import problem_with
from alerting.planning import CONTACT
from farwatch.domain import calendar
from farwatch.domain.place import Area
from farwatch.domain.policy import SHIPPED_ACTIONS, NoticeRule, Policy
from farwatch.domain.registry import Attendance
from server.registry.channel_checks import check_channels
from server.registry.entry import Entry
from server.registry.files import CityFiles
from server.registry.problems import Findings, did_you_mean
from server.registry.secret_file import Secrets

T = TypeVar("T")
_MOST_WARNINGS = 20
_MOST_HINTS = 100
"""Each hint compares with every known name: a file of other names altogether would take minutes."""
SERVICE_USER = "farwatch"
"""The broker's user for the service itself; the others are the stations' MNs."""
_OVERLAP_STEPS = 20
"""Overlaps are looked for on a lattice of 20 x 20 points, so that slivers along a common border do not count."""


def check_files(files: CityFiles, kept_secrets: Secrets, found: Findings) -> None:
    """Adds to `found`. `kept_secrets` are those that an earlier import has put into the data folder."""
    _check_duplicates(files, found)
    _check_references(files, found)
    check_channels(files, found)
    _check_secrets(files, kept_secrets, found)
    _check_map(files, found)
    _check_patrol(files, found)
    if files.policy:
        _check_rules(files.policy, found)
        _check_limits(files.policy, found)


def _check_duplicates(files: CityFiles, found: Findings) -> None:
    _once("enterprises.csv", "id", files.enterprises, lambda e: e.id, found)
    _once("stations.csv", "mn", files.stations, lambda s: s.mn, found)
    _once(
        "channels.csv",
        "valid_from",
        files.limits,
        lambda x: (x.mn, x.code, x.kind, *([x.schedule] if x.schedule else []), x.valid_from),
        found,
    )
    _once("cameras.csv", "id", files.cameras, lambda c: c.id, found)
    _once("zones.json", "name", files.zones, lambda z: (z.camera, z.name), found)
    _once("grids.geojson", "id", files.grids, lambda g: g.id, found)
    _once("teams.csv", "id", files.teams, lambda t: t.id, found)
    _once("officers.csv", "id", files.officers, lambda o: o.id, found)


def _once(
    file: str, column: str, entries: Sequence[Entry[T]], key: Callable[[T], Hashable], found: Findings
) -> None:
    first: dict[Hashable, int | str] = {}
    for entry in entries:
        named = key(entry.value)
        if named in first:
            words = " ".join(str(part) for part in named) if isinstance(named, tuple) else str(named)
            before = f"row {first[named]}" if isinstance(first[named], int) else str(first[named])
            found.error(file, f"{words} is in {before} already", entry.row, column)
        first.setdefault(named, entry.row)


def _check_references(files: CityFiles, found: Findings) -> None:
    def lead(
        file: str, column: str, target: str, keys: set[str], names: Iterable[tuple[int | str, str | None]]
    ) -> None:
        known = keys | found.refused.get(target, set())
        for row, name in names:
            if name is not None and name not in known and target not in found.unreadable:
                hint = did_you_mean(name, known) if len(found.errors) < _MOST_HINTS else ""
                found.error(file, f"unknown {column} {name!r}{hint}", row, column)

    enterprises = {e.value.id for e in files.enterprises}
    stations = {s.value.mn for s in files.stations}
    cameras = {c.value.id for c in files.cameras}
    teams = {t.value.id for t in files.teams}
    officers = {o.value.id for o in files.officers}
    of_stations = ((e.row, e.value.enterprise) for e in files.stations)
    of_cameras = ((e.row, e.value.enterprise) for e in files.cameras)
    lead("stations.csv", "enterprise", "enterprises.csv", enterprises, of_stations)
    lead("cameras.csv", "enterprise", "enterprises.csv", enterprises, of_cameras)
    lead("channels.csv", "mn", "stations.csv", stations, ((e.row, e.value.mn) for e in files.channels))
    lead("zones.json", "camera", "cameras.csv", cameras, ((e.row, e.value.camera) for e in files.zones))
    lead("grids.geojson", "team", "teams.csv", teams, ((e.row, e.value.team) for e in files.grids))
    lead("officers.csv", "team", "teams.csv", teams, ((e.row, e.value.team) for e in files.officers))
    lead("teams.csv", "lead", "officers.csv", officers, ((e.row, e.value.lead) for e in files.teams))


def _check_secrets(files: CityFiles, kept: Secrets, found: Findings) -> None:
    if "secrets.toml" in found.unreadable:
        return
    known = kept.merged(files.secrets)
    note = found.error if "secrets.toml" in files.present or kept != Secrets() else found.warn
    for camera in files.cameras:
        for column in ("credential", "start_credential"):
            name = getattr(camera.value, column)
            if name and name not in known.credentials:
                hint = did_you_mean(name, known.credentials)
                note("cameras.csv", f"secrets.toml has no [credentials.{name}]{hint}", camera.row, column)
    for enterprise in files.enterprises:
        name = enterprise.value.contact_channel
        if name and name not in known.channels:
            hint = did_you_mean(name, known.channels)
            note(
                "enterprises.csv",
                f"secrets.toml has no [channels.{name}]{hint}",
                enterprise.row,
                "contact_channel",
            )
    for officer in files.officers:
        name = officer.value.contact_channel
        if name and name not in known.channels:
            hint = did_you_mean(name, known.channels)
            note(
                "officers.csv", f"secrets.toml has no [channels.{name}]{hint}", officer.row, "contact_channel"
            )
    for station in files.stations:
        name = station.value.credential
        if name and name not in known.stations:
            hint = did_you_mean(name, known.stations)
            note("stations.csv", f"secrets.toml has no [stations.{name}]{hint}", station.row, "credential")
    _check_ways_out(files, known, found)
    if "stations.csv" in found.unreadable:
        return
    stations = {s.value.mn for s in files.stations} | found.refused.get("stations.csv", set())
    for mn in sorted(files.secrets.mqtt.keys() - stations - {SERVICE_USER}):
        found.warn("secrets.toml", f"[mqtt.{mn}] is no station{did_you_mean(mn, stations)}")


def _check_patrol(files: CityFiles, found: Findings) -> None:
    on_ground = {e.value.camera for e in files.zones if e.value.purpose == "ground"}
    lines = [
        (
            e.row,
            f"{e.value.id} is on patrol: what is put down in its ground zones between two visits is not found",
        )
        for e in files.cameras
        if e.value.watch is Attendance.PATROL and e.value.id in on_ground
    ]
    _warn_some("cameras.csv", lines, found)


def _check_ways_out(files: CityFiles, known: Secrets, found: Findings) -> None:
    """Addresses that nothing can be sent to, and groups of policy.toml that name a channel without an address."""
    for name, url in sorted(files.secrets.channels.items()):
        if problem := problem_with(url):
            found.error("secrets.toml", f"[channels.{name}]: its url {problem}")
    rule: NoticeRule | None = files.policy.notices if files.policy else None
    for audience in ("officer", "lead", "centre", "city", "enterprise") if rule else ():
        ways = {way for group in getattr(rule, audience) for way in group}
        for name in sorted(ways - {"page", CONTACT} - known.channels.keys()):
            hint = did_you_mean(name, known.channels)
            found.warn("policy.toml", f"[notices] {audience}: secrets.toml has no [channels.{name}]{hint}")


def _check_limits(policy: Policy, found: Findings) -> None:
    """What is stored already is read without this: a calendar that is refused now must not keep anything from starting."""
    for limit in policy.task.handling:
        try:
            calendar.check(limit.amount, limit.unit, policy.calendar)
        except calendar.CalendarError as error:
            found.error("policy.toml", f"task.handling: {limit.kind}: {error}")
    in_days = ", ".join(sorted({x.kind for x in policy.task.handling if x.unit != "hours"}))
    if in_days and not policy.calendar.holidays:
        said = f"[calendar] holidays is empty: limits in working time ({in_days}) count public holidays as worked"
        found.warn("policy.toml", said)


def _check_rules(policy: Policy, found: Findings) -> None:
    known = {rule for rule, _ in SHIPPED_ACTIONS}
    for rule in sorted({rule for rule, _ in policy.actions} - known):
        found.warn("policy.toml", f"actions: no shipped rule is called {rule!r}{did_you_mean(rule, known)}")


def _check_map(files: CityFiles, found: Findings) -> None:
    areas = {e.value.id: (e.row, e.value.area) for e in files.grids}
    overlaps = [
        (areas[b][0], f"{b} overlaps {a}: a place in both belongs to the first by id")
        for a, b in combinations(sorted(areas), 2)
        if overlap(areas[a][1], areas[b][1])
    ]
    _warn_some("grids.geojson", overlaps, found)
    if not areas:
        return
    placed = {
        "stations.csv": [(e.row, e.value.place) for e in files.stations],
        "cameras.csv": [(e.row, e.value.place) for e in files.cameras],
    }
    for file, places in placed.items():
        outside = [
            (row, "lies in no grid: its tasks go to the centre at once")
            for row, place in places
            if not any(area.contains(place) for _, area in areas.values())
        ]
        _warn_some(file, outside, found)


def _warn_some(file: str, lines: Sequence[tuple[int | str, str]], found: Findings) -> None:
    for row, line in lines[:_MOST_WARNINGS]:
        found.warn(file, line, row)
    if len(lines) > _MOST_WARNINGS:
        found.warn(file, f"and {len(lines) - _MOST_WARNINGS} more like these")


Numbers = npt.NDArray[np.float64]


def overlap(a: Area, b: Area) -> bool:
    """Do the areas share ground, slivers along a border apart?"""
    low = np.maximum(*(np.min(_corners(area), axis=0) for area in (a, b)))
    high = np.minimum(*(np.max(_corners(area), axis=0) for area in (a, b)))
    if np.any(low >= high):
        return False
    steps = (np.arange(_OVERLAP_STEPS) + 0.5) / _OVERLAP_STEPS
    lon, lat = np.meshgrid(low[0] + steps * (high[0] - low[0]), low[1] + steps * (high[1] - low[1]))
    return bool(np.any(_inside(a, lon.ravel(), lat.ravel()) & _inside(b, lon.ravel(), lat.ravel())))


def _corners(area: Area) -> Numbers:
    return np.array([point for rings in area.polygons for point in rings[0]], dtype=np.float64)


def _inside(area: Area, lon: Numbers, lat: Numbers) -> npt.NDArray[np.bool_]:
    """Even-odd rule over all rings at once: holes count themselves out."""
    inside = np.zeros(lon.shape, dtype=np.bool_)
    for rings in area.polygons:
        for ring in rings:
            x, y = np.array(ring, dtype=np.float64).T[:, :, None]
            x2, y2 = np.roll(x, 1, axis=0), np.roll(y, 1, axis=0)
            spans = (y > lat) != (y2 > lat)
            rise = np.where(y2 == y, 1.0, y2 - y)
            crossings = spans & (lon < (x2 - x) * (lat - y) / rise + x)
            inside ^= np.logical_xor.reduce(crossings, axis=0)
    return inside
