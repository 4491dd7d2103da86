"""A curve that is another outlet's (domain facts §4.7: R091, identical shapes). Pure.

Compared are the changes from hour to hour over a day: what the sun and the shifts do to all works alike is slow, so that
two honest outlets differ there, while a copy, also a scaled or shifted one, does not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from detectors.sensors.quality.codes import is_pollutant, kind_of
from farwatch.domain.finding import Finding, FindingEnded, Kind, Param, Reason, Severity, Tier, finding_id
from farwatch.domain.judging import Outcome
from farwatch.domain.registry import Registry
from farwatch.domain.review import HourCurve

RULE = "data_clone"
VERSION = "clones/1"
WINDOW = timedelta(hours=24)
HOURS = 24

CORRELATION = 0.999
EQUAL_SHARE = 0.9
FEWEST_HOURS, FEWEST_VALUES, FEWEST_CHANGES = 18, 12, 15
"""No number is published. Changes that correlate by more than 0.999 over most of a day, or nine of ten hours equal
digit by digit, with at least twelve different values: chance and common weather do neither."""

NEAR = 0.7
"""Missing hours lower the product; who comes near is compared exactly."""

AT_ONCE = 1000
BLOCKS, FEWEST_IN_BLOCK = 4, 4
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pair:
    """The curve at `index` says what the one at `other` says."""

    index: int
    other: int
    correlation: float
    equal_share: float


def judge(
    registry: Registry,
    curves: Sequence[HourCurve],
    open_onsets: Mapping[tuple[str, str], datetime],
    until: datetime,
) -> Outcome:
    """Over the 24 hours before `until`, pollutant by pollutant; `open_onsets` are clones that stand, by (MN, code). The
    finding is on the later MN of two; which of them is the copy people have to find out."""
    findings: list[Finding] = []
    compared: set[tuple[str, str]] = set()
    copies: set[tuple[str, str]] = set()
    for same_code in _by_code(registry, curves):
        kept = [c for c in same_code if _speaks(c)]
        compared |= {(c.mn, c.code) for c in kept}
        matrix = np.array([[np.nan if v is None else v for v in c.values] for c in kept], dtype=np.float64)
        for pair in pairs(matrix, [c.mn for c in kept]) if len(kept) > 1 else ():
            copy, source = kept[pair.index], kept[pair.other]
            copies.add((copy.mn, copy.code))
            if (copy.mn, copy.code) not in open_onsets:
                findings.append(_finding(registry, copy, source, pair, until))
    ended = [
        FindingEnded(finding_id(RULE, Tier.VIOLATION, f"{mn}/{code}", onset_at), max(onset_at, until))
        for (mn, code), onset_at in open_onsets.items()
        if (mn, code) in compared and (mn, code) not in copies
    ]
    return Outcome(tuple(findings), tuple(ended))


def _by_code(registry: Registry, curves: Sequence[HourCurve]) -> Iterator[list[HourCurve]]:
    groups: dict[tuple[str, bool], list[HourCurve]] = {}
    for curve in sorted(curves, key=lambda c: (c.mn, c.code)):
        station, channel = registry.stations.get(curve.mn), registry.channels.get((curve.mn, curve.code))
        if channel is not None and not channel.registered:
            continue
        if station is not None and is_pollutant(curve.code):
            groups.setdefault((kind_of(curve.code), station.drill), []).append(curve)
    yield from groups.values()


def _speaks(curve: HourCurve) -> bool:
    said = [v for v in curve.values if v is not None]
    return len(said) >= FEWEST_HOURS and len(set(said)) >= FEWEST_VALUES


def pairs(values: Floats, owners: Sequence[str]) -> Iterator[Pair]:
    """Rows of the matrix (NaN: no hour) that say what an earlier row of another owner says, each with the first of them.

    A matrix product finds the candidates: of 2,000 rows four million products of 23 numbers.
    """
    changes = np.diff(values, axis=1)
    unit, names = _unit(changes), np.array(owners)
    signed = _same_blocks(values)
    for start in range(0, len(unit), AT_ONCE):
        near = unit[start : start + AT_ONCE] @ unit.T
        for index in range(start, start + len(near)):
            alike = near[index - start, :index] > NEAR
            alike[signed[index]] = True
            candidates = np.flatnonzero(alike & (names[:index] != names[index]))
            if len(candidates) and (pair := _first_equal(values, changes, index, candidates)) is not None:
                yield pair


def _same_blocks(values: Floats) -> list[list[int]]:
    """Of each row the first earlier rows that say some quarter of the day digit by digit: a copy in which an hour or two were
    changed has such a quarter still, though its changes correlate no more."""
    first: dict[tuple[int, bytes], int] = {}
    found: list[list[int]] = []
    for index, row in enumerate(values):
        blocks = [
            (n, block)
            for n, block in enumerate(np.array_split(row, BLOCKS))
            if len(np.unique(block)) >= FEWEST_IN_BLOCK
        ]
        keys = [(n, block.tobytes()) for n, block in blocks if not np.isnan(block).any()]
        found.append([first[key] for key in keys if key in first])
        for key in keys:
            first.setdefault(key, index)
    return found


def _unit(changes: Floats) -> Floats:
    """Each row centred and of length one, so that products are correlations; missing hours count as no change."""
    told = ~np.isnan(changes)
    zeroed = np.where(told, changes, 0.0)
    centred = np.where(
        told, zeroed - zeroed.sum(axis=1, keepdims=True) / np.maximum(told.sum(axis=1, keepdims=True), 1), 0.0
    )
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: Floats = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    return unit


def _first_equal(values: Floats, changes: Floats, index: int, candidates: Indices) -> Pair | None:
    """Exactly compared over the hours that both have."""
    both = ~np.isnan(changes[candidates]) & ~np.isnan(changes[index])
    count = np.maximum(both.sum(axis=1), 1)
    one, two = np.where(both, changes[index], 0.0), np.where(both, changes[candidates], 0.0)
    one = np.where(both, one - (one.sum(axis=1) / count)[:, None], 0.0)
    two = np.where(both, two - (two.sum(axis=1) / count)[:, None], 0.0)
    length = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    correlation = np.divide((one * two).sum(axis=1), length, out=np.zeros(len(candidates)), where=length > 0)
    hours = np.maximum((~np.isnan(values[candidates]) & ~np.isnan(values[index])).sum(axis=1), 1)
    equal = (values[candidates] == values[index]).sum(axis=1) / hours
    same = (count >= FEWEST_CHANGES) & ((correlation > CORRELATION) | (equal >= EQUAL_SHARE))
    if not same.any():
        return None
    first = int(np.argmax(same))
    return Pair(index, int(candidates[first]), float(correlation[first]), float(equal[first]))


def _finding(registry: Registry, copy: HourCurve, source: HourCurve, pair: Pair, until: datetime) -> Finding:
    station = registry.stations[copy.mn]
    params: dict[str, Param] = {
        "code": copy.code, "other_station": source.mn, "other": source.code, "correlation": round(pair.correlation, 5),
        "equal_percent": round(100 * pair.equal_share), "hours": HOURS,
    }  # fmt: skip
    return Finding(
        rule=RULE,
        kind=Kind.DATA_FAULT,
        tier=Tier.VIOLATION,
        place=station.place,
        onset_at=until - WINDOW,
        severity=Severity.MAJOR,
        reason=Reason(RULE, params),
        enterprise=station.enterprise,
        station=copy.mn,
        code=copy.code,
        drill_id="standing" if station.drill else None,
        detector={"version": VERSION},
    )
