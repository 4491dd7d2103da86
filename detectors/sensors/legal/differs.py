"""The device's own arithmetic against ours: hour means and conversions that nothing which came explains. Pure.

More than 2 % (domain.md §4.7, rule R068 for conversions; the same for means). An honest device may weight by flow or not,
convert each minute or the mean: it is only told of what lies beyond all of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.sensors.legal import means
from detectors.sensors.legal.hours import HourFacts
from detectors.sensors.legal.media import has_own_mean, is_sampled
from farwatch.domain.finding import Param
from farwatch.domain.reading import NORMAL_FLAG, Reading
from farwatch.domain.registry import Channel, Limit
from farwatch.domain.review import History

MEAN_RULE, CONVERSION_RULE = "data_mean_differs", "data_conversion_differs"
TOLERATED = 0.02
COMPLETE_SHARE = 0.9
"""Of an hour's minutes; of what is missing between, the width of what came is granted as well."""
LEAST_SHARE_OF_LIMIT, LEAST_SHARE_OF_SPAN, LEAST = 0.01, 0.005, 0.1
"""Smaller differences are a matter of digits: of the limit, of the analyser's span, in the channel's unit where neither is
known. Ours, so that tiny values accuse nobody."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`agrees` is None where the two cannot be compared."""

    rule: str
    agrees: bool | None
    params: dict[str, Param]


def mean_difference(history: History, hour: HourFacts, limit: Limit | None) -> Difference:
    facts, minutes = hour.facts, hour.minutes
    code, device = facts.channel.code, facts.device
    is_complete = facts.received == facts.valid >= COMPLETE_SHARE * facts.expected
    if (
        not _is_good(device) or device is None or not has_own_mean(code) or code in history.from_rtd
        or not is_complete or facts.own_value is None
    ):  # fmt: skip
        return Difference(MEAN_RULE, None, {})
    values = [r.value for r in minutes]
    ways = [facts.own_value, means.mean(values) or 0.0]
    missing = max(0.0, 1 - facts.received / facts.expected) * (max(values) - min(values))
    least = _least(facts.channel, limit)
    agrees = _lies_among(device.value, ways, least, missing)
    if is_sampled(code):  # its hour may be said to be the sample of the hour's end, or of its begin
        agrees = agrees or any(_lies_among(device.value, [v], least, 0.0) for v in (values[0], values[-1]))
    return Difference(MEAN_RULE, agrees, _params(facts.channel, device.value, facts.own_value))


def conversion_difference(history: History, hour: HourFacts, limit: Limit | None) -> Difference:
    facts, device = hour.facts, hour.facts.device
    reference, o2 = history.station.o2_reference_percent, hour.o2_percent
    nothing = Difference(CONVERSION_RULE, None, {})
    if (
        limit is None
        or not limit.converted
        or not _is_good(device)
        or device is None
        or device.converted is None
    ):
        return nothing
    if reference is None or o2 is None:
        return nothing
    ours = means.converted(device.value, o2, reference)
    dry = [(r.value, hour.o2[r.ts]) for r in hour.minutes if r.ts in hour.o2]
    each = [means.converted(value, percent, reference) for value, percent in dry]
    if ours is None or None in each:
        return nothing
    by_oxygen = (
        means.mean([value for value in each if value is not None]) if len(dry) == len(hour.minutes) else None
    )
    minutes = [r.converted for r in hour.minutes if r.converted is not None]
    by_minute = (
        means.mean(minutes) if facts.own_value is not None and len(minutes) == len(hour.minutes) else None
    )
    ways = [way for way in (ours, facts.own_converted, by_minute, by_oxygen) if way is not None]
    agrees = _lies_among(device.converted, ways, _least(facts.channel, limit), 0.0)
    more: dict[str, Param] = {
        "dry": means.rounded(device.value),
        "o2": means.rounded(o2),
        "o2_reference": reference,
    }
    return Difference(CONVERSION_RULE, agrees, _params(facts.channel, device.converted, ours) | more)


def _is_good(device: Reading | None) -> bool:
    return device is not None and device.flag == NORMAL_FLAG


def _lies_among(value: float, ways: Sequence[float], least: float, more: float) -> bool:
    low, high = min(ways), max(ways)
    return (
        low - max(TOLERATED * abs(low), least) - more
        <= value
        <= high + max(TOLERATED * abs(high), least) + more
    )


def _least(channel: Channel, limit: Limit | None) -> float:
    if limit is not None and limit.limit:
        return LEAST_SHARE_OF_LIMIT * limit.limit
    if channel.range_low is not None and channel.range_high is not None:
        return LEAST_SHARE_OF_SPAN * (channel.range_high - channel.range_low)
    return LEAST


def _params(channel: Channel, device: float, own: float) -> dict[str, Param]:
    share = abs(device - own) / abs(own) if own else 1.0
    return {
        "code": channel.code,
        "device": means.rounded(device),
        "own": means.rounded(own),
        "unit": channel.unit,
        "percent": means.rounded(100 * share, 1),
        "tolerated_percent": 100 * TOLERATED,
    }
