"""HJ 212's checksum is the standard's, however it is computed; MODBUS is told apart from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hj212 import checksum
from tests.support.hj212 import crc_by_the_standard, modbus_by_the_book

APPENDIX_A = (
    b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
)


@pytest.mark.parametrize(("data", "crc"), [(b"", 0xFFFF), (b"\x00", 0x4040), (APPENDIX_A, 0x1C80)])
def test_the_vectors_of_the_standard_hold(data: bytes, crc: int) -> None:
    assert checksum.hj212(data) == crc


@given(st.binary(max_size=2000))
def test_folding_gives_what_a_step_for_each_byte_gives(data: bytes) -> None:
    assert checksum.hj212(data) == crc_by_the_standard(data)


@given(st.binary(max_size=300))
def test_modbus_is_the_ordinary_one(data: bytes) -> None:
    assert checksum.modbus(data) == modbus_by_the_book(data)
