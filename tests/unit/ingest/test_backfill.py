"""A file's rows become late readings, or say in words what is wrong with them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.reading import Reading, ReadingKind
from ingest.backfill import BadRow, HeaderError, rows_of

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
HEADER = "mn,code,kind,ts,value,converted,flag,min,max,amount\n"


def read(text: str) -> list[Reading | BadRow]:
    return list(rows_of(iter(text.splitlines(keepends=True)), {"A1"}, NOW))


def test_a_row_is_a_late_reading_of_its_station() -> None:
    assert read(HEADER + "A1,a21026,hour,2026-11-21T10:00:00+08:00,31.2,40.1,d,1,50,3.5\n") == [
        Reading(
            "A1", "a21026", ReadingKind.HOUR, datetime(2026, 11, 21, 2, tzinfo=UTC), 31.2, NOW,
            40.1, 1.0, 50.0, 3.5, "D", late=True,
        )
    ]  # fmt: skip


def test_columns_may_come_in_any_order_and_what_is_optional_may_be_missing_or_empty() -> None:
    text = "Value, ts ,kind,code,mn,flag\r\n\r\n7.5,2026-11-21 10:05:30,rtd,w01001,A1,\r\n"
    [reading] = read(text)
    assert isinstance(reading, Reading)
    assert (reading.value, reading.flag, reading.converted) == (7.5, "N", None)
    assert reading.ts == datetime(2026, 11, 21, 2, 5, 30, tzinfo=UTC)


def test_a_day_is_written_by_its_date() -> None:
    [reading] = read(HEADER + "A1,Leq_day,day,2026-11-20,52,,,,,\n")
    assert isinstance(reading, Reading)
    assert reading.ts == datetime(2026, 11, 19, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("B2,a,rtd,2026-11-21T10:00:00Z,1,,,,,", "station 'B2' is not in the registry"),
        ("A1,a b,rtd,2026-11-21T10:00:00Z,1,,,,,", "'a b' is not a code"),
        ("A1,a,week,2026-11-21T10:00:00Z,1,,,,,", "kind 'week' is not one of rtd, min, hour, day"),
        ("A1,a,rtd,yesterday,1,,,,,", "ts 'yesterday' is not a time (2026-11-22T10:00:00+08:00)"),
        ("A1,a,rtd,2026-11-23T10:00:00Z,1,,,,,", "ts '2026-11-23T10:00:00Z' lies in the future"),
        ("A1,a,rtd,2020-11-23T10:00:00Z,1,,,,,", "ts '2020-11-23T10:00:00Z' is more than 400 days ago"),
        ("A1,a,hour,2026-11-21T10:30:00Z,1,,,,,", "ts '2026-11-21T10:30:00Z' is not the start of an hour in Asia/Shanghai"),
        ("A1,a,day,2026-11-21T00:00:00Z,1,,,,,", "ts '2026-11-21T00:00:00Z' is not the start of a day in Asia/Shanghai"),
        ("A1,a,rtd,2026-11-21T10:00:00Z,,,,,,", "value is empty"),
        ("A1,a,rtd,2026-11-21T10:00:00Z,nan,,,,,", "value 'nan' is not a number"),
        ("A1,a,rtd,2026-11-21T10:00:00Z,1_0,,,,,", "value '1_0' is not a number"),
        ("A1,a,rtd,2026-11-21T10:00:00Z,1,1e999,,,,", "converted '1e999' is not a number"),
        ("A1,a,rtd,2026-11-21T10:00:00Z,1e300,,,,,", "value '1e300' is too large"),
        ("A1,a,rtd,2026-11-21T10:00:00Z,1,,停运,,,", "'停运' is not a flag"),
        ("A1,a,rtd,2026-11-21T10:00:00Z,1", "5 cells, the header has 10"),
    ],
)  # fmt: skip
def test_a_bad_row_says_what_is_wrong_and_its_neighbours_are_taken(row: str, words: str) -> None:
    good = "A1,a,rtd,2026-11-21T10:00:00Z,1,,,,,\n"
    before, bad, after = read(HEADER + good + row + "\n" + good)
    assert isinstance(before, Reading)
    assert isinstance(after, Reading)
    assert bad == BadRow(3, words)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("", "mn, code, kind, ts, value is missing"),
        ("mn,code,ts,value\n", "kind is missing"),
        ("mn,code,kind,ts,value,unit\n", "column 'unit' is unknown"),
        ("mn,code,kind,ts,value,value\n", "named twice"),
    ],
)
def test_a_header_that_does_not_name_the_columns_is_refused(header: str, words: str) -> None:
    with pytest.raises(HeaderError, match=words):
        read(header)


@given(st.text(max_size=200), st.text("A1a,rtdhou-T:+0.29N\n\"'", max_size=200))
def test_any_text_is_rows_or_bad_rows(wild: str, near: str) -> None:
    for text in (wild, near):
        for row in rows_of(iter((HEADER + text).splitlines(keepends=True)), {"A1"}, NOW):
            assert isinstance(row, (Reading, BadRow))
            if isinstance(row, Reading):
                assert NOW - timedelta(days=400) <= row.ts <= NOW + timedelta(minutes=5)
