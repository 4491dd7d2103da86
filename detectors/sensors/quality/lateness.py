"""Data that comes, each time, too late for a task: held back, or dated back (rule 10 of the design). Pure."""

from collections.abc import Iterator

import numpy as np

from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import Scene
from farwatch.domain.reading import Reading

FEWEST = 5
LATE_SHARE = 0.75
IN_TIME_SHARE = 0.75
ONE_BY_ONE = 0.5
"""What came within less than half of the time that it speaks of is a back-fill, after a line was down. All numbers are ours."""


def _minutes(scene: Scene) -> list[Reading]:
    """One of each minute, whichever channel's."""
    by_time = {r.ts: r for code in scene.codes for r in scene.hour(code).readings}
    return [by_time[ts] for ts in sorted(by_time)]


def late(scene: Scene) -> Iterator[Opinion]:
    """Three of four minutes of the hour came late, one after the other: the line was up, and no exceedance of such data ever
    starts a task. What waited for us in an outage of ours is not late (the intake has seen to that)."""
    minutes = _minutes(scene)
    if len(minutes) < FEWEST:
        return
    delayed = [r for r in minutes if r.late]
    if len(delayed) < LATE_SHARE * len(minutes):
        if len(minutes) - len(delayed) >= IN_TIME_SHARE * len(minutes):
            yield Well("", scene.period.ts)
        return
    came = [r.received_at.timestamp() for r in delayed]
    speaks_of_s = (delayed[-1].ts - delayed[0].ts).total_seconds()
    if max(came) - min(came) < ONE_BY_ONE * speaks_of_s:
        return
    behind_s = float(np.median([(r.received_at - r.ts).total_seconds() for r in delayed]))
    params = {"late_percent": round(100 * len(delayed) / len(minutes)), "minutes": round(behind_s / 60)}
    yield Wrong(code="", since=delayed[0].ts, params=params)


RULES = (Rule(name="data_late", look=late, is_of_coming=True),)
