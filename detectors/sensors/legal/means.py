"""Means and conversions by HJ 212-2017 appendix D. Pure arithmetic."""

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from detectors.sensors.oxygen import O2_OF_AIR_PERCENT, O2_TOO_HIGH_PERCENT

NOTHING_TO_ROUND = 1e15
"""A float of this size has no digits left behind its point, and a Decimal no room for them."""


def mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def energy_mean(levels_db: Sequence[float]) -> float | None:
    """Of sound levels: 10 lg of the mean of 10^(L/10), as an equivalent level is defined. Reckoned from the loudest, for a
    meter that fails says 9999 dB."""
    if not levels_db:
        return None
    loudest = max(levels_db)
    power = math.fsum(10 ** ((level - loudest) / 10) for level in levels_db) / len(levels_db)
    return loudest + 10 * math.log10(power)


def weighted_mean(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Of (value, weight): sum of products over sum of weights; None where nothing has a weight above zero."""
    counted = [(value, weight) for value, weight in pairs if weight > 0]
    total = math.fsum(weight for _, weight in counted)
    return math.fsum(value * weight for value, weight in counted) / total if counted else None


def converted(dry: float, o2_percent: float, reference_percent: float) -> float | None:
    """The dry value at the reference oxygen (折算): C x (21 - reference) / (21 - O2); None from O2_TOO_HIGH_PERCENT on."""
    if o2_percent >= O2_TOO_HIGH_PERCENT:
        return None
    return dry * (O2_OF_AIR_PERCENT - reference_percent) / (O2_OF_AIR_PERCENT - o2_percent)


def rounded(value: float, digits: int = 3) -> float:
    """For showing, by 四舍六入五成双 (GB/T 8170); verdicts compare what was not rounded (全数值比较法)."""
    if abs(value) >= NOTHING_TO_ROUND:
        return value
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN))
