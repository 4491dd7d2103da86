"""A mean that was flagged away though what it is made of is normal (domain facts §4.7: R093, R098). Pure."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from detectors.sensors.in_force import own_limit
from detectors.sensors.limit import judged_value
from detectors.sensors.quality.codes import kind_of
from detectors.sensors.quality.opinion import Opinion, Rule, Wrong
from detectors.sensors.quality.remarked import all_parts, broken, is_enough, normal_parts
from detectors.sensors.quality.scene import Scene
from farwatch.domain.finding import Param, Severity, Tier
from farwatch.domain.reading import NORMAL_FLAG, Reading


def _is_normal(scene: Scene, code: str, parts: Sequence[Reading]) -> bool:
    """Of water one abnormal value makes the period abnormal."""
    is_water = kind_of(code).startswith("w")
    return is_enough(scene, code, parts) and not (is_water and len(parts) < len(all_parts(scene, code)))


def flagged_away(scene: Scene) -> Iterator[Opinion]:
    """An hour (a day) that the device flags other than N while enough of its minutes (hours) are N for it to be normal, by
    HJ 212-2017 appendix C, and it or they break the limit: nothing is judged then. Each is found at its receipt, and stands."""
    period = scene.period
    for code in scene.codes:
        said = scene.history.of(code, period.kind, period.ts, period.until)
        limit = own_limit(scene.history.limits.get(code, ()), period.kind, period.ts)
        parts = normal_parts(scene, code)
        if not said or said[-1].flag == NORMAL_FLAG or limit is None or not _is_normal(scene, code, parts):
            continue
        values = [v for r in parts if (v := judged_value(r, limit)) is not None]
        means = [judged_value(said[-1], limit), fmean(values) if len(values) == len(parts) else None]
        over = [(v, bound) for v in means if v is not None and (bound := broken(v, limit)) is not None]
        if not over:
            continue
        value, bound = over[0]
        params: dict[str, Param] = {
            "value": round(value, 3), "limit": bound, "unit": limit.unit, "flag": said[-1].flag, "count": len(parts),
            "reading": str(period.kind), "at": period.ts.isoformat(),
        }  # fmt: skip
        yield Wrong(code=code, since=said[-1].received_at, params=params, stands=True)


RULES = (Rule(name="data_flagged_away", look=flagged_away, tier=Tier.VIOLATION, severity=Severity.MAJOR),)
