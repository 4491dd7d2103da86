"""What cameras really send, against the standards or at their edge: pictures come out all the same."""

from dataclasses import replace

import pytest

from ingest.rtsp import h264, h265, mjpeg
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import Codec, CodedFrame, access_unit, from_key_on, parameter_sets_in, spread
from ingest.rtsp.nal import join_annex_b, split_annex_b
from tests.unit.rtsp.streams import (
    DELTA,
    DELTA5,
    KEY,
    KEY5,
    LATER_SLICE,
    PPS,
    PPS5,
    SPS,
    SPS5,
    STREAMS,
    VPS5,
    assembler,
    feed,
    jpeg,
    rtp,
)
from tests.unit.rtsp.wires import NOON, later, packet

SMALL_SPS = bytes.fromhex("6742c00ada11e840000003004000000c83c489a8")  # 64 x 48
ANNEX_B = join_annex_b([SPS, PPS, KEY])
DELIMITER, REMARK = b"\x09\xf0", b"\x06\x05\x02ab\x80"


def units(frame: CodedFrame, codec: Codec = Codec.H264) -> list[bytes]:
    return split_annex_b(access_unit(frame, STREAMS[codec]))


def fragments(unit: bytes, size: int = 100) -> list[bytes]:
    return h264.packetise([unit], size)


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([ANNEX_B], id="start codes before all units, in one packet"),
        pytest.param([ANNEX_B[4:]], id="start codes between units (V380, retina 68)"),
        pytest.param(fragments(ANNEX_B[4:]), id="the same in fragments (V380, retina 100 and 108)"),
        pytest.param([SPS + b"\x00\x00", PPS + b"\x00", KEY], id="zeros behind parameter sets"),
        pytest.param([DELIMITER, SPS, PPS, KEY], id="a delimiter in a packet of its own"),
        pytest.param(
            [SPS, PPS, REMARK, b"\x7c\xc5" + KEY[1:]], id="a fragment that begins and ends (retina 131)"
        ),
        pytest.param(
            [*fragments(SPS, 12), PPS, KEY], id="parameter sets in fragments (OvenMediaEngine 2032)"
        ),
        pytest.param(
            [b"\x39\x00\x07" + b"".join(len(u).to_bytes(2) + u for u in (SPS, PPS)), KEY], id="STAP-B"
        ),
        pytest.param(
            [b"\x3a\x00\x07" + b"".join(len(u).to_bytes(2) + b"\x00\x00\x00" + u for u in (SPS, PPS, KEY))],
            id="MTAP16",
        ),
        pytest.param(
            [b"\x3b\x00\x07" + b"".join(len(u).to_bytes(2) + bytes(4) + u for u in (SPS, PPS, KEY))],
            id="MTAP24",
        ),
        pytest.param(
            [SPS, PPS, b"\x7d\x85\x00\x09" + KEY[1:90], b"\x7c\x05" + KEY[90:180], b"\x7c\x45" + KEY[180:]],
            id="FU-B",
        ),
    ],
)
def test_a_key_frame_is_found_and_whole_however_it_is_packed(payloads: list[bytes]) -> None:
    (frame,) = feed(assembler(), rtp([payloads]))
    found = [unit for unit in units(frame) if unit not in (DELIMITER, REMARK)]

    assert (frame.is_key, frame.damaged) == (True, False)
    assert found == [SPS, PPS, KEY]
    assert parameter_sets_in(frame, Codec.H264) == (SPS, PPS)


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([join_annex_b([VPS5, SPS5, PPS5, KEY5])], id="start codes before all units"),
        pytest.param([VPS5, SPS5 + b"\x00", PPS5, KEY5], id="zeros behind parameter sets"),
        pytest.param([b"\x46\x01\x50", VPS5, SPS5, PPS5, KEY5], id="a delimiter in a packet of its own"),
        pytest.param([VPS5, SPS5, PPS5, b"\x62\x01\xd3" + KEY5[2:]], id="a fragment that begins and ends"),
    ],
)
def test_an_h265_key_frame_is_found_and_whole_however_it_is_packed(payloads: list[bytes]) -> None:
    (frame,) = feed(assembler(Codec.H265), rtp([payloads]))

    assert (frame.is_key, frame.damaged) == (True, False)
    assert units(frame, Codec.H265)[-4:] == [VPS5, SPS5, PPS5, KEY5]


