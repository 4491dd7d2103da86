"""What the rows of channels.csv say together: channels, their limits, and which presets are in use."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from farwatch.domain.registry import Channel, Limit, Station
from server.registry.channel_rows import ChannelLine
from server.registry.entry import Entry
from server.registry.presets import Preset
from server.registry.problems import Findings

_FILE = "channels.csv"


@dataclass(slots=True)
class PresetUse:
    """Which stations use a preset, and in which rows with numbers that nobody has confirmed."""

    preset: Preset
    stations: set[str] = field(default_factory=set)
    unverified_rows: list[int | str] = field(default_factory=list)


@dataclass(slots=True)
class Said:
    """One entry for each channel, where it is named first; one for each limit."""

    channels: list[Entry[Channel]] = field(default_factory=list)
    limits: list[Entry[Limit]] = field(default_factory=list)
    presets: dict[str, PresetUse] = field(default_factory=dict)


def sorted_out(lines: Sequence[Entry[ChannelLine]], found: Findings) -> Said:
    """Notes what rows of one channel contradict each other in. A limit of a row goes before a preset's from the same day."""
    said = Said()
    channels: dict[tuple[str, str], Entry[Channel]] = {}
    for entry in lines:
        line, key = entry.value, (entry.value.channel.mn, entry.value.channel.code)
        first = channels.get(key)
        merged = _merged(first, line.channel, entry.row, found) if first else line.channel
        channels[key] = Entry(first.row if first else entry.row, merged)
        said.limits += [Entry(entry.row, limit) for limit in line.limits]
        if line.preset:
            use = said.presets.setdefault(line.preset.id, PresetUse(line.preset))
            use.stations.add(line.channel.mn)
            if any(limit.unverified for limit in line.filled):
                use.unverified_rows.append(entry.row)
    written = {_key(entry.value) for entry in said.limits}
    said.limits += [
        Entry(entry.row, limit)
        for entry in lines
        for limit in entry.value.filled
        if _key(limit) not in written
    ]
    said.channels = list(channels.values())
    return said


def _key(limit: Limit) -> tuple[object, ...]:
    return limit.mn, limit.code, limit.kind, limit.schedule, limit.valid_from


def _merged(first: Entry[Channel], more: Channel, row: int | str, found: Findings) -> Channel:
    """An empty cell says nothing."""
    known, said = first.value, {}
    for column in ("unit", "range_low", "range_high", "role"):
        before, here = getattr(known, column), getattr(more, column)
        if before not in (None, "") and here not in (None, "") and before != here:
            found.error(
                _FILE, f"{here!r}, but {before!r} in row {first.row}: a channel has one {column}", row, column
            )
        said[column] = here if before in (None, "") else before
    return replace(known, **said)


def with_oxygen(
    stations: Sequence[Entry[Station]], presets: Mapping[str, PresetUse], found: Findings
) -> list[Entry[Station]]:
    """Stations that name no reference oxygen have that of their presets."""
    oxygen: dict[str, set[float]] = defaultdict(set)
    for use in presets.values():
        if use.preset.o2_reference_percent is not None:
            for mn in use.stations:
                oxygen[mn].add(use.preset.o2_reference_percent)
    return [Entry(e.row, _with_oxygen(e, oxygen.get(e.value.mn, set()), found)) for e in stations]


def _with_oxygen(entry: Entry[Station], oxygen: set[float], found: Findings) -> Station:
    station, column = entry.value, "o2_reference_percent"
    said = station.o2_reference_percent
    if said is None and len(oxygen) > 1:
        words = " and ".join(f"{percent:g}" for percent in sorted(oxygen))
        found.error("stations.csv", f"its presets have {words}: say which counts", entry.row, column)
    elif said is None and oxygen:
        return replace(station, o2_reference_percent=min(oxygen))
    elif said is not None and oxygen - {said}:
        (other, *_) = sorted(oxygen - {said})
        found.warn("stations.csv", f"{said:g}, but a preset of this station has {other:g}", entry.row, column)
    return station
