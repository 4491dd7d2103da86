"""Sealed content: the standard's cipher, whole blocks only, and frames that hold any byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hj212 import sm4
from ingest.hj212.encode import encode, framed
from ingest.hj212.frame import FrameVerdict
from ingest.hj212.framer import Framer, one
from ingest.hj212.packet import Packet, mn_of, parse
from ingest.hj212.readings import Sample, readings_of
from tests.support.hj212 import MN, SEGMENT, crc_by_the_standard, data_segment

KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")
OTHER = bytes(16)


def test_the_block_of_the_standard_gb_t_32907_is_sealed_as_printed_there() -> None:
    segment = b"CP=&&" + KEY + b"&&"
    assert sm4.seal(segment, KEY) == b"CP=&&" + bytes.fromhex("681edf34d206965e86b3e94f536e4246") + b"&&"


@given(st.binary(max_size=100), st.binary(min_size=16, max_size=16))
def test_opening_undoes_sealing_and_the_length_stays(content: bytes, key: bytes) -> None:
    segment = b"QN=1;CN=2011;CP=&&" + content + b"&&"
    sealed = sm4.seal(segment, key)
    assert len(sealed) == len(segment)
    assert sm4.unseal(sealed, key) == segment
    rest = len(content) % 16
    assert sealed.endswith(content[len(content) - rest :] + b"&&")


@pytest.mark.parametrize(
    ("cn", "sealed"),
    [
        ("2011", True),
        ("2999", True),
        ("1014", True),
        ("3020", True),
        ("3019", False),
        ("9014", False),
        ("1013", False),
    ],
)
def test_only_the_standards_commands_are_sealed(cn: str, sealed: bool) -> None:
    raw = encode(mn=MN, cn=cn, flag=9, content="DataTime=20261122100000;a21026-Rtd=1.0", sm4_key=KEY)
    assert (b"DataTime" not in raw) == sealed


def test_a_sealed_frame_is_checked_and_read_with_its_key() -> None:
    frame = one(framed(SEGMENT.encode(), sm4_key=KEY), KEY)
    assert (frame.verdict, frame.segment.decode()) == (FrameVerdict.PASS, SEGMENT)


def test_without_the_key_it_says_so_and_names_its_station() -> None:
    raw = framed(SEGMENT.encode(), sm4_key=KEY)
    frame = one(raw)
    assert (frame.verdict, frame.reason, mn_of(frame.segment)) == (FrameVerdict.FAIL, "sealed", MN)
    assert one(raw, OTHER).reason == "wrong_key"
    for segment in (frame.segment, SEGMENT.encode()):
        packet = parse(segment, KEY)
        assert isinstance(packet, Packet)
        assert isinstance(readings_of(packet), Sample)


def test_sealed_content_whose_checksum_fits_by_chance_is_still_sealed() -> None:
    by_chance = 0
    for n in range(1500):
        segment = data_segment(n % 1000, f"a21026-Rtd={n}.0,a21026-Flag=N").encode()
        raw = framed(segment, sm4_key=KEY)
        by_chance += crc_by_the_standard(sm4.seal(segment, KEY)) == crc_by_the_standard(segment)
        assert (one(raw, KEY).verdict, one(raw, KEY).segment) == (FrameVerdict.PASS, segment)
        assert one(raw).reason == "sealed"
    assert by_chance > 0


def test_plain_chinese_at_the_very_beginning_is_not_taken_for_sealed() -> None:
    segment = "QN=1;CN=3020;MN=A;Flag=8;CP=&&i1-Info=//清洗管路，校准//&&".encode()
    for key in (None, KEY):
        assert (one(framed(segment), key).reason, one(framed(segment), key).segment) == ("ok", segment)


def test_of_a_command_that_is_not_sealed_no_chinese_is_lost_where_the_opened_one_fits_by_chance() -> None:
    by_chance = 0
    for n in range(1500):
        segment = f"QN=1;CN=3019;MN=A;Flag=8;CP=&&i{n}-Info=清洗管路&&".encode()
        by_chance += crc_by_the_standard(sm4.unseal(segment, KEY)) == crc_by_the_standard(segment)
        assert (one(framed(segment), KEY).reason, one(framed(segment), KEY).segment) == ("ok", segment)
    assert by_chance > 0


def could_be_text(sealed: bytes) -> bool:
    """A single block often has no byte that a text could not have."""
    return sm4.is_sealed(sealed) and not sm4.holds_controls(sealed)


def test_a_seal_that_could_be_text_is_opened_although_its_checksum_fits() -> None:
    by_chance = 0
    for n in range(3000):
        segment = b"QN=1;CN=2011;MN=A;Flag=8;CP=&&i%05d-Info=1.00&&" % n
        sealed = sm4.seal(segment, KEY)
        fits = crc_by_the_standard(sealed) == crc_by_the_standard(segment)
        by_chance += fits and could_be_text(sealed)
        assert one(framed(segment, sm4_key=KEY), KEY).segment == segment
    assert by_chance > 0


def test_what_a_device_seals_beyond_the_standards_commands_is_opened() -> None:
    like_text = 0
    for n in range(30):
        segment = b"QN=1;CN=3019;MN=A;Flag=8;CP=&&i%05d-Info=1.00&&" % n
        like_text += could_be_text(sm4.seal(segment, KEY))
        assert one(framed(segment, sm4_key=KEY), KEY).segment == segment
    assert like_text > 0


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=8), st.integers(1, 50))
def test_keys_whose_seals_hold_line_ends_and_heads_lose_no_frame(keys: list[bytes], step: int) -> None:
    plain = b"QN=20261122100000001;ST=31;CN=2011;MN=A;Flag=9;CP=&&%b&&"
    crowded = plain % (b"\xff" + b"\n#\r\n&&##" * 9)
    for key in keys:
        sent = framed(sm4.unseal(crowded, key), sm4_key=key) + framed(SEGMENT.encode())
        framer, got = Framer(), []
        for start in range(0, len(sent), step):
            got += framer.feed(sent[start : start + step])
        got += framer.finish()
        assert got[0].segment == crowded
        assert got[-1].segment.decode() == SEGMENT
