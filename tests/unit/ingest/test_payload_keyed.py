"""JSON whose keys are HJ 212's field names, on the topics of our own JSON."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.reading import ReadingKind
from ingest.payloads import Measurement, decode

NOW = datetime(2026, 11, 22, 0, 1, tzinfo=UTC)
TS = datetime(2026, 11, 22, tzinfo=UTC)
AT = {"DataTime": "20261122080000"}

json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["DataTime", "a21026-Rtd", "a21026-Flag", "MN", "x-Avg"]) | st.text(max_size=12)


def test_values_may_be_numbers_or_texts_and_the_topic_says_the_kind() -> None:
    said = {
        **AT,
        "MN": "MN1",
        "a21026-Avg": 31.2,
        "a21026-ZsAvg": "40.1",
        "a21026-Flag": "D",
        "w01018-Avg": "5",
    }
    decoded = decode("farwatch/v1/MN1/hour", orjson.dumps(said), NOW)
    assert decoded.measurements == (
        Measurement(
            "MN1", ReadingKind.HOUR, TS, {"a21026": 31.2, "w01018": 5.0}, {"a21026": "D"}, {"a21026": 40.1}
        ),
    )
    assert not decoded.refusals


@pytest.mark.parametrize(
    ("said", "reason", "taken"),
    [
        ({**AT, "a21026-Rtd": None, "w01018-Rtd": 1}, "fields_left_out", 1),
        ({**AT, "a21026-Rtd": True}, "fields_left_out", 0),
        ({**AT, "a21026-Rtd": {"v": 1}}, "fields_left_out", 0),
        ({**AT, "a21026-Rtd": 1, "MN": "MN2"}, "foreign_mn", 0),
        ({"DataTime": "2026-11-22T08:00:00Z", "a21026-Rtd": 1}, "bad_data_time", 0),
        ({"DataTime": None, "a21026-Rtd": 1}, "bad_data_time", 0),
        (AT, "bad_payload", 0),
        ({**AT, **{f"x{n}-Rtd": 1 for n in range(1600)}}, "bad_payload", 0),
    ],
)
def test_what_is_wrong_is_refused_by_name(said: dict[str, object], reason: str, taken: int) -> None:
    decoded = decode("farwatch/v1/MN1/rtd", orjson.dumps(said), NOW)
    assert [r.reason for r in decoded.refusals] == [reason]
    assert len(decoded.measurements) == taken


@given(said=st.dictionaries(names, json, max_size=6))
def test_no_json_makes_it_raise(said: dict[str, object]) -> None:
    decoded = decode("farwatch/v1/MN1/rtd", orjson.dumps({**AT, **said}), NOW)
    assert decoded.measurements or decoded.refusals
