"""No rule fires on honest works: days of a boiler by hypothesis, and the practice city's own monitors."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sensors.quality import review
from farwatch.domain.policy import Policy
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Channel, Limit
from farwatch.domain.review import History, period_of
from simulators.city import make_city
from simulators.city_names import TRADES
from simulators.monitors import Monitor
from tests.support.quality_honest import HONEST

BEGIN = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", HONEST)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_an_honest_day_has_no_finding(name: str, seed: int) -> None:
    day, registered = HONEST[name]
    station, channels, limits = registered()
    rows = {key: tuple(readings) for key, readings in day(seed, BEGIN).items()}
    for hour in range(30, 54):
        period = period_of(ReadingKind.HOUR, BEGIN + timedelta(hours=hour))
        history = History(
            station=station, channels=channels, limits=limits, readings=rows, clock_offset_s=3.0
        )
        outcome = review(history, period, Policy(), period.until + timedelta(minutes=10))
        assert [(f.rule, f.code, f.onset_at, dict(f.reason.params)) for f in outcome.findings] == []


@pytest.mark.parametrize("trade", [t for t in TRADES if t.outlets], ids=lambda t: t.id)
@pytest.mark.parametrize("seed", [1, 7])
def test_the_practice_city_is_honest(trade: object, seed: int) -> None:
    city = make_city(seed, cameras_url="rtsp://127.0.0.1:1")
    begin = BEGIN + timedelta(hours=54)
    for station in city.stations_of(trade.id):  # type: ignore[attr-defined]
        monitor = Monitor(station.mn, city.plans[station.mn], seed)
        told: dict[tuple[str, ReadingKind], list[Reading]] = {}
        for m in monitor.history(begin, hours=54, minutes=54 * 60):
            for code, value in m.values.items():
                row = Reading(
                    mn=m.mn,
                    code=code,
                    kind=m.kind,
                    ts=m.ts,
                    value=value,
                    received_at=m.ts,
                    converted=m.converted.get(code),
                )
                told.setdefault((code, m.kind), []).append(row)
        channels = {
            p.code: Channel(
                mn=station.mn,
                code=p.code,
                unit=p.unit,
                range_low=0,
                range_high=3 * p.limit if p.limit else None,
            )
            for p in city.plans[station.mn].channels
        }
        limits: dict[str, tuple[Limit, ...]] = {}
        for x in city.limits:
            if x.mn == station.mn:
                limits[x.code] = (*limits.get(x.code, ()), x)
        rows = {key: tuple(readings) for key, readings in told.items()}
        for hour in range(30, 54, 3):
            period = period_of(ReadingKind.HOUR, BEGIN + timedelta(hours=hour))
            history = History(station=station, channels=channels, limits=limits, readings=rows)
            outcome = review(history, period, Policy(), period.until)
            assert [(f.rule, f.code, dict(f.reason.params)) for f in outcome.findings] == []
