"""Each dialect gets the acknowledgement that its standard prints, and only when it is asked for."""

import pytest

from ingest.hj212.answers import answer_to
from ingest.hj212.frame import FrameVerdict
from ingest.hj212.framer import one
from ingest.hj212.packet import Packet, parse


def packet(segment: str) -> Packet:
    got = parse(segment.encode())
    assert isinstance(got, Packet)
    return got


HEAD = "QN=20160801085000001;ST=32;CN=2051;PW=123456;MN=010000A8900016F000169DC0;"


def test_the_standards_own_acknowledgement_is_ours() -> None:
    assert answer_to(packet(HEAD + "Flag=5;CP=&&&&")) == (
        b"##0087QN=20160801085000001;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&C241\r\n"
    )


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (HEAD + "Flag=4;CP=&&&&", None),
        (HEAD + "CP=&&&&", None),
        ("CN=2051;MN=A;Flag=5;CP=&&&&", None),
        ("QN=1;CN=9011;MN=A;Flag=5;CP=&&QnRtn=1&&", None),
        ("QN=1;CN=9012;MN=A;Flag=5;CP=&&ExeRtn=1&&", None),
        ("QN=1;CN=9014;MN=A;Flag=5;CP=&&&&", None),
        ("QN=1;CN=2011;PW=x;MN=A;Flag=7;PNUM=2;PNO=1;CP=&&&&", "QN=1;ST=91;CN=9014;PW=x;MN=A;Flag=4;CP=&&&&"),
        ("QN=1;CN=2011;PW=x;MN=A;Flag=9;CP=&&&&", "QN=1;ST=91;CN=9014;PW=x;MN=A;Flag=8;CP=&&&&"),
        ("QN=1;CN=2011;MN=A;Flag=11;CP=&&&&", "QN=1;ST=91;CN=9014;MN=A;Flag=8;CP=&&&&"),
        ("QN=1;CN=1013;PW=x;MN=A;Flag=5;CP=&&&&", "QN=1;ST=91;CN=9013;PW=x;MN=A;Flag=4;CP=&&&&"),
        ("QN=1;CN=9015;MN=A;Flag=9;CP=&&&&", "QN=1;ST=91;CN=9013;MN=A;Flag=8;CP=&&&&"),
        ("QN=1;CN=1001;MN=A;Flag=9;CP=&&i23005-Info=1&&", "QN=1;ST=91;CN=9013;MN=A;Flag=8;CP=&&&&"),
        ("QN=1;CN=1014;MN=A;Flag=9;CP=&&SKCreateTime=1&&", "QN=1;ST=91;CN=9013;MN=A;Flag=8;CP=&&&&"),
        ("ST=32;CN=2051;QN=1;PW=x;MN=A;Flag=1;CP=&&&&", "ST=91;CN=9014;CP=&&QN=1;CN=2051&&"),
        (
            "QN=1;CN=2051;PW=x;MN=A;Flag=3;PNUM=2;PNO=1;CP=&&&&",
            "ST=91;CN=9014;CP=&&QN=1;CN=2051;PNO=1;PNUM=2&&",
        ),
        ("CN=2051;MN=A;Flag=1;CP=&&QN=7&&", "ST=91;CN=9014;CP=&&QN=7;CN=2051&&"),
        ("QN=1;CN=9012;PW=x;MN=A;Flag=1;CP=&&ExeRtn=1&&", "ST=91;CN=9014;CP=&&QN=1;CN=9012&&"),
        ("CN=9012;MN=A;CP=&&QN=1;ExeRtn=1&&", None),
        ("QN=1;CN=9011;PW=x;MN=A;Flag=1;CP=&&QnRtn=1&&", None),
        ("QN=1;CN=1013;PW=x;MN=A;Flag=1;CP=&&&&", "ST=91;CN=9013;PW=x;MN=A;Flag=0;CP=&&QN=1&&"),
    ],
)
def test_an_answer_keeps_request_number_and_version_and_comes_only_when_asked_for(
    asked: str, answered: str | None
) -> None:
    got = answer_to(packet(asked))
    assert (None if got is None else one(got).segment.decode()) == answered


@pytest.mark.parametrize("field", ["QN", "PW"])
@pytest.mark.parametrize("flag", [1, 5, 9])
def test_an_answer_is_never_too_long_for_a_frame(field: str, flag: int) -> None:
    fields = {"QN": "1", "PW": "1"} | {field: "中" * 4900}
    head = "".join(f"{name}={value};" for name, value in fields.items())
    got = parse(f"{head}CN=1013;MN={'A' * 64};Flag={flag};CP=&&&&".encode("gb18030"))
    assert isinstance(got, Packet)
    assert len(answer_to(got) or b"") < 1024


@pytest.mark.parametrize("verdict", [FrameVerdict.PASS, FrameVerdict.MODBUS, FrameVerdict.MODSWAP])
def test_a_logger_is_answered_with_the_checksum_that_it_computes(verdict: FrameVerdict) -> None:
    for flag in (1, 5):
        answer = answer_to(packet(HEAD + f"Flag={flag};CP=&&&&"), verdict)
        assert answer is not None
        assert one(answer).verdict is verdict
