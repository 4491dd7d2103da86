"""Works that are said to stand still, or a probe that measures air, while other channels say otherwise. Pure.

Domain facts §4.7: R093 and handmsg.com 2022/0523.
"""

from collections.abc import Iterator

import numpy as np

from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import AIR_OXYGEN_PERCENT, Scene
from detectors.sensors.quality.series import Bools, Floats, Series, moment
from farwatch.domain.finding import Param
from farwatch.domain.review import MarkLabel

MOST_OF_HOUR = 0.75
"""As many of the hour's minutes must contradict: 45, as a valid hour needs."""

FEWEST = 3
FLOWS_SHARE = 0.5
LOADED_SHARE = 0.3
STOPPED_EMITS_SHARE = 0.5
WARM_WITHIN_C, WARM_FROM_C = 10.0, 40.0
BURNING_OXYGEN_PERCENT = 15.0
"""No numbers are published for these: half the usual flow flows; a third of the usual load is load; half of the limit is
emission; within ten degrees of its usual heat gas is hot; below 15 % of oxygen something burns."""

STOPPED_FLAG = "F"


def most_of(code: str, hour: Series, mask: Bools, params: dict[str, Param], key: str = "") -> Opinion | None:
    if len(hour) < FEWEST:
        return None
    share = float(mask.mean())
    if share >= MOST_OF_HOUR:
        told = {"share_percent": round(100 * share), "readings": len(hour), **params}
        return Wrong(code=code, since=moment(hour.at[mask][0]), params=told, key=key)
    return Well(code, moment(hour.at[~mask][0]))


def _loaded(scene: Scene, at: Floats) -> Bools | None:
    load, usual = scene.of_role("load", at), scene.typical(scene.in_role("load"))
    return None if load is None or not usual else np.asarray(load >= LOADED_SHARE * usual)


def _warm(scene: Scene, at: Floats) -> Bools | None:
    heat, usual = scene.of_role("temperature", at), scene.typical(scene.in_role("temperature"))
    return (
        None
        if heat is None or usual is None or usual < WARM_FROM_C
        else np.asarray(heat >= usual - WARM_WITHIN_C)
    )


def oxygen(scene: Scene) -> Iterator[Opinion]:
    """Oxygen as of air, while gas flows and the works are under load or the gas is hot: air is sucked in, or the probe is
    not in the stack. A furnace that is blown through before it is lit is cold."""
    code = scene.in_role("o2")
    usual = scene.typical(code)
    if (
        code is None
        or not scene.burns()
        or usual is None
        or usual >= AIR_OXYGEN_PERCENT
        or _declared_stopped(scene)
    ):
        return
    hour = scene.hour(code)
    hour = hour.where(hour.ok)
    flows = scene.moving(hour.at, FLOWS_SHARE)
    works = _loaded(scene, hour.at)
    works = _warm(scene, hour.at) if works is None else works
    if flows is None or works is None or not len(hour):
        return
    params: dict[str, Param] = {
        "value": round(float(np.median(hour.value)), 2),
        "other": scene.in_role("flow"),
    }
    if opinion := most_of(code, hour, (hour.value >= AIR_OXYGEN_PERCENT) & flows & works, params):
        yield opinion


def _said_stopped(scene: Scene, code: str, hour: Series) -> Bools:
    stopped = np.array([r.flag == STOPPED_FLAG for r in hour.readings], dtype=np.bool_)
    for mark in scene.history.marks:
        if mark.label == MarkLabel.STOPPED and mark.code in (None, code):
            stopped |= (hour.at >= mark.from_at.timestamp()) & (hour.at < mark.to_at.timestamp())
    return stopped


def _declared_stopped(scene: Scene) -> bool:
    hours = ((code, scene.hour(code)) for code in scene.pollutants())
    return any(len(hour) and _said_stopped(scene, code, hour).any() for code, hour in hours)


def stopped(scene: Scene) -> Iterator[Opinion]:
    """Said to stand still (flag F, or declared), but oxygen burns, the works are under load, or it emits with its usual flow."""
    for code in scene.pollutants():
        hour = scene.hour(code)
        said = _said_stopped(scene, code, hour)
        if len(hour) < FEWEST or said.mean() < MOST_OF_HOUR:
            if len(hour) and hour.ok.mean() >= MOST_OF_HOUR:
                yield Well(code, scene.period.ts)
            continue
        found = None
        for name, other, mask in _signs_of_work(scene, code, hour):
            params: dict[str, Param] = {"other": other}
            opinion = most_of(code, hour, said & mask, params, key=f"data_stopped_{name}")
            found = opinion if isinstance(opinion, Wrong) else found
        yield found if found is not None else Well(code, scene.period.ts)


def _signs_of_work(scene: Scene, code: str, hour: Series) -> Iterator[tuple[str, str | None, Bools]]:
    limit, flows = scene.limit_value(code), scene.moving(hour.at, FLOWS_SHARE)
    if limit and flows is not None:
        yield (
            "emits",
            scene.in_role("flow"),
            flows & (scene.judged(code, hour) >= STOPPED_EMITS_SHARE * limit),
        )
    if (loaded := _loaded(scene, hour.at)) is not None:
        yield "load", scene.in_role("load"), loaded
    oxygen_said = scene.of_role("o2", hour.at)
    if oxygen_said is not None and scene.burns():
        yield (
            "burns",
            scene.in_role("o2"),
            np.asarray((oxygen_said > 0) & (oxygen_said < BURNING_OXYGEN_PERCENT)),
        )


RULES = (
    Rule(name="data_oxygen_of_air", look=oxygen),
    Rule(name="data_stopped_emits", look=stopped),
)
