"""Every codec through descriptions and packets: what goes in comes out, and nothing that is broken on the way does harm."""

import base64
import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.rtsp import assembler as assembler_module
from ingest.rtsp import sdp
from ingest.rtsp.assembler import FrameAssembler
from ingest.rtsp.errors import RtspError
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription, access_unit, parameter_sets_in
from ingest.rtsp.messages import Interleaved, serialise
from ingest.rtsp.nal import join_annex_b, split_annex_b
from tests.unit.rtsp.streams import (
    PACKETISERS,
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
from tests.unit.rtsp.wires import NOON, later, mutate, mutations

SETS = {
    Codec.H264: join_annex_b([SPS, PPS]),
    Codec.H265: join_annex_b([VPS5, SPS5, PPS5]),
    Codec.MJPEG: b"",
}
codecs = st.sampled_from(list(Codec))


@given(codecs, st.integers(4, 1400), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF))
def test_pictures_come_out_as_they_went_in_with_packets_of_any_size_across_every_wrap(
    codec: Codec, size: int, first_time: int, first_sequence: int
) -> None:
    whole = [PACKETISERS[codec](number, 60_000) for number in range(5)]
    pieces = [PACKETISERS[codec](number, size) for number in range(5)]
    frames = feed(assembler(codec), rtp(pieces, first_time=first_time, first_sequence=first_sequence))
    before = feed(assembler(codec), rtp(whole))

    assert [access_unit(f, STREAMS[codec]) for f in frames] == [
        access_unit(f, STREAMS[codec]) for f in before
    ]
    assert [f.is_key for f in frames] == [codec is Codec.MJPEG or n % 3 == 0 for n in range(5)]
    assert not any(f.damaged for f in frames)
    assert [f.rtp_time - first_time for f in frames] == [n * 3600 for n in range(5)]


@given(codecs, st.integers(4, 400), st.data())
def test_a_lost_packet_damages_a_picture_and_none_that_is_called_whole(
    codec: Codec, size: int, data: st.DataObject
) -> None:
    packets = rtp([PACKETISERS[codec](number, size) for number in range(6)])
    before = {access_unit(f, STREAMS[codec]) for f in feed(assembler(codec), packets)}
    gone = data.draw(st.integers(1, len(packets) - 2))
    found = feed(assembler(codec), packets[:gone] + packets[gone + 1 :])

    assert {access_unit(f, STREAMS[codec]) for f in found if not f.damaged} <= before
    assert any(f.damaged for f in found)


@settings(max_examples=200)
@given(
    codecs,
    st.integers(4, 400),
    st.lists(st.tuples(st.integers(0, 1000), st.none() | mutations), max_size=12),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), max_size=4),
)
def test_broken_packets_end_in_frames_or_a_named_error_and_in_bounded_memory(
    codec: Codec,
    size: int,
    changes: list[tuple[int, list[tuple[int, int, bytes]] | None]],
    swaps: list[tuple[int, int]],
) -> None:
    packets = rtp([PACKETISERS[codec](number, size) for number in range(6)])
    for a, b in swaps:
        a, b = a % len(packets), b % len(packets)
        packets[a], packets[b] = packets[b], packets[a]
    for place, change in changes:
        at = place % len(packets)
        packets[at : at + 1] = [mutate(packets[at], change)] if change else []
        packets = packets or [b""]
    frames, held = run(codec, packets)

    assert held <= sum(map(len, packets)) + 64 * len(packets)
    for frame in frames:
        access_unit(frame, STREAMS[codec])
        parameter_sets_in(frame, codec)
        if frame.changed is not None:
            access_unit(frame, frame.changed)


def run(codec: Codec, packets: list[bytes]) -> tuple[list[CodedFrame], int]:
    """Frames, and how many bytes the assembler holds at most."""
    one, frames, most = assembler(codec), [], 0
    with contextlib.suppress(RtspError):
        for number, data in enumerate(packets):
            frames += one.receive(data, later(number / 100))
            most = max(most, one._bytes)
    return frames, most


