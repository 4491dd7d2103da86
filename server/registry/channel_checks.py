"""What is odd about the limits of channels.csv, taken together: warnings, as a person may mean it so."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

from detectors.sensors.gate import MOMENTARY_LEVEL
from farwatch.domain.pollutants import canonical
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Limit
from farwatch.domain.schedule import overlap
from server.registry.channel_lines import PresetUse
from server.registry.entry import Entry
from server.registry.files import CityFiles
from server.registry.problems import Findings

_FILE = "channels.csv"


def check_channels(files: CityFiles, found: Findings) -> None:
    """Adds to `found`."""
    _check_schedules(files.limits, found)
    _check_levels(files.limits, found)
    _check_presets(files.presets, found)


def _check_schedules(limits: Sequence[Entry[Limit]], found: Findings) -> None:
    scheduled: dict[tuple[str, str, str], list[Entry[Limit]]] = defaultdict(list)
    for entry in limits:
        here = entry.value
        if here.schedule and here.limit is not None:
            scheduled[here.mn, here.code, here.kind].append(entry)
    for entries in scheduled.values():
        for one, other in combinations(entries, 2):
            ours, theirs = one.value.schedule, other.value.schedule
            if ours != theirs and overlap(ours, theirs):
                said = f"{theirs} overlaps {ours} of row {one.row}: what came into force last counts there"
                found.warn(_FILE, said, other.row, "schedule")


def _check_levels(limits: Sequence[Entry[Limit]], found: Findings) -> None:
    for entry in limits:
        here = entry.value
        is_momentary = here.kind is ReadingKind.RTD and canonical(here.code) == MOMENTARY_LEVEL
        if is_momentary and here.limit is not None:
            said = "a momentary sound level is never judged: limit Leq of the minute or hour"
            found.warn(_FILE, said, entry.row, "limit")


def _check_presets(presets: Mapping[str, PresetUse], found: Findings) -> None:
    for name, use in sorted(presets.items()):
        if rows := use.unverified_rows:
            many = f" ({len(rows)} rows)" if len(rows) > 1 else ""
            said = (
                f"nobody compared {name} with the standard's text{many}: do so, then write 0 into unverified"
            )
            found.warn(_FILE, said, rows[0], "preset")
