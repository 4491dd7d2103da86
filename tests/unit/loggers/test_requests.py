"""The frames that go down, held against HJ 212-2017 Appendix C and the dialects."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.device import Command, DeviceCommand, StationLink, StationSecret, Way
from farwatch.domain.place import Position
from farwatch.domain.registry import Station
from ingest.hj212.frame import FrameVerdict
from ingest.hj212.framer import one
from ingest.hj212.packet import Packet, parse
from ingest.loggers.requests import BadParametersError, Speech, request, speech_for

AT = datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC)
MN = "010000A8900016F000169DC0"
STATION = Station(mn=MN, enterprise="E1", name="outlet", place=Position(30, 120), medium="water")


def asked(command: Command, **parameters: str) -> DeviceCommand:
    return DeviceCommand(
        id=1,
        mn=MN,
        command=command,
        parameters=parameters,
        asked_by="amy",
        asked_at=AT,
        qn="20160801085857223",
    )


def spoken(dialect: int = 2017, **how: object) -> Speech:
    return Speech(dialect=dialect, system="32", password="123456", **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("command", "parameters", "frame"),
    [
        (
            Command.GET_REALTIME_INTERVAL,
            {},
            b"##0087QN=20160801085857223;ST=32;CN=1061;PW=123456;MN=%b;Flag=5;CP=&&&&3B80\r\n",
        ),
        (
            Command.SET_TIMEOUT,
            {"ReCount": "3", "OverTime": "5"},
            b"##0107QN=20160801085857223;ST=32;CN=1000;PW=123456;MN=%b;Flag=5;CP=&&OverTime=5;ReCount=3&&CAC1\r\n",
        ),
        (
            Command.FETCH_HOURS,
            {"EndTime": "20160801080000", "BeginTime": "20160801080000"},
            b"##0134QN=20160801085857223;ST=32;CN=2061;PW=123456;MN=%b;Flag=5;CP=&&BeginTime=20160801080000;EndTime=20160801080000&&7EC0\r\n",
        ),
        (
            Command.SET_CLOCK,
            {"PolId": "w01018"},
            b"##0125QN=20160801085857223;ST=32;CN=1012;PW=123456;MN=%b;Flag=5;CP=&&PolId=w01018;SystemTime=20160801085857&&0880\r\n",
        ),
    ],
)
def test_a_request_reads_as_the_standard_prints_it(
    command: Command, parameters: dict[str, str], frame: bytes
) -> None:
    assert request(asked(command, **parameters), spoken(), AT) == frame % MN.encode()


@pytest.mark.parametrize(("dialect", "flag"), [(2005, 1), (2017, 5), (2025, 9)])
def test_it_says_its_dialect_and_asks_for_an_answer(dialect: int, flag: int) -> None:
    packet = parse(one(request(asked(Command.GET_CLOCK), spoken(dialect), AT)).segment)
    assert isinstance(packet, Packet)
    assert (packet.flag, packet.dialect, packet.wants_answer) == (flag, dialect, True)


def test_who_computes_modbus_is_asked_in_modbus_and_who_seals_is_asked_sealed() -> None:
    modbus = one(request(asked(Command.GET_CLOCK), spoken(checksum=FrameVerdict.MODBUS), AT))
    assert modbus.verdict is FrameVerdict.MODBUS
    period = {"BeginTime": "20160801080000", "EndTime": "20160801080000"}
    sealed = request(asked(Command.FETCH_HOURS, **period), spoken(2025, sm4_key=b"k" * 16), AT)
    assert b"BeginTime" not in sealed
    opened = parse(one(sealed, b"k" * 16).segment, b"k" * 16)
    assert isinstance(opened, Packet)
    assert dict(opened.content) == period


def test_a_station_is_spoken_to_as_it_was_heard_and_with_the_kept_password() -> None:
    link = StationLink(
        mn=MN, way=Way.TCP, dialect=2005, system="21", checksum="modswap", address="", heard_at=AT
    )
    secret = StationSecret(password="654321", sm4_key=b"k" * 16)
    assert speech_for(STATION, link, secret, "000000") == Speech(
        dialect=2005, system="21", checksum=FrameVerdict.MODSWAP, password="654321", sm4_key=b"k" * 16
    )
    assert speech_for(STATION, None, StationSecret(), "000000") == Speech(
        dialect=2017, system="32", password="000000"
    )


@given(st.dictionaries(st.text(max_size=25), st.text(max_size=70), min_size=1, max_size=3))
def test_no_parameter_becomes_a_field_of_its_own(parameters: dict[str, str]) -> None:
    command = DeviceCommand(
        id=1,
        mn=MN,
        command=Command.SET_TIMEOUT,
        parameters=parameters,
        asked_by="amy",
        asked_at=AT,
        qn="20160801085857223",
    )
    try:
        packet = parse(one(request(command, spoken(), AT)).segment)
    except BadParametersError:
        return
    assert isinstance(packet, Packet)
    assert dict(packet.content) == parameters
