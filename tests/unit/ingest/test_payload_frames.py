"""HJ 212 frames as payloads: each frame stands for itself, and whoever proves to be the station is answered."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies

from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import CrcPolicy
from ingest.hj212.encode import encode
from ingest.hj212.frame import FrameVerdict
from ingest.hj212.framer import one
from ingest.hj212.packet import Packet, parse
from ingest.payloads import Decoded, Device, Measurement, decode

MN = "88888880000001"
UP = f"hj212/{MN}/up"
NOW = datetime(2026, 11, 22, 0, 1, tzinfo=UTC)
QN = "20261122080030000"
KEY = bytes(range(16))


def frame(
    cn: str = "2011",
    content: str = "DataTime=20261122080000;a21026-Rtd=31.2,a21026-ZsRtd=40.1,a21026-Flag=N",
    *,
    mn: str = MN,
    pw: str = "123456",
    flag: int = 5,
    backfill: bool = False,
    key: bytes | None = None,
    crc: FrameVerdict = FrameVerdict.PASS,
    st: str = "31",
) -> bytes:
    return encode(
        mn=mn, cn=cn, st=st, pw=pw, qn=QN, flag=flag, is_backfill=backfill, content=content, sm4_key=key, crc=crc
    )  # fmt: skip


def said(payload: bytes, device: Device | None = None) -> Decoded:
    return decode(UP, payload, NOW, device or Device())


def reasons(decoded: Decoded) -> list[str]:
    return [r.reason for r in decoded.refusals]


def answer(decoded: Decoded) -> Packet:
    assert decoded.answer is not None
    packet = parse(one(decoded.answer).segment)
    assert isinstance(packet, Packet)
    return packet


def test_a_frame_is_a_measurement_and_is_answered() -> None:
    decoded = said(frame())
    assert decoded.measurements == (
        Measurement(
            MN, ReadingKind.RTD, datetime(2026, 11, 22, tzinfo=UTC), {"a21026": 31.2}, {}, {"a21026": 40.1},
            sent_at=datetime(2026, 11, 22, 0, 0, 30, tzinfo=UTC),
        ),
    )  # fmt: skip
    assert (answer(decoded).cn, answer(decoded).qn) == ("9014", QN)


def test_a_mean_brings_its_smallest_and_largest_value_and_its_amount() -> None:
    content = "DataTime=20261122070000;w01018-Cou=5.5,w01018-Min=1,w01018-Avg=2,w01018-Max=3,w01018-Flag=D"
    (m,) = said(frame("2061", content)).measurements
    assert (m.kind, m.values, m.flags) == (ReadingKind.HOUR, {"w01018": 2.0}, {"w01018": "D"})
    assert (m.minima, m.maxima, m.amounts) == ({"w01018": 1.0}, {"w01018": 3.0}, {"w01018": 5.5})
    assert m.sent_at is None


def test_the_hour_of_sending_is_not_taken_from_what_is_sent_again() -> None:
    (m,) = said(frame(flag=9, backfill=True)).measurements
    assert m.sent_at is None


def test_several_frames_are_answered_together_and_a_broken_one_costs_only_itself() -> None:
    broken = frame().replace(b"31.2", b"99.9")
    decoded = said(frame() + broken + frame("2051"))
    assert [m.kind for m in decoded.measurements] == [ReadingKind.RTD, ReadingKind.MIN]
    assert reasons(decoded) == ["bad_crc"]
    assert decoded.answer is not None
    assert decoded.answer.count(b"CN=9014") == 2


@pytest.mark.parametrize(
    ("payload", "device", "reason"),
    [
        (frame(mn="88888880000002"), Device(), "foreign_mn"),
        (frame(), Device(password="secret"), "wrong_password"),
        (frame(crc=FrameVerdict.MODBUS), Device(), "crc_modbus"),
        (frame(crc=FrameVerdict.MODSWAP), Device(), "crc_modbus_swapped"),
        (frame(key=KEY), Device(), "sealed"),
        (frame(key=KEY), Device(sm4_key=bytes(16)), "wrong_key"),
        (frame(), Device(sm4_key=KEY), "not_sealed"),
        (
            frame(content="油烟监测数据;DataTime=20261122080000;a21026-Rtd=1"),
            Device(sm4_key=KEY),
            "not_sealed",
        ),
        (frame().replace(b"##0", b"##9"), Device(crc=CrcPolicy.IGNORE), "bad_length"),
        (b"", Device(), "rubbish"),
        (b"hello", Device(), "rubbish"),
    ],
)
def test_what_does_not_prove_to_be_the_stations_is_refused_and_not_answered(
    payload: bytes, device: Device, reason: str
) -> None:
    decoded = said(payload, device)
    assert reasons(decoded) == [reason]
    assert not decoded.measurements
    assert decoded.answer is None


@pytest.mark.parametrize(
    ("payload", "device"),
    [
        (frame(crc=FrameVerdict.MODBUS), Device(crc=CrcPolicy.ACCEPT_MODBUS)),
        (frame().replace(b"31.2", b"31.3"), Device(crc=CrcPolicy.IGNORE)),
        (frame(key=KEY), Device(sm4_key=KEY)),
        *(
            (frame(content=f"DataTime=20261122080000;a-Rtd={n}", key=KEY), Device(sm4_key=KEY))
            for n in range(9)
        ),
        (frame(), Device(password="123456")),
    ],
)
def test_what_the_station_is_known_to_do_is_taken(payload: bytes, device: Device) -> None:
    decoded = said(payload, device)
    assert len(decoded.measurements) == 1
    assert decoded.answer is not None


def test_what_is_no_reading_is_a_reply() -> None:
    (reply,) = said(frame("9012", "ExeRtn=1", flag=4)).replies
    assert (reply.mn, reply.cn, reply.qn, reply.content) == (MN, "9012", QN, {"ExeRtn": "1"})


def test_of_a_station_with_a_key_what_is_never_sealed_may_come_in_clear() -> None:
    for cn, content in (
        ("9011", "QnRtn=1;and=so-many-words-that-it-is-a-block"),
        ("9015", ""),
        ("2081", "short"),
    ):
        assert said(frame(cn, content, flag=9), Device(sm4_key=KEY)).replies


def test_a_sample_without_a_time_is_kept_and_answered_or_it_would_come_for_ever() -> None:
    decoded = said(frame(content="a21026-Rtd=31.2"))
    assert reasons(decoded) == ["no_data_time"]
    assert answer(decoded).cn == "9014"


def test_fields_that_are_no_numbers_are_named_and_their_neighbours_taken() -> None:
    decoded = said(frame(content="DataTime=20261122080000;a21026-Rtd=31.2;a21002-Rtd=---;w00000-Rtd=NaN"))
    assert decoded.measurements[0].values == {"a21026": 31.2}
    assert [(r.reason, r.detail) for r in decoded.refusals] == [
        ("fields_left_out", "a21002-Rtd: not_a_number, w00000-Rtd: not_finite")
    ]


@given(cut=strategies.integers(0, 400), byte=strategies.integers(0, 255), tail=strategies.binary(max_size=60))
def test_no_bytes_make_it_raise(cut: int, byte: int, tail: bytes) -> None:
    mutated = bytearray(frame() + tail + frame("2061"))
    mutated[cut % len(mutated)] = byte
    decoded = said(bytes(mutated), Device(crc=CrcPolicy.IGNORE, sm4_key=KEY))
    assert decoded.measurements or decoded.refusals or decoded.replies


@pytest.mark.parametrize(
    ("written", "flag", "st", "kept"),
    [
        ("3", 0, "22", "N"), ("1", 0, "22", "N"), ("0", 1, "22", "C"), ("2", 1, "22", "D"), ("N", 0, "22", "N"),
        ("M", 0, "22", "M"), ("4", 0, "22", "4"), ("3", 0, "31", "3"), ("3", 4, "22", "3"),
    ],
)  # fmt: skip
def test_digits_are_flags_of_the_air_stations_of_2005(written: str, flag: int, st: str, kept: str) -> None:
    content = f"DataTime=20261122080000;a21026-Rtd=31.2,a21026-Flag={written}"
    (m,) = said(frame(content=content, flag=flag, st=st)).measurements
    assert m.flag("a21026") == kept


@pytest.mark.parametrize("rubbish", [b"##0001A1234", b"##9999ABCD0\n", b"##0100" + b"x" * 90])
def test_a_payload_full_of_broken_frames_is_refused_once_for_each_reason(rubbish: bytes) -> None:
    """Each refusal keeps the whole payload."""
    decoded = said((rubbish * 6000)[:60_000] + b"\r\n" + frame())
    assert len(decoded.measurements) == 1
    assert len(decoded.refusals) == len(set(reasons(decoded))) <= 3
    assert "times" in decoded.refusals[0].detail
