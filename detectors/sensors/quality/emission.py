"""Emission that goes on where other channels say that none can, or that nobody counts. Pure.

Domain facts §4.7: R065, R072, R085, R100.
"""

from collections.abc import Iterator

import numpy as np

from detectors.sensors.quality.codes import PARTICULATES, kind_of
from detectors.sensors.quality.contradictions import FEWEST, FLOWS_SHARE, most_of
from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import Scene
from detectors.sensors.quality.series import Bools, Series
from farwatch.domain.finding import Param

EMITS_SHARE = 0.3
"""Of the limit; no number is published."""

NO_LOAD_SHARE = 0.01

SLOWEST_M_S, FASTEST_M_S = 5.0, 30.0
"""Outside, particulates are not measured rightly (R085)."""

SMALLEST_AMOUNT_KG = 0.1
"""Of an hour: a smaller one may be rounded to nought."""


def _emits(scene: Scene, code: str, hour: Series) -> Bools | None:
    limit, flows = scene.limit_value(code), scene.moving(hour.at, FLOWS_SHARE)
    if not limit or flows is None:
        return None
    return np.asarray(hour.ok & flows & (scene.judged(code, hour) >= EMITS_SHARE * limit))


def load_zero(scene: Scene) -> Iterator[Opinion]:
    """No load, but emission with the usual flow goes on (R072, R100)."""
    load = scene.in_role("load")
    usual = scene.typical(load)
    if load is None or not usual:
        return
    for code in scene.pollutants():
        hour = scene.hour(code)
        said, emits = scene.of_role("load", hour.at), _emits(scene, code, hour)
        if said is None or emits is None:
            continue
        if opinion := most_of(code, hour, emits & (said <= NO_LOAD_SHARE * usual), {"other": load}):
            yield opinion


def treatment_off(scene: Scene) -> Iterator[Opinion]:
    """Every treatment unit says 0, stopped (SBn-RS), while the outlet emits with its usual flow."""
    units = [c for c in scene.codes if c.startswith("SB") and c[2:].isdigit() and len(scene.minutes(c))]
    if not units:
        return
    for code in scene.pollutants():
        hour = scene.hour(code)
        emits = _emits(scene, code, hour)
        if emits is None:
            continue
        for unit in units:
            # A unit may say its state only when that changes.
            emits &= scene.minutes(unit).at_times(hour.at, 6 * 3600.0) == 0
        if opinion := most_of(code, hour, emits, {"other": units[0], "count": len(units)}):
            yield opinion


def velocity(scene: Scene) -> Iterator[Opinion]:
    """Gas too slow or too fast to measure particulates in, while the works run."""
    code = scene.in_role("velocity")
    if code is None or not any(kind_of(c) in PARTICULATES for c in scene.codes):
        return
    hour = scene.hour(code)
    hour = (
        hour.where(hour.ok & scene.running(hour))
        if scene.in_role("o2") and scene.burns()
        else hour.where(hour.ok & (hour.value > FASTEST_M_S))
    )
    if len(hour) < FEWEST:
        return
    params: dict[str, Param] = {
        "value": round(float(np.median(hour.value)), 2),
        "low": SLOWEST_M_S,
        "high": FASTEST_M_S,
    }
    if opinion := most_of(code, hour, (hour.value < SLOWEST_M_S) | (hour.value > FASTEST_M_S), params):
        yield opinion


_SECONDS = {"m3/s": 1.0, "m3/h": 1 / 3600, "m³/s": 1.0, "m³/h": 1 / 3600, "L/s": 1.0, "L/h": 1 / 3600}


def zero_amount(scene: Scene) -> Iterator[Opinion]:
    """The hour's emission is nought though concentration and flow are not (R065)."""
    flow = scene.in_role("flow")
    if flow is None or scene.channel(flow).unit not in _SECONDS:
        return
    per_second = _SECONDS[scene.channel(flow).unit]
    for code in scene.pollutants():
        hour, flows = scene.hours(code).within(scene.period.ts, scene.period.until), scene.hours(flow)
        said = [r.amount for r in hour.readings if r.amount is not None]
        if not said or not hour.ok.all() or scene.channel(code).unit not in ("mg/m3", "mg/m³", "mg/L"):
            continue
        amount_kg = float(hour.value[0]) * float(flows.at_times(hour.at, 0.0)[0]) * per_second * 3600 * 1e-6
        if said[0] == 0 and amount_kg >= SMALLEST_AMOUNT_KG:
            params: dict[str, Param] = {
                "value": float(hour.value[0]),
                "expected_kg": round(amount_kg, 2),
                "other": flow,
            }
            yield Wrong(code=code, since=scene.period.ts, params=params)
        elif said[0] > 0:
            yield Well(code, scene.period.ts)


RULES = (
    Rule(name="data_load_zero", look=load_zero),
    Rule(name="data_treatment_off", look=treatment_off),
    Rule(name="data_velocity", look=velocity),
    Rule(name="data_zero_amount", look=zero_amount),
)
