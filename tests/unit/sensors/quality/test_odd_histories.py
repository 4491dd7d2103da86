"""Whatever rows there are, no rule stumbles over them: an error would set the station's legal hour aside as well."""

import warnings
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.sensors.quality import review
from detectors.sensors.quality.series import Series
from farwatch.domain.policy import Policy
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Channel, Limit
from farwatch.domain.review import History, Mark, MarkLabel, Revision
from tests.support.quality import HOUR, STATION, UNTIL, limit

CODES = (
    "a21026", "a21002", "a34013", "02", "a19001", "a00000", "a01012", "a01014", "a01011", "a24088", "a25002", "w01018", "w21003",
    "w21001", "w01017", "w01001", "w00000", "SB1", "SB2", "e1", "fan", "pur", "Leq", "a21026_Cou", "x?",
)  # fmt: skip
ROLES = {"e1": "load", "fan": "fan", "pur": "purifier"}
VALUES = st.sampled_from([0.0, -0.0, -5.0, 1e-300, 0.5, 7.0, 20.9, 40.0, 41.5, 99.9, 100.0, 65535.0, 1e12])

channels = st.lists(st.sampled_from(CODES), unique=True, max_size=8)
bounds = st.sampled_from([None, 0.0, -10.0, 25.0, 100.0])


@st.composite
def columns(draw: st.DrawFn, code: str, kind: ReadingKind) -> tuple[Reading, ...]:
    """Readings at odd times: none, a few, or many, of a few values that recur."""
    step = draw(st.sampled_from([1, 1, 5, 10, 60, 120])) * (60 if kind is ReadingKind.HOUR else 1)
    count = draw(st.sampled_from([0, 1, 2, 3, 12, 48, 360]))
    palette = draw(st.lists(VALUES, min_size=1, max_size=5))
    flags = draw(st.sampled_from(["N", "NNNF", "F", "NT", "D", "NM", "BTDC"]))
    until: datetime = UNTIL if kind is ReadingKind.MIN else HOUR.ts + timedelta(hours=1)
    rows = []
    for n in range(count, 0, -1):
        ts = until - timedelta(minutes=n * step)
        value = palette[(n * n) % len(palette)]
        rows.append(
            Reading(
                mn="MN1", code=code, kind=kind, ts=ts, value=value, received_at=ts, flag=flags[n % len(flags)],
                converted=None if n % 3 == 0 else value * 1.1, amount=draw_amount(n),
            )
        )  # fmt: skip
    return tuple(rows)


def draw_amount(n: int) -> float | None:
    return (None, 0.0, 3.0)[n % 3]


@st.composite
def histories(draw: st.DrawFn) -> History:
    codes = draw(channels)
    known = {
        code: Channel(
            mn="MN1", code=code, unit=draw(st.sampled_from(["mg/m3", "m3/s", "L/s", ""])), role=ROLES.get(code, ""),
            range_low=draw(bounds), range_high=draw(bounds),
        )
        for code in codes
    }  # fmt: skip
    limits: dict[str, tuple[Limit, ...]] = {
        code: (limit(code, draw(st.sampled_from([0.0, 10.0, 100.0])), converted=draw(st.booleans())),)
        for code in codes
        if draw(st.booleans())
    }
    readings = {
        (code, kind): rows
        for code in codes
        for kind in (ReadingKind.MIN, ReadingKind.HOUR)
        if (rows := draw(columns(code, kind)))
    }
    revisions = tuple(Revision(before=rows[-1], after=rows[0]) for rows in readings.values())
    mark = Mark(label=draw(st.sampled_from(MarkLabel)), from_at=HOUR.ts, to_at=UNTIL, declared_at=UNTIL)
    return History(
        station=STATION, channels=known, limits=limits, readings=readings, revisions=revisions,
        marks=(mark,) if draw(st.booleans()) else (), clock_offset_s=draw(st.sampled_from([None, 0.0, 90.0])),
        outages=((HOUR.ts, UNTIL),) if draw(st.booleans()) else (),
    )  # fmt: skip


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(histories())
def test_no_history_is_too_odd(history: History) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = review(history, HOUR, Policy(), UNTIL)
    for finding in outcome.findings:
        types = {type(value) for value in finding.reason.params.values()}
        assert types <= {str, int, float, bool, type(None)}
        assert finding.onset_at < UNTIL + timedelta(minutes=1)
    assert outcome == review(history, HOUR, Policy(), UNTIL)


def test_an_empty_series_has_no_values() -> None:
    empty = Series.of([])
    assert (len(empty), len(empty.within(HOUR.ts, UNTIL)), len(empty.at_times(empty.at, 60))) == (0, 0, 0)