def test_parameter_sets_under_the_last_pictures_time_belong_to_the_next() -> None:
    """Reolink (retina 13): SPS and PPS with the old timestamp and markers of their own, behind the picture's marker."""
    packets = [
        packet(0, 0, DELTA, marker=True),
        packet(1, 0, SPS, marker=True),
        packet(2, 0, PPS, marker=True),
        packet(3, 3600, KEY, marker=True),
    ]
    before, key = feed(assembler(), packets)

    assert units(before) == [DELTA]
    assert (key.is_key, key.rtp_time, units(key)) == (True, 3600, [SPS, PPS, KEY])


@pytest.mark.parametrize(
    ("codec", "first", "later"),
    [(Codec.H264, KEY, LATER_SLICE), (Codec.H265, KEY5, b"\x26\x01\x20" + b"e" * 50)],
)
def test_markers_between_slices_are_not_believed_twice(codec: Codec, first: bytes, later: bytes) -> None:
    packets = [packet(n, n // 3 * 3600, later if n % 3 else first, marker=True) for n in range(13)]
    found = feed(assembler(codec), packets)
    whole = [units(frame, codec) for frame in found if not frame.damaged]

    assert whole[-3:] == [[first, later, later]] * 3
    assert len(found) <= 6


def test_slices_of_one_picture_come_as_one() -> None:
    (frame,) = feed(assembler(), rtp([[SPS, PPS, KEY, LATER_SLICE, LATER_SLICE]]))

    assert units(frame) == [SPS, PPS, KEY, LATER_SLICE, LATER_SLICE]


@pytest.mark.parametrize("codec", list(Codec))
def test_a_stream_that_is_joined_within_a_picture_begins_with_a_damaged_one(codec: Codec) -> None:
    payloads = {
        Codec.H264: h264.packetise([SPS, PPS, KEY], 100)[2:],
        Codec.H265: h265.packetise([VPS5, SPS5, PPS5, KEY5], 100)[2:],
        Codec.MJPEG: mjpeg.packetise(jpeg(), 500)[1:],
    }[codec]
    (frame,) = feed(assembler(codec), rtp([payloads]))

    assert frame.damaged


@pytest.mark.parametrize(
    ("codec", "sets", "key", "delta"),
    [(Codec.H264, [SPS, PPS], KEY, DELTA), (Codec.H265, [VPS5, SPS5, PPS5], KEY5, DELTA5)],
)
def test_parameter_sets_that_come_once_are_in_every_key_frame(
    codec: Codec, sets: list[bytes], key: bytes, delta: bytes
) -> None:
    pictures = [[*sets, key], [delta], [key], [delta]]
    by_stream = feed(assembler(codec), rtp(pictures))
    by_description = feed(assembler(codec, parameter_sets=join_annex_b(sets)), rtp([*pictures[1:]]))

    for frame in (by_stream[0], by_stream[2], by_description[1]):
        assert units(frame, codec) == [*sets, key]
    assert units(by_stream[1], codec) == [delta]


def test_sets_that_change_in_mid_stream_replace_those_of_their_kind() -> None:
    other = PPS + b"\x01"
    frames = feed(assembler(), rtp([[SPS, PPS, KEY], [other, KEY], [KEY]]))

    assert units(frames[2]) == [SPS, other, KEY]
    assert [frame.changed is not None for frame in frames] == [True, False, False]


def test_a_delimiter_stays_in_front_of_sets_that_are_put_in() -> None:
    one = assembler(parameter_sets=join_annex_b([SPS, PPS]))
    (frame,) = feed(one, rtp([[DELIMITER, KEY]]))

    assert units(frame) == [DELIMITER, SPS, PPS, KEY]


def test_another_size_in_mid_stream_is_told_once_with_the_key_frame_that_has_it() -> None:
    frames = feed(
        assembler(), rtp([[SPS, PPS, KEY], [DELTA], [SPS, PPS, KEY], [SMALL_SPS, PPS, KEY], [DELTA], [KEY]])
    )
    told = {n: (f.changed.width, f.changed.height) for n, f in enumerate(frames) if f.changed is not None}

    assert told == {0: (240, 160), 3: (64, 48)}
    assert frames[3].changed is not None
    assert frames[3].changed.parameter_sets == join_annex_b([SMALL_SPS, PPS])


def test_a_size_that_the_description_told_is_no_news() -> None:
    frames = feed(assembler(width=240, height=160), rtp([[SPS, PPS, KEY], [DELTA]]))

    assert all(frame.changed is None for frame in frames)


def test_a_recovery_point_begins_where_there_are_no_key_frames() -> None:
    point = b"\x06\x06\x01" + b"\x24\x80"  # recovery_frame_cnt 00100 = 3
    frames = feed(assembler(), rtp([[SPS, PPS, KEY], [DELTA], [point, DELTA], [REMARK, DELTA]]))

    assert [(frame.is_key, frame.recovery_frames) for frame in frames] == [
        (True, 0),
        (False, 0),
        (True, 3),
        (False, 0),
    ]


def test_parameter_sets_before_every_frame_make_no_key_frames() -> None:
    frames = feed(assembler(), rtp([[SPS, PPS, KEY], [SPS, PPS, DELTA], [SPS, PPS, b"\x41\x88" + DELTA]]))

    assert [frame.is_key for frame in frames] == [True, False, True]


def test_pictures_shown_before_the_key_frame_that_a_clip_begins_with_are_left_out() -> None:
    frames = feed(assembler(), rtp([[KEY], [DELTA], [KEY], [DELTA]]))
    shown = [3, 1, 2, 4, 8, 6, 7, 5]
    kinds = [True, False, False, False, True, False, False, False]
    stream = [
        CodedFrame(packets=frames[0].packets, rtp_time=t, received_at=NOON, captured_at=None, is_key=k)
        for t, k in zip(shown, kinds, strict=True)
    ]

    assert [frame.rtp_time for frame in from_key_on(stream)] == [3, 4, 8, 6, 7, 5]
    assert from_key_on([]) == []


def test_frames_that_were_read_at_once_came_one_after_the_other() -> None:
    frames = [frame for data in rtp([[DELTA]] * 4) for frame in assembler().receive(data, later(10))]
    spaced = spread(frames, later(8))

    assert [(frame.received_at - later(8)).total_seconds() for frame in spaced] == [0.5, 1.0, 1.5, 2.0]
    assert [replace(frame, received_at=later(10)) for frame in spaced] == frames
    assert spread(frames[:1], later(8)) == frames[:1]
    assert spread([], later(8)) == []


@pytest.mark.parametrize("codec", list(Codec))
def test_a_camera_that_sends_something_else_than_it_described_is_let_go(codec: Codec) -> None:
    sends = {
        Codec.H264: h265.packetise([VPS5, SPS5, PPS5, KEY5, *[DELTA5] * 20], 60),
        Codec.H265: h264.packetise([SPS, PPS, KEY, *[DELTA] * 20], 60),
        Codec.MJPEG: [b"\x65\x88"],
    }[codec]
    with pytest.raises(RtspError) as caught:
        feed(assembler(codec), rtp([sends] * 300))

    assert caught.value.reason is Problem.CLOSED


@pytest.mark.parametrize(("marker", "enough"), [(0x80, 26), (0, 251)])
def test_a_payload_type_that_nobody_described_is_let_go_unless_pictures_come_too(
    marker: int, enough: int
) -> None:
    foreign = [bytes((0x80, marker | 97)) + data[2:] for data in rtp([[DELTA]] * enough)]
    both = assembler()
    for number, data in enumerate(foreign):
        both.receive(data, NOON)
        both.receive(packet(number, number, DELTA, marker=True), NOON)
    one = assembler()
    feed(one, foreign[:-1])
    with pytest.raises(RtspError) as caught:
        feed(one, foreign[-1:])

    assert caught.value.reason is Problem.CLOSED
