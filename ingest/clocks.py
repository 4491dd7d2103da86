"""How far each station's own clock is from ours, as its live messages show. Pure; O(1) a station.

What a station says arrives at the pace at which its clock runs: received - said stays the same but for the delay on the
way, which is never negative. So the smallest difference over some minutes is the clock's offset. A back-fill runs through
its times faster than time passes and never stays the same for long; one that does (a line that delays everything) is
told from live messages beside it by being further behind.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.domain.reading import ClockOffset, ReadingKind

MEASURED_OVER_S = 300.0
FEWEST_SAMPLES = 5
WIDEST_SPREAD_S = 90.0
SAMPLES_APART_S = 5.0
STALE_AFTER_S = 1800.0
MOST_RUNS = 3
ALLOWED_FOR = timedelta(hours=1)
"""A greater offset is measured and shown, and not allowed for: who is that wrong is late, or in the future. However wrong: who sets
the date back is late for ever, and somebody has to hear of it."""

_SENT_AFTER: dict[ReadingKind, timedelta] = {
    ReadingKind.RTD: timedelta(minutes=5),
    ReadingKind.MIN: timedelta(minutes=45),
}
"""How long after its event time a live value is sent, by the same clock. A packet that was asked for bears our time."""


@dataclass(frozen=True, slots=True)
class Run:
    """Samples that agree, since `since`; `total` counts those of earlier measurements too."""

    since: datetime
    last: datetime
    low_s: float
    high_s: float
    count: int = 1
    total: int = 1


Runs = tuple[Run, ...]
"""At most MOST_RUNS: the station's live messages, and whatever else comes between them."""


def device_time(kind: ReadingKind, ts: datetime, sent_at: datetime | None) -> datetime | None:
    """What the station's clock said when it sent a value, as far as that can be known."""
    if sent_at is not None and kind in _SENT_AFTER and timedelta(0) <= sent_at - ts <= _SENT_AFTER[kind]:
        return sent_at
    return ts if kind is ReadingKind.RTD else None


def observe(runs: Runs, device_at: datetime, received_at: datetime) -> tuple[Runs, ClockOffset | None]:
    """One sample. Gives an offset once a run of them is long enough; that run then begins to be measured anew."""
    sample_s = (received_at - device_at).total_seconds()
    run = next((r for r in runs if _agrees(r, sample_s)), None)
    if run is None:
        return (*_kept(runs, received_at), Run(received_at, received_at, sample_s, sample_s)), None
    if (received_at - run.last).total_seconds() < SAMPLES_APART_S:
        return runs, None
    others = tuple(r for r in runs if r is not run)
    run = _longer(run, sample_s, received_at)
    if (received_at - run.since).total_seconds() < MEASURED_OVER_S or run.count < FEWEST_SAMPLES:
        return (*others, run), None
    if any(_is_doubtful(run, other) for other in others):
        return (*others, run), None
    measured = ClockOffset(run.low_s, run.high_s - run.low_s, received_at)
    return (*others, Run(received_at, received_at, sample_s, sample_s, 1, run.total)), measured


def allowance(offset: ClockOffset) -> timedelta:
    """What is added to the station's times before they are held against ours."""
    said = timedelta(seconds=offset.offset_s)
    return said if abs(said) <= ALLOWED_FOR else timedelta(0)


class StationClocks:
    """What is known of all stations' clocks: `allowances` as they stand in rows, and the samples since."""

    def __init__(self, known: Mapping[str, ClockOffset] | None = None) -> None:
        self._runs: dict[str, Runs] = {}
        self.allowances: dict[str, timedelta] = {mn: allowance(o) for mn, o in (known or {}).items()}

    def of(
        self, samples: Iterable[tuple[str, datetime]], received_at: datetime
    ) -> tuple[dict[str, Runs], dict[str, ClockOffset]]:
        """What these samples (MN, the station's time) change, and the offsets to write."""
        changes: dict[str, Runs] = {}
        measured: dict[str, ClockOffset] = {}
        for mn, device_at in samples:
            runs, offset = observe(changes.get(mn) or self._runs.get(mn, ()), device_at, received_at)
            changes[mn] = runs
            if offset is not None:
                measured[mn] = offset
        return changes, measured

    def adopt(self, changes: Mapping[str, Runs], measured: Mapping[str, ClockOffset]) -> None:
        """After the commit."""
        self._runs.update(changes)
        for mn, offset in measured.items():
            self.allowances[mn] = allowance(offset)


def _agrees(run: Run, sample_s: float) -> bool:
    return max(run.high_s, sample_s) - min(run.low_s, sample_s) <= WIDEST_SPREAD_S


def _longer(run: Run, sample_s: float, at: datetime) -> Run:
    low_s, high_s = min(run.low_s, sample_s), max(run.high_s, sample_s)
    return Run(run.since, at, low_s, high_s, run.count + 1, run.total + 1)


def _kept(runs: Runs, at: datetime) -> Runs:
    """Room for one more: the run that matters least goes."""
    if len(runs) < MOST_RUNS:
        return runs
    least = min(runs, key=lambda r: 0 if _is_stale(r, at) else r.total)
    return tuple(r for r in runs if r is not least)


def _is_doubtful(run: Run, other: Run) -> bool:
    """Another run is heard too that is nearer to now, or has more to say: this one is a back-fill, or a line that delays
    everything."""
    still_heard = (run.last - other.last).total_seconds() < MEASURED_OVER_S
    nearer = other.total > 1 and other.high_s < run.low_s
    return still_heard and (nearer or other.total > run.total)


def _is_stale(run: Run, at: datetime) -> bool:
    return (at - run.last).total_seconds() > STALE_AFTER_S