@settings(max_examples=150)
@given(
    codecs,
    st.integers(4, 400),
    st.lists(st.tuples(st.integers(0, 1000), st.none() | mutations), max_size=6),
    st.integers(0, 0xFFFF),
)
@example(Codec.H264, 20, [(7, None)], 0)
def test_packets_taken_out_of_a_stream_in_one_go_give_the_same_as_one_by_one(
    codec: Codec, size: int, changes: list[tuple[int, list[tuple[int, int, bytes]] | None]], sequence: int
) -> None:
    packets = rtp([PACKETISERS[codec](number, size) for number in range(6)], first_sequence=sequence)
    for place, change in changes:
        at = place % len(packets)
        packets[at : at + 1] = [mutate(packets[at], change)] if change else []
        packets = packets or [b""]
    stream = b"".join(serialise(Interleaved(4, data)) for data in packets) + b"$\x04\x05\x00\x80"
    one_by_one, in_one_go = assembler(codec), assembler(codec)
    frames, error = outcome(one_by_one, iter(packets))
    taken, other_error = outcome(in_one_go, left_over(in_one_go, stream))

    assert (taken, other_error) == (frames, error)
    assert (in_one_go.lost, in_one_go.highest_sequence) == (one_by_one.lost, one_by_one.highest_sequence)
    assert in_one_go.take_interleaved(stream, 0, channel=5, now=NOON) == (0, None)


def left_over(one: FrameAssembler, stream: bytes) -> Iterator[bytes | CodedFrame]:
    """The whole packets that are not taken out of a stream of interleaved ones, and the frames that the others end."""
    begin = 0
    while begin < len(stream) - 5:
        begin, ended = one.take_interleaved(stream, begin, channel=4, now=NOON)
        if ended is not None:
            yield ended
        elif begin < len(stream) - 5:
            stop = begin + 4 + int.from_bytes(stream[begin + 2 : begin + 4])
            yield stream[begin + 4 : stop]
            begin = stop


def outcome(one: FrameAssembler, came: Iterator[bytes | CodedFrame]) -> tuple[list[CodedFrame], str | None]:
    frames: list[CodedFrame] = []
    try:
        for data in came:
            frames += [data] if isinstance(data, CodedFrame) else one.receive(data, NOON)
    except RtspError as error:
        return frames, str(error)
    return frames, None


def test_most_packets_are_taken_in_one_go() -> None:
    packets = rtp([PACKETISERS[Codec.H264](number, 20) for number in range(6)])
    stream = b"".join(serialise(Interleaved(4, data)) for data in packets)
    one = assembler()
    left = 0
    for data in left_over(one, stream):
        if isinstance(data, bytes):
            one.receive(data, NOON)
            left += 1

    assert left < len(packets) / 4


@pytest.mark.parametrize("codec", list(Codec))
def test_a_picture_without_end_is_an_error_before_it_fills_the_memory(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembler_module, "MAX_FRAME_BYTES", 20_000)
    one = assembler(codec)
    (packets,) = [rtp([PACKETISERS[codec](0, 100)[:-1] * 200])]
    with pytest.raises(RtspError):
        feed(one, packets)

    assert one._bytes < 22_000


@given(codecs, st.sampled_from([(None, None), (1920, 1080), (2600, 16)]), st.integers(96, 127))
def test_a_description_that_is_written_is_read_again(
    codec: Codec, size: tuple[int | None, int | None], payload_type: int
) -> None:
    told = replace(STREAMS[codec], parameter_sets=SETS[codec])
    if codec is Codec.MJPEG:
        told = replace(told, width=size[0], height=size[1])
    text = sdp.write_sdp(told, name="x", payload_type=payload_type, control="track0")
    (media,) = sdp.parse_sdp(text).media
    read = sdp.describe(media, codec)

    assert sdp.codec_of(media) is codec
    assert (media.payload_type, media.control) == (payload_type, "track0")
    assert (read.parameter_sets, read.clock_rate) == (told.parameter_sets, told.clock_rate)
    if codec is Codec.MJPEG:
        assert (read.width, read.height) == size


