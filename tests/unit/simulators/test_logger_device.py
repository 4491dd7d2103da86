"""The simulated logger keeps what is not acknowledged, obeys, and breaks as it is told to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.reading import ReadingKind
from ingest.hj212.answers import answer_to
from ingest.hj212.content import time_text
from ingest.hj212.encode import encode
from ingest.hj212.frame import FrameVerdict
from ingest.hj212.framer import one
from ingest.hj212.packet import Dialect, Packet, parse
from ingest.hj212.readings import Sample, readings_of
from ingest.payloads import Measurement
from simulators.logger_device import LoggerDevice, LoggerIdentity, Manner
from simulators.practice_loggers import Lots

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ME = LoggerIdentity(mn="MN1", dialect=2017)


def hour(back: int = 1, **codes: float) -> Measurement:
    return Measurement("MN1", ReadingKind.HOUR, AT - timedelta(hours=back), codes or {"a21026": 30.0})


def packet(frame: bytes) -> Packet:
    found = parse(one(frame).segment)
    assert isinstance(found, Packet)
    return found


def command(cn: str, content: str = "", pw: str = "123456", dialect: Dialect = 2017) -> bytes:
    flag = {2005: 1, 2017: 5, 2025: 9}[dialect]
    return encode(mn="MN1", cn=cn, st="31", pw=pw, qn="20260302120000000", flag=flag, content=content)


def answers(device: LoggerDevice, asked: bytes) -> list[tuple[str, dict[str, str]]]:
    return [(p.cn, dict(p.content)) for p in map(packet, device.heard(asked, AT))]


@pytest.mark.parametrize("dialect", [2005, 2017, 2025])
def test_a_mean_goes_again_until_it_is_acknowledged_and_a_value_goes_once(dialect: Dialect) -> None:
    device = LoggerDevice(replace(ME, dialect=dialect))
    (frame,) = device.measured(hour(), AT)
    device.measured(Measurement("MN1", ReadingKind.RTD, AT, {"a21026": 1.0}), AT)
    assert device.waits_for == 1
    assert device.due(AT + timedelta(seconds=9)) == []
    assert [device.due(AT + timedelta(seconds=10 * n)) for n in (1, 2, 3, 4)] == [
        [frame],
        [frame],
        [frame],
        [],
    ]
    assert (device.given_up, device.acknowledged) == (1, 0)
    assert device.connected() == [frame]
    answer = answer_to(packet(frame))
    assert answer is not None
    device.heard(answer + answer, AT)
    assert (device.given_up, device.acknowledged) == (0, 1)
    assert (device.waits_for, device.connected()) == (0, [])


def test_what_it_measured_can_be_read_from_its_frames() -> None:
    said = replace(
        hour(a21026=30.0, a19001=6.5),
        converted={"a21026": 40.25},
        minima={"a21026": 1.5},
        flags={"a21026": "M"},
    )
    (frame,) = LoggerDevice(ME).measured(said, AT)
    sample = readings_of(packet(frame))
    assert isinstance(sample, Sample)
    (first, second) = sample.channels
    assert (sample.kind, sample.ts) == (ReadingKind.HOUR, said.ts)
    assert (first.code, first.value, first.converted, first.minimum, first.flag) == (
        "a21026",
        30.0,
        40.25,
        1.5,
        "M",
    )
    assert (second.code, second.value, second.flag) == ("a19001", 6.5, "N")


@given(st.lists(st.integers(0, 50), max_size=40))
def test_no_two_packets_have_one_number(pauses_ms: list[int]) -> None:
    device, now, seen = LoggerDevice(ME), AT, set[str]()
    for pause_ms in pauses_ms:
        now += timedelta(milliseconds=pause_ms)
        codes = {f"a{n:05}": 1.0 for n in range(10000, 10060)}
        for frame in device.measured(replace(hour(), values=codes), now):
            qn = packet(frame).qn
            assert qn not in seen
            seen.add(qn)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (command("1011"), [("9011", {"QnRtn": "1"}), ("1011", {"SystemTime": "20260302120700"}), ("9012", {"ExeRtn": "1"})]),
        (command("1011", pw="999999"), [("9011", {"QnRtn": "3"})]),
        (command("1072", "NewPW=1"), [("9011", {"QnRtn": "8"})]),
        (command("1064", "MinInterval=7"), [("9011", {"QnRtn": "1"}), ("9012", {"ExeRtn": "3"})]),
        (command("2012"), [("9013", {})]),
        (command("2061", "BeginTime=20260302000000;EndTime=20260302000000"),
         [("9011", {"QnRtn": "1"}), ("9012", {"ExeRtn": "100"})]),
    ],
)  # fmt: skip
def test_it_answers_as_the_standard_says(asked: bytes, said: list[tuple[str, dict[str, str]]]) -> None:
    assert answers(LoggerDevice(ME, clock_offset=timedelta(minutes=7)), asked) == said


def test_in_2005_the_number_of_an_exchange_is_content() -> None:
    device = LoggerDevice(replace(ME, dialect=2005))
    assert answers(device, command("1012", "SystemTime=20260302120500", dialect=2005)) == [
        ("9011", {"QN": "20260302120000000", "QnRtn": "1"}),
        ("9012", {"QN": "20260302120000000", "ExeRtn": "1"}),
    ]
    assert device.clock_offset == timedelta(minutes=5)


def test_history_comes_from_its_memory_within_both_ends() -> None:
    device = LoggerDevice(replace(ME, dialect=2025))
    device.remember(hour(back) for back in range(10, 0, -1))
    period = f"BeginTime={time_text(AT - timedelta(hours=5))};EndTime={time_text(AT - timedelta(hours=3))}"
    said = [packet(f) for f in device.heard(command("2061", period, dialect=2025), AT)]
    assert [p.cn for p in said] == ["9011", "2061", "2061", "2061", "9012"]
    assert [p.is_backfill for p in said] == [False, True, True, True, False]
    assert [p.data_at for p in said[1:4]] == [AT - timedelta(hours=n) for n in (5, 4, 3)]


def test_it_breaks_as_it_is_told_to() -> None:
    assert answers(LoggerDevice(ME, Manner(deaf_to=frozenset({"1011"}))), command("1011")) == []
    assert answers(LoggerDevice(ME, Manner(without_result=True)), command("1062", "RtdInterval=60")) == [
        ("9011", {"QnRtn": "1"})
    ]
    forgetful = LoggerDevice(ME, Manner(ignores_first=1))
    assert [len(answers(forgetful, command("1061"))) for _ in range(2)] == [0, 3]
    swapped = LoggerDevice(ME, Manner(checksum=FrameVerdict.MODSWAP))
    assert one(swapped.measured(hour(), AT)[0]).verdict is FrameVerdict.MODSWAP
    unheard = LoggerDevice(ME, Manner(data_unanswered=True))
    assert not packet(unheard.measured(hour(), AT)[0]).wants_answer
    assert unheard.waits_for == 0


@given(st.binary(max_size=200))
def test_rubbish_from_the_platform_is_nothing(data: bytes) -> None:
    device = LoggerDevice(ME)
    device.heard(data, AT)
    # A head with too large a length holds back what follows.
    assert b"#" in data or answers(device, b"\r\n" + command("1061"))[0][0] == "9011"


def test_who_practises_is_told_once_that_nobody_acknowledges_and_once_that_it_is_well_again() -> None:
    device = LoggerDevice(ME)
    lots = Lots([device])
    told = []
    for back in range(3, 0, -1):
        device.measured(hour(back), AT)
        told.append(lots.changed())
        for n in (1, 2, 3):
            device.due(AT + timedelta(seconds=10 * n))
        told.append(lots.changed())
    for frame in device.connected()[:2]:
        answer = answer_to(packet(frame))
        assert answer is not None
        device.heard(answer, AT)
        told.append(lots.changed())
    assert [t for t in told if t] == [{"MN1": False}, {"MN1": True}]
