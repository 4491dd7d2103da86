"""The practice city's honest monitors, two hours of them: nobody is told that his arithmetic is wrong."""

import random
from datetime import timedelta

from farwatch.domain.finding import Kind
from farwatch.domain.reading import NORMAL_FLAG, Reading, ReadingKind
from ingest.payloads import Measurement
from simulators.city import make_city
from simulators.monitors import Faults, Monitor, through
from tests.support.histories import HOUR, TEN, a_history, a_limit, reviewed

STEP = timedelta(seconds=10)
CITY = make_city(7, cameras_url="rtsp://127.0.0.1:0")


def readings(sent: list[Measurement]) -> list[Reading]:
    return [
        Reading(
            "MN1", code, m.kind, m.ts, value, m.ts, m.converted.get(code), flag=m.flags.get(code, NORMAL_FLAG)
        )
        for m in sent
        for code, value in m.values.items()
        if m.kind is not ReadingKind.RTD
    ]


def test_honest_monitors_are_not_accused_even_on_a_line_that_loses_messages() -> None:
    for mn, outlet in CITY.plans.items():
        monitor = Monitor(mn, outlet, seed=7)
        made = [m for n in range(-60, 2 * 360 + 2) for m in monitor.step(TEN + n * STEP) if m.ts < HOUR.until]
        for drop in (0.0, 0.04):
            sent = [s.measurement for s in through(Faults(drop=drop), random.Random(1), made)]
            limits = [a_limit(c.code, c.limit, converted=c.converted) for c in outlet.channels if c.limit]
            outcome = reviewed(a_history(readings(sent), *limits))
            assert [f for f in outcome.findings if f.kind is Kind.DATA_FAULT] == []
            assert outcome.verdicts
