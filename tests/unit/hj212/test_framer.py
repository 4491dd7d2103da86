"""Good frames come out whole and in order, whatever stands between them and however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.registry import CrcPolicy
from ingest.hj212 import checksum
from ingest.hj212.frame import Frame, FrameVerdict, is_allowed
from ingest.hj212.framer import Framer, frames_of, one
from tests.support.hj212 import (
    MN,
    SEGMENT,
    chunks,
    crc_by_the_standard,
    data_segment,
    frame,
    modbus_by_the_book,
)

CRC = crc_by_the_standard(SEGMENT.encode())
MODBUS = modbus_by_the_book(SEGMENT.encode())
SWAPPED = (MODBUS & 0xFF) << 8 | MODBUS >> 8
PASS, MODBUS_, MODSWAP, BADLEN, FAIL = FrameVerdict


@pytest.mark.parametrize(
    ("written", "verdict", "reason"),
    [
        (frame(SEGMENT), PASS, "ok"),
        (frame(SEGMENT, tail=b""), PASS, "ok"),
        (frame(SEGMENT, tail=b"\n"), PASS, "ok"),
        (frame(SEGMENT, tail=b"**\r\n"), PASS, "ok"),
        (b"\r\n " + frame(SEGMENT), PASS, "ok"),
        (b"2026-11-22 10:00:00 recv: " + frame(SEGMENT), PASS, "ok"),
        (frame(SEGMENT, crc=f"{CRC:04x}"), PASS, "ok"),
        (frame(SEGMENT, length=f"{len(SEGMENT)}"), PASS, "ok"),
        (frame(SEGMENT, crc=MODBUS), MODBUS_, "crc_modbus"),
        (frame(SEGMENT, crc=SWAPPED), MODSWAP, "crc_modbus_swapped"),
        (frame(SEGMENT, length=len(SEGMENT) + 2), BADLEN, "bad_length"),
        (frame(SEGMENT, length=len(SEGMENT) - 9), BADLEN, "bad_length"),
        (frame(SEGMENT, length=9999), BADLEN, "bad_length"),
        (frame(SEGMENT, length=0), BADLEN, "bad_length"),
        (frame(SEGMENT, length="01A1"), BADLEN, "bad_length"),
        (frame(SEGMENT, length=""), BADLEN, "bad_length"),
        (frame(SEGMENT, length=f"{len(SEGMENT):05d}"), BADLEN, "bad_length"),
        (frame(SEGMENT[:-2]), PASS, "ok"),
        (frame(SEGMENT, crc=CRC ^ 1), FAIL, "bad_crc"),
        (frame(SEGMENT, crc="WXYZ"), FAIL, "bad_length_and_crc"),
        (frame(SEGMENT, length=len(SEGMENT) + 2, crc=CRC ^ 1), FAIL, "bad_length_and_crc"),
        (frame(SEGMENT, length=len(SEGMENT) + 90, crc=CRC ^ 1), FAIL, "cut_short"),
        (frame(SEGMENT)[:-60], FAIL, "cut_short"),
        (frame(SEGMENT, crc=crc_by_the_standard(frame(SEGMENT, tail=b"")[:-4])), FAIL, "crc_with_head"),
        (b"hello", FAIL, "rubbish"),
        (b"", FAIL, "rubbish"),
        (b"##", FAIL, "rubbish"),
        (b"##no length", FAIL, "rubbish"),
    ],
)
def test_a_frame_gets_the_verdict_that_its_length_and_checksum_deserve(
    written: bytes, verdict: FrameVerdict, reason: str
) -> None:
    got = one(written)
    assert (got.verdict, got.reason) == (verdict, reason)


def test_a_checksum_without_its_leading_zeros_is_the_checksum() -> None:
    segments = (data_segment(0, f"a21026-EFlag={n:04X}") for n in range(0x10000))
    segment = next(s for s in segments if 0 < crc_by_the_standard(s.encode()) < 0x1000)
    short = f"{crc_by_the_standard(segment.encode()):X}"
    after = data_segment(1)
    for tail in (b"\r\n", b""):
        got = frames_of(frame(segment, crc=short, tail=tail) + frame(after))
        assert [f.segment.decode() for f in got] == [segment, after]
    assert one(frame(segment, crc=short, tail=b"")).verdict is PASS
    assert one(frame(segment, crc=short[:2], tail=b"")).verdict is FAIL


def test_a_short_checksum_is_no_proof_where_the_segment_does_not_end_as_one() -> None:
    segments = (f"{SEGMENT[:-2]}{n:04X}" for n in range(0x10000))
    segment = next(s for s in segments if 0 < crc_by_the_standard(s.encode()) < 0x1000)
    assert one(frame(segment)).verdict is PASS
    assert one(frame(segment, crc=f"{crc_by_the_standard(segment.encode()):X}")).verdict is FAIL


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (CrcPolicy.STRICT, [True, False, False, False, False, False]),
        (CrcPolicy.ACCEPT_MODBUS, [True, True, True, False, False, False]),
        (CrcPolicy.IGNORE, [True, True, True, False, True, False]),
    ],
)
def test_a_stations_policy_says_which_checksums_count_and_a_wrong_length_never_does(
    policy: CrcPolicy, allowed: list[bool]
) -> None:
    got = [
        one(frame(SEGMENT)), one(frame(SEGMENT, crc=MODBUS)), one(frame(SEGMENT, crc=SWAPPED)),
        one(frame(SEGMENT, length=9)), one(frame(SEGMENT, crc=CRC ^ 1)), one(frame(SEGMENT)[:-60]),
    ]  # fmt: skip
    assert [is_allowed(f, policy) for f in got] == allowed


BROKEN = st.sampled_from(
    [
        frame(SEGMENT, length=len(SEGMENT) + 2, tail=b""),
        frame(SEGMENT, length=len(SEGMENT) + 2),
        frame(SEGMENT, length=900),
        frame(SEGMENT, length=9999, tail=b""),
        frame(SEGMENT, length=20, tail=b""),
        frame(SEGMENT, length=0),
        frame(SEGMENT, crc=CRC ^ 0x40, tail=b""),
        frame(SEGMENT, crc=CRC ^ 0x40),
        frame(SEGMENT, crc="zzzz"),
        frame(SEGMENT)[:100],
        frame(SEGMENT)[100:],
        frame(SEGMENT)[:7],
        b"##",
        b"#",
        b"##12",
        b"##9999",
        b"####",
        b"##0005",
    ]
)
NOTHING = st.sampled_from([b"", b"\r\n", b"\n", b"**\r\n", b"  ", b"\0\0"])
RUBBISH = st.one_of(
    NOTHING, BROKEN, st.binary(max_size=40), st.text("#0129ABF&=\r\n", max_size=30).map(str.encode)
)


@given(st.lists(RUBBISH, min_size=1, max_size=6), st.lists(st.integers(0, 5000), max_size=12), st.randoms())
def test_no_rubbish_and_no_cutting_loses_reorders_or_invents_a_good_frame(
    between: list[bytes], cuts: list[int], random: object
) -> None:
    good = [data_segment(n) for n in range(len(between))]
    sent = b"".join(part + frame(segment, tail=b"") for part, segment in zip(between, good, strict=True))
    framer = Framer()
    got: list[Frame] = []
    for piece in chunks(sent, cuts):
        got += framer.feed(piece)
    got += framer.finish()
    assert [f.segment.decode() for f in got if f.verdict is PASS] == good


@given(st.lists(RUBBISH, min_size=1, max_size=4), st.lists(st.integers(0, 5000), max_size=12))
def test_how_the_bytes_are_cut_changes_no_verdict(between: list[bytes], cuts: list[int]) -> None:
    sent = b"".join(part + frame(data_segment(n)) for n, part in enumerate(between))
    cut, whole = Framer(), Framer()
    pieces: list[Frame] = []
    for piece in chunks(sent, cuts):
        pieces += cut.feed(piece)
    assert pieces + cut.finish() == whole.feed(sent) + whole.finish()


def test_every_byte_alone_gives_the_same_frames() -> None:
    sent = (
        b"noise"
        + frame(SEGMENT, tail=b"**\r\n")
        + frame(SEGMENT, length=30)
        + frame(data_segment(1), tail=b"")
    )
    framer = Framer()
    got = [f for n in range(len(sent)) for f in framer.feed(sent[n : n + 1])] + framer.finish()
    assert [f.reason for f in got] == ["rubbish", "ok", "bad_length", "ok"]


@pytest.mark.parametrize("broken", [frame(SEGMENT)[:100], frame(SEGMENT, length=900, tail=b""), b"##9999"])
def test_a_neighbour_whose_length_has_two_digits_is_seen_behind_a_broken_frame(broken: bytes) -> None:
    short = f"QN=20261122100000001;ST=91;CN=9021;PW=1;MN={MN};CP=&&&&"
    neighbour = frame(short, length=f"{len(short)}", tail=b"")
    assert len(neighbour) < 100
    for cut in range(len(broken), len(broken) + 8):
        framer = Framer()
        sent = broken + neighbour
        got = [*framer.feed(sent[:cut]), *framer.feed(sent[cut:]), *framer.finish()]
        assert [f.segment.decode() for f in got if f.verdict is PASS] == [short]


def test_a_frame_within_a_log_text_is_text() -> None:
    inner = frame(SEGMENT, tail=b"").decode()
    log = SEGMENT.replace("CN=2011", "CN=3020").replace("a21026-Rtd=31.2", f"i21001-Info=//{inner}//")
    assert [f.segment.decode() for f in frames_of(frame(log) + frame(SEGMENT))] == [log, SEGMENT]


def test_a_frame_cut_short_whose_length_reaches_to_its_neighbours_end_costs_only_itself() -> None:
    """Each checksum is one of 256, so for some first part the neighbour's own checksum fits the whole."""
    neighbour = frame(SEGMENT, tail=b"")
    for n in range(2000):
        cut = f"QN={n};ST=31;CN=2011"
        sent = f"##{len(cut) + len(neighbour) - 4:04d}".encode() + cut.encode() + neighbour
        assert [f.segment.decode() for f in frames_of(sent) if f.verdict is PASS] == [SEGMENT]


