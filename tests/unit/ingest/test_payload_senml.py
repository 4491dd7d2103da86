"""SenML (RFC 8428) in JSON: bases, relative times, units of the channel."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.reading import ReadingKind
from ingest.payloads import Decoded, decode
from ingest.payloads.units import UnitError, converted

NOW = datetime(2026, 11, 22, tzinfo=UTC)
T = NOW.timestamp()
UNITS = {"a21026": "mg/m3", "a01012": "℃", "w00000": "L/s"}

json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["n", "bn", "t", "bt", "v", "bv", "u", "bu", "vb", "s", "bver"]) | st.text(max_size=4)


def said(*records: Any, topic: str = "senml/MN1") -> Decoded:
    return decode(topic, orjson.dumps(records), NOW, unit_of=lambda _mn, code: UNITS.get(code, ""))


def test_bases_hold_for_the_records_that_follow() -> None:
    decoded = said(
        {"bn": "urn:dev:ow:10e2073a01080063:", "bt": T - 60, "bu": "ug/m3", "n": "a21026", "v": 31200},
        {"n": "a01012", "u": "K", "v": 373.15},
        {"n": "a21026", "t": -5, "v": 31000},
        {"bn": "MN1/", "bv": 1, "n": "w00000", "u": "m3/s", "v": 1},
        {"n": "SB1", "vb": True},
    )
    assert not decoded.refusals
    now, before = decoded.measurements
    at = NOW - timedelta(seconds=60)
    assert (now.mn, now.kind, now.ts, before.ts) == ("MN1", ReadingKind.RTD, at, at - timedelta(seconds=5))
    assert now.values == {
        "a21026": pytest.approx(31.2),
        "a01012": pytest.approx(100.0),
        "w00000": 2000.0,
        "SB1": 2.0,
    }
    assert before.values == {"a21026": pytest.approx(31.0)}


def test_a_small_time_is_seconds_from_now_and_the_topic_may_say_the_kind() -> None:
    (m,) = said({"n": "a21026", "t": -30, "v": 1}, topic="senml/MN1/min").measurements
    assert (m.kind, m.ts) == (ReadingKind.MIN, NOW - timedelta(seconds=30))


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([], "bad_payload"),
        ([1], "bad_payload"),
        ([{"n": "a21026", "v": 1}] * 201, "bad_payload"),
        ([{"n": "a 1", "v": 1}], "bad_payload"),
        ([{"v": 1}], "bad_payload"),
        ([{"bn": "MN2/", "n": "a21026", "v": 1}], "foreign_mn"),
        ([{"n": "a21026", "v": 1, "lock_": True}], "bad_payload"),
        ([{"bver": 11, "n": "a21026", "v": 1}], "bad_payload"),
        ([{"n": "a21026", "v": 1, "t": "now"}], "bad_payload"),
        ([{"n": "a21026", "v": 1, "t": 1e18}], "bad_payload"),
        ([{"n": "a21026", "v": 1e308, "bv": 1e308}], "fields_left_out"),
        ([{"n": "a21026", "v": 2e15}], "fields_left_out"),
        ([{"n": "a21026", "u": "Cel", "v": 1}], "fields_left_out"),
        ([{"n": "a21026", "vs": "high"}], "fields_left_out"),
        ([{"n": "a21026", "v": "1"}], "fields_left_out"),
    ],
)
def test_what_is_wrong_is_refused_by_name(records: list[Any], reason: str) -> None:
    decoded = said(*records)
    assert [r.reason for r in decoded.refusals] == [reason]
    assert not decoded.measurements


@given(records=st.lists(st.dictionaries(names, json, max_size=6) | json, max_size=4))
def test_no_json_makes_it_raise(records: list[Any]) -> None:
    decoded = said(*records)
    assert all(m.values for m in decoded.measurements)


@pytest.mark.parametrize(
    ("said", "wanted", "value"),
    [("mg/m3", "ug/m3", 2000.0), ("kg/m3", "mg/L", 2000.0), ("", "mg/L", 2.0), ("l/s", "m3/h", 7.2), ("pH", "无量纲", 2.0)],
)  # fmt: skip
def test_units_are_those_of_the_channel(said: str, wanted: str, value: float) -> None:
    assert converted(2.0, said, wanted) == pytest.approx(value)


def test_what_is_no_such_unit_is_never_passed_on_as_it_is() -> None:
    with pytest.raises(UnitError):
        converted(2.0, "kg", "mg/m3")
