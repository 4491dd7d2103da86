"""Whose frame it is, by MN, address, checksum and password."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.device import StationSecret
from farwatch.domain.place import Position
from farwatch.domain.registry import CrcPolicy, Registry, Station
from ingest.hj212.encode import encode
from ingest.hj212.frame import Frame, FrameVerdict
from ingest.hj212.framer import one
from ingest.loggers.admission import Admitted, Turned, admit, comes_from

KEY = b"0123456789abcdef"
STATION = Station(mn="MN1", enterprise="E1", name="stack", place=Position(30, 120), medium="air")
SECRETS = {
    "stack": StationSecret(password="654321"),
    "sealed": StationSecret(password="654321", sm4_key=KEY),
}


def said(
    mn: str = "MN1", pw: str = "654321", crc: FrameVerdict = FrameVerdict.PASS, key: bytes | None = None
) -> Frame:
    content = "DataTime=20260302120000;a21026-Rtd=31.2,a21026-Flag=N"
    raw = encode(
        mn=mn,
        cn="2011",
        st="31",
        pw=pw,
        qn="20260302120000000",
        flag=5,
        content=content,
        crc=crc,
        sm4_key=key,
    )
    return one(raw)


def ask(frame: Frame, station: Station = STATION, address: str = "127.0.0.1") -> Admitted | Turned:
    return admit(frame, address, Registry(stations={"MN1": station}), SECRETS)


def is_proven(admission: Admitted | Turned) -> bool:
    assert isinstance(admission, Admitted)
    return admission.packet is not None


def test_a_frame_of_nobody_or_from_elsewhere_is_turned_away_by_name() -> None:
    bound = replace(STATION, source="127.0.0.1")
    assert ask(said("OTHER")) == Turned("OTHER", "unknown_station")
    assert ask(one(b"what is this\r\n")) == Turned("", "no_mn")
    assert ask(said(), bound, "127.0.0.2") == Turned("MN1", "wrong_source")
    assert is_proven(ask(said(), bound, "127.0.0.1"))


@pytest.mark.parametrize(
    ("credential", "pw", "is_taken"),
    [
        ("", "anything", True),
        ("stack", "654321", True),
        ("stack", "123456", False),
        ("stack", "", False),
        ("stack", "密码", False),
    ],
)
def test_a_password_is_asked_for_where_a_credential_is_named(
    credential: str, pw: str, is_taken: bool
) -> None:
    assert is_proven(ask(said(pw=pw), replace(STATION, credential=credential))) is is_taken


def test_a_credential_that_nobody_kept_proves_nothing() -> None:
    assert not is_proven(ask(said(), replace(STATION, credential="lost")))


@pytest.mark.parametrize(
    ("policy", "is_taken"),
    [(CrcPolicy.STRICT, False), (CrcPolicy.ACCEPT_MODBUS, True), (CrcPolicy.IGNORE, True)],
)
def test_which_checksums_prove_a_frame_is_the_stations_policy(policy: CrcPolicy, is_taken: bool) -> None:
    for crc in (FrameVerdict.MODBUS, FrameVerdict.MODSWAP):
        admission = ask(said(crc=crc), replace(STATION, crc=policy))
        assert is_proven(admission) is is_taken
        assert not is_taken or (isinstance(admission, Admitted) and admission.checksum is crc)


def test_sealed_content_is_opened_with_the_stations_key() -> None:
    admission = ask(said(key=KEY), replace(STATION, credential="sealed"))
    assert isinstance(admission, Admitted)
    assert admission.packet is not None
    assert admission.packet.field("a21026-Rtd") == "31.2"
    assert not is_proven(ask(said(key=KEY[::-1]), replace(STATION, credential="sealed")))
    assert not is_proven(ask(said(), replace(STATION, credential="sealed")))


@pytest.mark.parametrize(
    ("source", "address", "is_from"),
    [
        ("10.1.0.0/16", "10.1.2.3", True),
        ("10.1.0.0/16", "10.2.2.3", False),
        ("10.1.2.9/16", "10.1.2.3", True),
        ("10.1.2.3", "::ffff:10.1.2.3", True),
        ("fd00::/8", "fd12::1%eth0", True),
        ("10.1.0.0/16", "fd12::1", False),
        ("not an address", "10.1.2.3", False),
        ("10.1.2.3", "", False),
    ],
)
def test_an_address_or_a_network_is_the_source(source: str, address: str, is_from: bool) -> None:
    assert comes_from(source, address) is is_from


@given(st.binary(max_size=300))
def test_whatever_comes_is_decided(data: bytes) -> None:
    for raw in (data, b"##0020" + data, said().raw[:40] + data):
        assert isinstance(ask(one(raw)), Admitted | Turned)