@given(codecs, mutations, st.text(max_size=40))
def test_no_description_makes_it_fall_over(
    codec: Codec, changes: list[tuple[int, int, bytes]], noise: str
) -> None:
    told = replace(STREAMS[codec], parameter_sets=SETS[codec], width=640, height=480)
    text = sdp.write_sdp(told, name="x", payload_type=96, control="track0").encode()
    for broken in (mutate(text, changes).decode("utf-8", "replace"), text.decode() + noise):
        for media in sdp.parse_sdp(broken).media:
            for any_codec in Codec:
                assert isinstance(sdp.describe(media, any_codec), StreamDescription)


@pytest.mark.parametrize(
    ("codec", "fmtp", "units"),
    [
        pytest.param(Codec.H264, "sprop-parameter-sets={sps},{pps},", [SPS, PPS], id="a comma too many"),
        pytest.param(Codec.H264, "sprop-parameter-sets={pps},{sps}", [PPS, SPS], id="the wrong way round"),
        pytest.param(Codec.H264, "sprop-parameter-sets={both}", [SPS, PPS], id="with start codes, in one"),
        pytest.param(
            Codec.H264, "sprop-parameter-sets={bad},{sps}", [SPS], id="something else (VStarcam, retina 42)"
        ),
        pytest.param(Codec.H264, "sprop-parameter-sets={sps0},{pps}", [SPS, PPS], id="zeros behind"),
        pytest.param(Codec.H264, "packetization-mode=1", [], id="none (mediamtx 787)"),
        pytest.param(Codec.H265, "sprop-sps={sps5};sprop-pps={pps5}", [SPS5, PPS5], id="no VPS"),
        pytest.param(Codec.H265, "sprop-vps=;sprop-sps=;sprop-pps=", [], id="empty (Hikvision, go2rtc 99)"),
    ],
)
def test_sloppy_parameter_sets_are_understood(codec: Codec, fmtp: str, units: list[bytes]) -> None:
    values = {
        name: base64.b64encode(value).decode()
        for name, value in {
            "sps": SPS, "pps": PPS, "both": join_annex_b([SPS, PPS]), "sps0": SPS + b"\x00\x00", "bad": b"\xe9abc",
            "sps5": SPS5, "pps5": PPS5,
        }.items()
    }  # fmt: skip
    (media,) = sdp.parse_sdp(
        f"m=video 0 RTP/AVP 96\na=rtpmap:96 {codec}/90000\na=fmtp:96 {fmtp.format(**values)}"
    ).media

    assert sdp.describe(media, codec).parameter_sets == join_annex_b(units)


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("a=framesize:26 1920-1080", (1920, 1080)),
        ("a=x-dimensions:2592,1944", (2592, 1944)),
        ("a=framesize:26 0-0", (None, None)),
        ("a=framesize:26 99999-1", (None, None)),
    ],
)
def test_sizes_are_read_from_the_attributes_that_cameras_use(
    line: str, size: tuple[int | None, int | None]
) -> None:
    (media,) = sdp.parse_sdp(f"m=video 0 RTP/AVP 26\n{line}").media
    description = sdp.describe(media, Codec.MJPEG)

    assert (description.width, description.height) == size


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_a_whole_access_unit_of_another_reader_is_taken_as_it_is(codec: Codec) -> None:
    (frame,) = feed(assembler(codec), rtp([PACKETISERS[codec](0, 1400)]))
    unit = access_unit(frame, STREAMS[codec])
    key = CodedFrame(packets=(unit,), rtp_time=0, received_at=NOON, captured_at=None, is_key=True, whole=True)
    bare = join_annex_b(split_annex_b(unit)[-1:])

    assert access_unit(key, STREAMS[codec]) == unit
    described = replace(STREAMS[codec], parameter_sets=SETS[codec])
    assert access_unit(replace(key, packets=(bare,)), described) == SETS[codec] + bare
    assert join_annex_b(parameter_sets_in(key, codec)) == SETS[codec]


def test_a_whole_jpeg_of_another_reader_is_taken_as_it_is() -> None:
    key = CodedFrame(
        packets=(jpeg(),), rtp_time=0, received_at=NOON, captured_at=None, is_key=True, whole=True
    )

    assert access_unit(key, STREAMS[Codec.MJPEG]) == jpeg()
    assert parameter_sets_in(key, Codec.MJPEG) == ()
