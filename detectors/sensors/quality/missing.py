"""Data that does not come: a channel, a stretch of time, or only flagged values (domain facts §4.7: 缺失, R042, DataMiss). Pure."""

from collections.abc import Iterator

import numpy as np

from detectors.sensors.quality.codes import is_pollutant, is_slow
from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import LOOK_BACK, Scene
from detectors.sensors.quality.series import Floats, Series, moment
from farwatch.domain.finding import Param
from farwatch.domain.reading import ReadingKind

SPEAKS_SHARE = 0.75
"""Of the expected minutes: the station speaks."""

SLOWEST_S = 4 * 3600.0
"""Ours: so far apart are two analyses of water at the most."""

GAP_INTERVALS = 2.5
SCATTERED_SHARE = 0.10
"""A gap misses two readings in a row, or a tenth of the hour here and there; in an outage of ours, one."""

INVALID_SHARE = 0.25
"""More than a quarter of the window is not valid: below the 75 % that the bureau assesses by (domain facts §4.6)."""

FAULT_FLAGS = frozenset("DTB")
"""Fault, above range, no link to the analyser. Stopped, maintenance and calibration are conditions, not faults."""

FEWEST_WINDOW = 30
CLOCK_WELL_SHARE = 0.75


def _interval_s(scene: Scene, at: Floats) -> float:
    said = scene.history.station.minute_interval_min
    return said * 60.0 if said else float(np.median(np.diff(at)))


def _spoken(scene: Scene) -> Floats:
    """When anything came, by minutes; by hours where the station sends no minutes."""
    by_minutes = [scene.minutes(code).at for code in scene.codes]
    at = np.unique(np.concatenate(by_minutes)) if by_minutes else np.empty(0)
    if len(at) > 2:
        return at
    by_hours = [scene.hours(code).at for code in scene.codes]
    return np.unique(np.concatenate(by_hours)) if by_hours else np.empty(0)


def _pause_s(code: str, minutes: Series, hours: Series) -> float:
    """How long before this hour a channel may have spoken last: a slow analyser says something when it has analysed."""
    if not is_slow(code):
        return 0.0
    at = np.union1d(minutes.at, hours.at)
    longest_s = float(np.diff(at).max()) if len(at) > 1 else SLOWEST_S
    return 0.0 if longest_s < 3600 else min(longest_s, SLOWEST_S)


def channel(scene: Scene) -> Iterator[Opinion]:
    """A channel that has spoken says nothing for an hour in which its station speaks."""
    start_s = scene.period.ts.timestamp()
    spoken = _spoken(scene)
    if len(spoken) < 3:
        return
    expected = (scene.period.until.timestamp() - start_s) / _interval_s(scene, spoken)
    if np.count_nonzero(spoken >= start_s) < SPEAKS_SHARE * expected:
        return
    for code in scene.codes:
        minutes, hours = scene.minutes(code), scene.hours(code)
        minutely = len(minutes) > 0
        # An hour's own mean may come after this review; one that says only hours is asked for the hour before.
        asked_s = start_s - max(0.0 if minutely else 3600.0, _pause_s(code, minutes, hours))
        series = minutes if minutely else hours
        if not len(series):
            continue
        heard = max(series.at[-1], hours.at[-1] if len(hours) else 0.0)
        if heard >= asked_s:
            again = series.at[series.at >= asked_s]
            since = moment(again[0]) if len(again) else scene.period.ts
            yield Well(code, since, began_by=moment(heard))
        elif minutely or len(hours) >= 12:
            silent_hours = round((scene.period.until.timestamp() - series.at[-1]) / 3600, 1)
            yield Wrong(
                code=code, since=moment(series.at[-1] + series.interval_s), params={"hours": silent_hours}
            )


def gap(scene: Scene) -> Iterator[Opinion]:
    """A stretch for which nothing came from the whole station, though something did before and after. Where it lies in an
    outage of ours the reason says so: the line may have lost what the station did send."""
    spoken = _spoken(scene)
    if len(spoken) < 3:
        return
    interval_s = _interval_s(scene, spoken)
    start_s, until_s = scene.period.ts.timestamp(), scene.period.until.timestamp()
    ends = np.flatnonzero((spoken[1:] >= start_s) & (np.diff(spoken) > 1.5 * interval_s)) + 1
    holes = [(float(spoken[n - 1]) + interval_s, float(spoken[n])) for n in ends]
    lost = sum(round((until - since) / interval_s) for since, until in holes)
    noticed = [h for h in holes if h[1] - h[0] > (GAP_INTERVALS - 1) * interval_s or _ours(scene, *h)]
    if noticed:
        since_s, end_s = noticed[0][0], noticed[-1][1]
    elif lost >= max(2.0, SCATTERED_SHARE * (until_s - start_s) / interval_s):
        since_s, end_s = start_s, until_s
    else:
        return
    params: dict[str, Param] = {"missing": lost, "minutes": round((end_s - since_s) / 60, 1)}
    key = "data_gap_ours" if _ours(scene, since_s, end_s) else ""
    yield Wrong(code="", since=moment(since_s), until=moment(end_s), params=params, key=key)


def _ours(scene: Scene, since_s: float, until_s: float) -> bool:
    return any(a.timestamp() < until_s and b.timestamp() > since_s for a, b in scene.history.outages)


def valid_rate(scene: Scene) -> Iterator[Opinion]:
    """The device itself flags more than a quarter of six hours as faulty."""
    for code in filter(is_pollutant, scene.codes):
        minutes = scene.minutes(code)
        if (
            len(minutes) < FEWEST_WINDOW
            or minutes.at[-1] - minutes.at[0] < 0.9 * LOOK_BACK[ReadingKind.MIN].total_seconds()
        ):
            continue
        begin = moment(minutes.at[0])
        faulty = np.array([r.flag in FAULT_FLAGS for r in minutes.readings])
        if faulty.mean() > INVALID_SHARE:
            flag = minutes.readings[int(np.flatnonzero(faulty)[-1])].flag
            valid = round(100 * float(1 - faulty.mean()))
            yield Wrong(code=code, since=begin, params={"valid_percent": valid, "flag": flag})
        else:
            yield Well(code, scene.period.ts, began_by=begin)


def clock(scene: Scene) -> Iterator[Opinion]:
    """The station's clock is off by more than a minute (R042); well again below three quarters of that."""
    offset_s = scene.history.clock_offset_s
    if offset_s is None:
        return
    if abs(offset_s) > scene.rule.clock_drift_s:
        yield Wrong(code="", since=scene.period.ts, params={"offset_s": round(offset_s, 1)})
    elif abs(offset_s) < CLOCK_WELL_SHARE * scene.rule.clock_drift_s:
        yield Well("", scene.period.until)


RULES = (
    Rule(name="data_missing", look=channel),
    Rule(name="data_gap", look=gap),
    Rule(name="data_valid_rate", look=valid_rate),
    Rule(name="data_clock_drift", look=clock, is_of_coming=True),
)
