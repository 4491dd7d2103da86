"""What packets measure, by command, field and flag; what cannot be taken is left out by name and the rest stays."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.reading import ReadingKind
from ingest.hj212.packet import Malformed, Packet, parse
from ingest.hj212.readings import Said, Sample, readings_of


def read(content: str, cn: str = "2011", time: str = "DataTime=20261122100000;") -> Sample | Malformed | None:
    packet = parse(f"CN={cn};MN=A;CP=&&{time}{content}&&".encode())
    assert isinstance(packet, Packet)
    return readings_of(packet)


def sample(content: str, cn: str = "2011") -> Sample:
    got = read(content, cn)
    assert isinstance(got, Sample)
    return got


@pytest.mark.parametrize(
    ("cn", "content", "kind", "said"),
    [
        ("2011", "a-Rtd=1.5,a-Flag=N", "rtd", [Said("a", 1.5)]),
        ("2011", "a-Rtd=1.5,a-ZsRtd=2.5,a-Flag=C", "rtd", [Said("a", 1.5, "C", 2.5)]),
        ("2011", "LA-td=50.1,LA-Flag=N", "rtd", [Said("LA", 50.1)]),
        ("2011", " LA-Rtd=50.1", "rtd", [Said("LA", 50.1)]),
        ("2011", "w01018-SampleTime=20160801070000,01018-Rtd=2.2,w01018-Flag=N,w01018-EFlag=A01", "rtd", [Said("01018", 2.2)]),
        ("2011", "w01018=12.5,w01018-Flag=D", "rtd", [Said("w01018", 12.5, "D")]),
        ("2011", "a34001-Rtd=92;Flag=N", "rtd", [Said("a34001", 92)]),
        ("2011", "a-Rtd=-1.5e2;b-RTD=+3", "rtd", [Said("a", -150), Said("b", 3)]),
        ("2011", "pms_rules-Rtd=7;lng-Rtd=120.3", "rtd", [Said("pms_rules", 7), Said("lng", 120.3)]),
        ("2051", "a-Min=1,a-Avg=2,a-Max=3,a-Cou=4,a-ZsMin=5,a-ZsAvg=6,a-ZsMax=7,a-Flag=N", "min", [Said("a", 2, "N", 6, 1, 3, 4)]),
        ("2051", "a-Avg=66.09,a-Avg=19796346.00", "min", [Said("a", 66.09)]),
        ("2051", "a-Rtd=1,a-Avg=2", "min", [Said("a", 2)]),
        ("2051", "a-Rtd=1", "min", [Said("a", 1)]),
        ("2061", "w00000-Cou=63.0,w00000-Flag=D", "hour", [Said("w00000_Cou", 63, "D")]),
        ("2061", "L5-Data=53.0;Leq-Data=50.0", "hour", [Said("L5", 53), Said("Leq", 50)]),
        ("2031", "Leq-Data=50;Leq-DayData=52,Leq-NightData=44,Leq-Flag=D", "day",
         [Said("Leq", 50, "D"), Said("Leq_day", 52, "D"), Said("Leq_night", 44, "D")]),
        ("2021", "SB1-RS=1;SB2-RS=0", "rtd", [Said("SB1", 1), Said("SB2", 0)]),
        ("2041", "SB1-RT=1.1", "day", [Said("SB1", 1.1)]),
        ("2052", "Leq-Data=61.5", "rtd", [Said("Leq", 61.5)]),
        ("2111", "a01901-Avg=861", "min", [Said("a01901", 861)]),
        ("2011", "a-Rtd=1,a-Flag=n", "rtd", [Said("a", 1, "N")]),
        ("2011", "a-Rtd=1,a-Flag=", "rtd", [Said("a", 1, "N")]),
        ("2011", "a-Rtd=1,a-Flag=3", "rtd", [Said("a", 1, "3")]),
        ("2011", "a-Rtd=1,a-Flag=正常", "rtd", [Said("a", 1, "?")]),
        ("2011", "a-Flag=D,a-Rtd=1", "rtd", [Said("a", 1, "D")]),
        ("2011", "a-Rtd=1,a-FLAG=D;b-Rtd=1,b-flag=d", "rtd", [Said("a", 1, "D"), Said("b", 1, "D")]),
        ("2011", "a-Rtd=1;b-Rtd=2,b-Flag=N;Flag=D", "rtd", [Said("a", 1, "D"), Said("b", 2, "N")]),
        ("2011", "a-Rtd=1;Flag=5", "rtd", [Said("a", 1, "N")]),
        ("2011", "a-Rtd=1,a-Flag=N,5", "rtd", [Said("a", 1, "N")]),
    ],
)  # fmt: skip
def test_values_have_their_code_kind_flag_and_companions(
    cn: str, content: str, kind: str, said: list[Said]
) -> None:
    got = sample(content, cn)
    assert (got.kind, list(got.channels)) == (ReadingKind(kind), said)
    assert got.ts == datetime(2026, 11, 22, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        ("a-Rtd=,b-Rtd=1", [("a-Rtd", "not_a_number")]),
        ("a-Rtd=--,b-Rtd=1", [("a-Rtd", "not_a_number")]),
        ("a-Rtd=1_000,b-Rtd=1", [("a-Rtd", "not_a_number")]),
        ("a-Rtd=１２,b-Rtd=1", [("a-Rtd", "not_a_number")]),
        ("a-Rtd=0x1F,b-Rtd=1", [("a-Rtd", "not_a_number")]),
        ("a-Rtd=1e999,b-Rtd=1", [("a-Rtd", "not_finite")]),
        ("a-Rtd=1e309,b-Rtd=1", [("a-Rtd", "not_finite")]),
        ("a-Rtd=-1e308,b-Rtd=1", [("a-Rtd", "too_large")]),
        ("b-Rtd=1,b-ZsRtd=9e15", [("b-ZsRtd", "too_large")]),
        ("a-Rtd=1,5,b-Rtd=1", [("a-Rtd", "not_a_number")]),
        ("a-Rtd=1,234.5;b-Rtd=1", [("a-Rtd", "not_a_number")]),
        ("a-Rtd=1, 5 ;b-Rtd=1", [("a-Rtd", "not_a_number")]),
        ("x" * 60 + "-Rtd=1;b-Rtd=1", [("x" * 60 + "-Rtd", "bad_code")]),
        ("b-Rtd=1;DataTime=20261122100100;b-Rtd=2", [("b-Rtd", "repeated"), ("DataTime", "another_time")]),
        ("a-Rtd=NaN,b-Rtd=1", [("a-Rtd", "not_finite")]),
        ("a-Rtd=-inf,b-Rtd=1", [("a-Rtd", "not_finite")]),
        ("b-Rtd=1,b-Rtd=2", [("b-Rtd", "repeated")]),
        ("油烟-Rtd=1,b-Rtd=1", [("油烟-Rtd", "bad_code")]),
        ("-Rtd=1,b-Rtd=1", [("-Rtd", "bad_code")]),
        ("a-Min=1,a-Max=2,b-Rtd=1", [("a", "no_value")]),
        ("a-Avg=x,a-Cou=2,b-Rtd=1", [("a-Avg", "not_a_number"), ("a", "no_value")]),
        ("b-Rtd=1,b-ZsRtd=NaN", [("b-ZsRtd", "not_finite")]),
    ],
)
def test_what_cannot_be_taken_is_named_and_its_neighbours_stay(
    content: str, left_out: list[tuple[str, str]]
) -> None:
    got = sample(content)
    assert got.channels == (Said("b", 1),)
    assert list(got.left_out) == left_out


@pytest.mark.parametrize(
    ("cn", "content"),
    [
        ("2051", "BeginTime=20261122000000,EndTime=20261122010000"),
        ("2011", ""),
        ("9014", ""),
        ("3019", "PolId=w01018;w01018-SN=010000A8900016F000169DC1"),
        ("3020", "PolId=w01018;i13004-Info=168.0"),
        ("2081", "RestartTime=20261122090000"),
        ("1011", "SystemTime=20261122090000"),
        ("2011", "Flag=N"),
        ("2011", "a21026-Flag=N"),
        ("2011", "w０１０１８=5"),
        ("2011", "a01001é=5"),
    ],
)
def test_requests_replies_and_heartbeats_measure_nothing(cn: str, content: str) -> None:
    assert read(content, cn) is None


def test_values_without_a_possible_time_are_refused_by_name() -> None:
    assert read("a-Rtd=1", time="") == Malformed("no_data_time")
    assert read("a-Rtd=1", time="DataTime=20261322100000;") == Malformed("bad_data_time", "20261322100000")
    assert read("a-Rtd=x", time="DataTime=;") == Malformed("bad_data_time", "")


def test_zero_has_no_sign() -> None:
    assert str(sample("a-Rtd=-0.0").channels[0].value) == "0.0"


def test_milliseconds_of_an_event_time_are_kept() -> None:
    got = read("ele01-Rtd=1", time="DataTime=20210305003817250;")
    assert isinstance(got, Sample)
    assert got.ts == datetime(2021, 3, 4, 16, 38, 17, 250000, tzinfo=UTC)


@given(st.text("a1-RtdAvgFlagCouZsMinx=,;.0N é清", max_size=120))
def test_any_content_is_read_or_refused(content: str) -> None:
    for cn in ("2011", "2031"):
        got = read(content, cn)
        assert got is None or isinstance(got, (Sample, Malformed))