def test_what_a_too_large_length_holds_back_comes_when_nothing_more_is_heard() -> None:
    framer = Framer()
    assert framer.feed(frame(SEGMENT, length=9000) + frame(data_segment(1))) == []
    assert [f.reason for f in framer.finish()] == ["bad_length", "ok"]
    assert [f.reason for f in framer.feed(frame(SEGMENT))] == ["ok"]
    assert framer.held_bytes <= 2


HOSTILE = {
    "heads whose length ends on four digits": b"##9999ABCD",
    "heads whose segment closes": b"##9999A&&ABC",
    "heads alone": b"##",
    "heads and lengths": b"##9999",
    "marks": b"#",
    "short lengths": b"##0001A1234",
    "lines": b"##9999ABCD0\n",
    "binary": bytes(range(256)),
}


def test_rubbish_without_an_end_comes_in_pieces() -> None:
    framer = Framer()
    got = [*framer.feed(b"x" * 100_000), *framer.finish()]
    assert {f.reason for f in got} == {"rubbish"}
    assert sum(len(f.raw) for f in got) == 100_000
    assert max(len(f.raw) for f in got) < 11_000


def count_checksums(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes that all checksums look at; none of them ever fits."""
    looked_at: list[int] = []

    def counted(data: bytes) -> int:
        looked_at.append(len(data))
        return 0x10000

    monkeypatch.setattr(checksum, "hj212", counted)
    monkeypatch.setattr(checksum, "modbus", counted)
    return looked_at


def test_a_frame_that_failed_is_not_tried_again_with_every_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = count_checksums(monkeypatch)
    framer = Framer()
    framer.feed(b"##1000" + b"A" * 990)
    for _ in range(3000):
        framer.feed(b"A")
    assert sum(looked_at) <= 3 * 1000


@pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE)
def test_work_on_hostile_bytes_is_linear(pattern: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: how many bytes all checksums together looked at."""
    looked_at = count_checksums(monkeypatch)
    for size in (50_000, 200_000):
        looked_at.clear()
        sent = pattern * (size // len(pattern))
        framer = Framer()
        for start in range(0, len(sent), 1000):
            framer.feed(sent[start : start + 1000])
        framer.finish()
        assert sum(looked_at) <= 12 * size + 100_000


@pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_are_never_held_longer_than_a_frame_could_be(pattern: bytes) -> None:
    sent = pattern * (100_000 // len(pattern))
    framer = Framer()
    for start in range(0, len(sent), 4096):
        framer.feed(sent[start : start + 4096])
        assert framer.held_bytes < 16_000
    framer.finish()
    assert framer.held_bytes == 0
