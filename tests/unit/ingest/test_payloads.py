from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.reading import ReadingKind
from ingest.payloads import Decoded, Measurement, decode, encode

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TOPIC = "farwatch/v1/MN1/rtd"
codes = st.from_regex(r"[A-Za-z0-9_]{1,20}", fullmatch=True)
numbers = st.floats(-1e15, 1e15)


@given(
    kind=st.sampled_from(ReadingKind),
    ts=st.datetimes(
        NOW.replace(tzinfo=None) - timedelta(days=399), NOW.replace(tzinfo=None), timezones=st.just(UTC)
    ),
    values=st.dictionaries(codes, numbers, min_size=1, max_size=8),
    flags=st.dictionaries(codes, st.from_regex(r"[A-Za-z]{1,2}", fullmatch=True), max_size=4),
    more=st.tuples(*[st.dictionaries(codes, numbers, max_size=4)] * 4),
)
def test_what_is_encoded_is_decoded_again(
    kind: ReadingKind,
    ts: datetime,
    values: dict[str, float],
    flags: dict[str, str],
    more: tuple[dict[str, float], ...],
) -> None:
    measurement = Measurement("MN1", kind, ts, values, flags, *more)
    assert decode(*encode(measurement), NOW) == Decoded((measurement,))


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (TOPIC, b"", "bad_json"),
        (TOPIC, b"{", "bad_json"),
        (TOPIC, b"\xff\xfe", "bad_json"),
        (TOPIC, b"[1]", "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z"}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00","values":{"a":1}}', "bad_payload"),
        (TOPIC, b'{"ts":"1795334340","values":{"a":1}}', "bad_payload"),
        (TOPIC, b'{"ts":1795334340,"values":{"a":1}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":"1"}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":true}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":NaN}}', "bad_json"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":1e309}}', "bad_json"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":1e308}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":1},"max":{"a":-1e16}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":1e999}}', "bad_json"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a\\u0000":1}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":1},"flags":{"a":"N\\u0000"}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":1},"mn":"MN2"}', "foreign_mn"),
        (TOPIC, b'{"ts":"2026-W47-7T07:59:00Z","values":{"a":1}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-31T07:59:00Z","values":{"a":1}}', "bad_payload"),
        (TOPIC, b'{"ts":"0001-01-01T00:00:00+08:00","values":{"a":1}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":1},"zs":null}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":1},"flags":{"a":1}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":1},"flags":{"a b":"N"}}', "bad_payload"),
        (TOPIC, b'{"ts":"2026-11-22T07:59:00Z","values":{"a":1},"mn":1}', "foreign_mn"),
        (TOPIC, b"x" * 70_000, "payload_too_large"),
        ("farwatch/v1/MN1/year", b"{}", "bad_topic"),
        ("farwatch/v1//rtd", b"{}", "bad_topic"),
        ("elsewhere/v1/MN1/rtd", b"{}", "bad_topic"),
        ("", b"{}", "bad_topic"),
    ],
)
def test_what_is_wrong_is_refused_by_name(topic: str, payload: bytes, reason: str) -> None:
    decoded = decode(topic, payload, NOW)
    assert [r.reason for r in decoded.refusals] == [reason]
    assert not decoded.measurements


@given(topic=st.one_of(st.just(TOPIC), st.text(max_size=40)), payload=st.binary(max_size=300))
def test_no_bytes_make_it_raise(topic: str, payload: bytes) -> None:
    decoded = decode(topic, payload, NOW)
    assert decoded.refusals or decoded.measurements
