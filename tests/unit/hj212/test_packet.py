"""Segments as the standard prints them and as the field sends them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hj212.content import items_of, pairs_of, text_of, time_of, time_text, written
from ingest.hj212.encode import TooLongError, encode, encode_packet, encode_split
from ingest.hj212.framer import Framer, one
from ingest.hj212.packet import Malformed, Packet, mn_of, parse
from tests.support.hj212 import MN, SEGMENT


def parsed(segment: str | bytes) -> Packet:
    packet = parse(segment.encode() if isinstance(segment, str) else segment)
    assert isinstance(packet, Packet)
    return packet


CONTENT = (
    ("DataTime", "20261122100000"),
    ("a21026-Rtd", "31.2"),
    ("a21026-ZsRtd", "40.1"),
    ("a21026-Flag", "N"),
)


def test_a_segment_of_the_standard_is_read_whole() -> None:
    packet = parsed(SEGMENT)
    assert packet == Packet(
        mn=MN, cn="2011", st="31", pw="123456", qn="20261122100000001", flag=5, content=CONTENT
    )
    assert (packet.dialect, packet.wants_answer) == (2017, True)
    assert packet.sent_at == datetime(2026, 11, 22, 2, 0, 0, 1000, tzinfo=UTC)
    assert packet.data_at == datetime(2026, 11, 22, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ("QN=20261122100000001;ST=31;CN=2011;", "ST=31;CN=2011;QN=20261122100000001;"),
        (f"PW=123456;MN={MN}", f"MN={MN};PW=123456"),
        ("Flag=5;CP", "Flag=5CP"),
        ("001;ST", "001,ST"),
        (";MN=", ";,MN="),
        (";Flag", "; Flag"),
        ("Flag=", "FLAG="),
        ("CP=&&", "CP=&& "),
        ("CP=&&", "CP= &&"),
        ("CP=&&", "CP="),
        ("-Flag=N", "-Flag=N;"),
        ("-Flag=N", "-Flag=N "),
        ("a21026-ZsRtd=40.1", "a21026-ZsRtd = 40.1"),
        ("31.2,", "31.2;"),
        ("-Flag=N&&", "-Flag=N"),
        ("-Flag=N&&", "-Flag=N&"),
    ],
)
def test_what_the_field_does_to_it_changes_nothing(change: str, to: str) -> None:
    assert change in SEGMENT
    got = parsed(SEGMENT.replace(change, to, 1))
    assert [p for p in got.content if p[1] != "N&"] == [
        p for p in CONTENT if not (to == "-Flag=N&" and p[1] == "N")
    ]
    assert (got.mn, got.cn, got.qn, got.flag, got.st, got.pw) == (
        MN,
        "2011",
        "20261122100000001",
        5,
        "31",
        "123456",
    )


@pytest.mark.parametrize(
    ("head", "dialect", "answer"),
    [
        ("", 2005, False), ("Flag=0;", 2005, False), ("Flag=1;", 2005, True), ("Flag=3;", 2005, True),
        ("Flag=4;", 2017, False), ("Flag=5;", 2017, True), ("Flag=7;", 2017, True),
        ("Flag=8;", 2025, False), ("Flag=9;", 2025, True), ("Flag=11;", 2025, True), ("Flag=255;", 2025, True),
        ("Flag=;", 2005, False), ("Flag=x;", 2005, False), ("Flag=-5;", 2005, False), ("Flag=５;", 2005, False),
    ],
)  # fmt: skip
def test_flag_says_dialect_and_whether_an_answer_is_wanted(head: str, dialect: int, answer: bool) -> None:
    packet = parsed(f"CN=2011;MN=A;{head}CP=&&&&")
    assert (packet.dialect, packet.wants_answer) == (dialect, answer)


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        ("", "no_cn"),
        ("CP=&&&&", "no_cn"),
        ("MN=A;CN=20x1;CP=&&&&", "no_cn"),
        ("CN=2011;CP=&&&&", "no_mn"),
        ("CN=2011;MN=;CP=&&&&", "no_mn"),
        ("CN=2011;MN=a/b;CP=&&&&", "bad_mn"),
        ("CN=2011;MN=a b;CP=&&&&", "bad_mn"),
        ("CN=2011;MN=" + "A" * 65 + ";CP=&&&&", "bad_mn"),
        ("CN=2011;MN=排口;CP=&&&&", "bad_mn"),
    ],
)
def test_what_names_no_station_or_command_is_refused_by_name(segment: str, reason: str) -> None:
    got = parse(segment.encode())
    assert isinstance(got, Malformed)
    assert got.reason == reason


@pytest.mark.parametrize(
    "mn", ["492149", "3C70-E489-59D193769F", "A_1", "x" * 28, "010000A8900016F000169DC0"]
)
def test_names_of_every_kind_and_length_are_taken(mn: str) -> None:
    assert parsed(f"CN=2011;MN={mn};CP=&&&&").mn == mn == mn_of(f"CN=2011;MN={mn};CP=&&&&".encode())


def test_split_and_back_filled_packets_say_so() -> None:
    packet = parsed("QN=1;CN=2061;MN=A;Flag=11;PNO=2;PNUM=3;RF=1;CP=&&&&")
    assert (packet.pno, packet.pnum, packet.is_backfill) == (2, 3, True)
    assert not parsed("CN=2061;MN=A;RF=0;CP=&&&&").is_backfill
    assert parsed("CN=2061;MN=A;PNO=99999999999;CP=&&&&").pno is None


@pytest.mark.parametrize("field", ["QN", "PW", "ST"])
def test_a_field_that_is_too_long_to_go_back_is_none(field: str) -> None:
    """GBK grows when it is answered in UTF-8: 9,800 bytes of it would be an answer that no frame can hold."""
    segment = f"{field}=".encode() + "中".encode("gb18030") * 4900 + b";CN=2011;MN=A;Flag=5;CP=&&&&"
    assert segment.index(b"CP=") < 9999
    got = parse(segment)
    assert isinstance(got, Packet)
    assert getattr(got, field.lower()) == ""
    assert parsed(f"CN=2011;MN=A;CP=&&QN={'9' * 65}&&").qn == ""


def test_an_event_time_may_leave_out_its_seconds() -> None:
    packet = parsed("CN=2011;MN=A;QN=202611221000;CP=&&DataTime=202611221000&&")
    assert packet.data_at == datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert packet.sent_at is None


def test_in_2005_the_request_number_is_content_and_9014_names_nobody() -> None:
    packet = parsed("ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051&&")
    assert (packet.mn, packet.qn, packet.dialect) == ("", "20040516010101001", 2005)


def test_comma_between_the_times_of_a_request_and_a_packet_without_content() -> None:
    packet = parsed("CN=2051;MN=A;CP=&&BeginTime=20261122000000,EndTime=20261122010000&&")
    assert (packet.field("BeginTime"), packet.field("EndTime")) == ("20261122000000", "20261122010000")
    assert parsed("CN=9015;MN=A;Flag=8;").content == ()


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_log_texts_are_read_in_both_encodings_and_stay_whole(encoding: str) -> None:
    text = "//清洗管路,第1次;完成=是 ##0005CN=1&&0000//"
    packet = parsed(f"CN=3020;MN=A;CP=&&PolId=w01018;i11001-Info={text},i12003-Info =0&&".encode(encoding))
    assert packet.content == (("PolId", "w01018"), ("i11001-Info", text), ("i12003-Info", "0"))


def test_a_text_without_its_end_hides_nothing_after_it() -> None:
    assert pairs_of("a=//x;b=1") == (("a", "//x"), ("b", "1"))
    assert pairs_of("a=//x;y//;b=//z,c=2") == (("a", "//x;y//"), ("b", "//z"), ("c", "2"))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_text_that_a_database_takes(data: bytes) -> None:
    text = text_of(data)
    assert "\0" not in text
    assert text.encode().decode() == text


@given(st.binary(max_size=300))
def test_any_bytes_are_a_packet_or_refused_by_name(data: bytes) -> None:
    for segment in (data, b"CN=2011;MN=A;" + data, b"CN=3020;MN=A;CP=&&//" + data + b"&&"):
        got = parse(segment)
        assert isinstance(got, Packet) or got.reason


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("20261122100000", datetime(2026, 11, 22, 2, tzinfo=UTC)),
        ("20261122100000123", datetime(2026, 11, 22, 2, 0, 0, 123000, tzinfo=UTC)),
        ("20280229000000", datetime(2028, 2, 28, 16, tzinfo=UTC)), ("20270229000000", None),
        ("20261231235959", datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)), ("20261122100060", None),
        ("20260230100000", None), ("20261122240000", None), ("00010101000000", None), ("2026112210000", None),
        ("", None), ("２０２６１１２２１０００００", None), ("+2026112210000", None), ("20261122 10000", None),
    ],
)  # fmt: skip
def test_times_are_local_and_impossible_ones_are_none(text: str, at: datetime | None) -> None:
    assert time_of(text) == at


def test_request_numbers_are_times_also_in_milliseconds_since_1970() -> None:
    assert parsed("QN=1617957600465;CN=2011;MN=A;CP=&&&&").sent_at == datetime(
        2021, 4, 9, 8, 40, 0, 465000, tzinfo=UTC
    )
    assert parsed("QN=9999999999999;CN=2011;MN=A;CP=&&&&").sent_at is None
    assert parsed("QN=abc;CN=2011;MN=A;CP=&&&&").sent_at is None


@given(st.integers(8 * 10**11, 4 * 10**12).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC)))
def test_a_time_written_is_read_again(at: datetime) -> None:
    assert time_of(time_text(at)) == at.replace(microsecond=0)
    assert time_of(time_text(at, milliseconds=True)) == at - timedelta(microseconds=at.microsecond % 1000)


NAME = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789_-", min_size=1, max_size=12)
VALUE = st.text("0123456789.-+eNFabc清洗 ", max_size=12).map(str.strip)
PACKETS = st.builds(
    Packet,
    mn=st.from_regex(r"[A-Za-z0-9_-]{6,28}", fullmatch=True),
    cn=st.from_regex(r"[1-9][0-9]{3}", fullmatch=True),
    st=st.sampled_from(["21", "31", "91"]),
    pw=st.sampled_from(["", "123456"]),
    qn=st.sampled_from(["", "20261122100000001"]),
    flag=st.one_of(st.none(), st.integers(0, 255)),
    pnum=st.one_of(st.none(), st.integers(1, 9999)),
    pno=st.one_of(st.none(), st.integers(1, 9999)),
    is_backfill=st.booleans(),
    content=st.lists(st.tuples(NAME.filter(lambda name: name != "QN"), VALUE), max_size=20).map(tuple),
)
KEYS = st.one_of(st.none(), st.binary(min_size=16, max_size=16))


@given(PACKETS, KEYS)
def test_a_packet_written_is_read_again(packet: Packet, key: bytes | None) -> None:
    frame = one(encode_packet(packet, sm4_key=key), key)
    assert frame.reason == "ok"
    assert parse(frame.segment) == packet


@given(PACKETS.filter(lambda p: p.qn), st.integers(0, 120))
def test_a_long_packet_is_split_at_its_items_and_nothing_is_lost(packet: Packet, n: int) -> None:
    fields = tuple((f"x{i:05d}-{kind}", f"{i}.25") for i in range(n) for kind in ("Avg", "Flag"))
    whole = Packet(
        mn=packet.mn,
        cn="2061",
        qn=packet.qn,
        flag=packet.flag,
        content=(("DataTime", "20261122100000"), *fields),
    )
    frames = encode_split(whole)
    parts = [parse(f.segment) for f in Framer().feed(b"".join(frames))]
    assert all(len(f) <= 1024 + 12 for f in frames)
    assert all(isinstance(p, Packet) for p in parts)
    got = [p for p in parts if isinstance(p, Packet)]
    assert tuple(pair for p in got for pair in p.content if pair[0] != "DataTime") == fields
    assert {p.data_at for p in got} == {whole.data_at}
    if len(got) > 1:
        assert [(p.pno, p.pnum) for p in got] == [(i, len(got)) for i in range(1, len(got) + 1)]
        assert len({p.qn for p in got}) == len(got)
        assert all(p.flag is None or p.flag & 2 for p in got)


def test_fields_of_a_code_stay_together() -> None:
    assert items_of(CONTENT) == ["DataTime=20261122100000", "a21026-Rtd=31.2,a21026-ZsRtd=40.1,a21026-Flag=N"]
    assert f"CP=&&{written(CONTENT)}&&" in SEGMENT


def test_a_segment_that_no_length_can_say_is_refused() -> None:
    with pytest.raises(TooLongError):
        encode(mn=MN, cn="3020", content="x" * 9990)
