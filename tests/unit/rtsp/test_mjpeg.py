"""JPEG in RTP: pictures come out as they went in, whoever says what of their headers."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.rtsp import jpeg as jpeg_files
from ingest.rtsp import mjpeg
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import Codec, access_unit
from tests.unit.rtsp.streams import assembler, feed, jpeg, rtp


def decoded(picture: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)


@settings(max_examples=40)
@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.integers(1, 100),
    st.integers(0, 3),
    st.booleans(),
    st.integers(200, 1500),
)
def test_pictures_survive_packets_of_any_size(
    blocks: tuple[int, int], quality: int, restart: int, halved: bool, max_payload: int
) -> None:
    picture = jpeg(8 * blocks[0], 8 * blocks[1], quality, restart=restart, halved=halved)
    packets = mjpeg.packetise(picture, max_payload)
    again = mjpeg.depacketise(packets)

    assert all(len(packet) <= max_payload for packet in packets)
    assert np.array_equal(decoded(again), decoded(picture))
    assert [packet[4] for packet in packets] == [(0 if not restart else 64) + halved] * len(packets)


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 75, 99])
def test_a_quality_factor_stands_for_the_tables_that_everybody_has(quality: int) -> None:
    picture = jpeg(quality=quality)
    (packet,) = mjpeg.packetise(picture, 60_000)
    begin = 12 + int.from_bytes(packet[10:12])
    by_factor = packet[:5] + bytes((quality,)) + packet[6:8] + packet[begin:]

    assert np.array_equal(decoded(mjpeg.depacketise([by_factor])), decoded(picture))


def _without_tables(packet: bytes, q: int) -> bytes:
    return packet[:5] + bytes((q,)) + packet[6:8] + bytes(4) + packet[12 + int.from_bytes(packet[10:12]) :]


def _with_q(packet: bytes, q: int) -> bytes:
    return packet[:5] + bytes((q,)) + packet[6:]


def test_tables_that_came_once_serve_later_pictures_of_the_same_factor() -> None:
    picture = jpeg()
    (first,) = mjpeg.packetise(picture, 60_000)
    stream = [[_without_tables(first, 200)], [_with_q(first, 200)], [_without_tables(first, 200)]]
    before, told, later = feed(assembler(Codec.MJPEG), rtp([*stream]))

    assert (before.damaged, told.damaged, later.damaged) == (True, False, False)
    for frame in (told, later):
        unit = access_unit(frame, assembler(Codec.MJPEG).description)
        assert np.array_equal(decoded(unit), decoded(picture))


def test_what_came_before_a_gap_is_shown_and_a_picture_without_beginning_is_none() -> None:
    picture = jpeg(128, 128, 95)
    packets = mjpeg.packetise(picture, 1000)
    part = mjpeg.depacketise(packets[:3] + packets[4:])

    assert len(packets) > 5
    assert part == mjpeg.depacketise(packets[:3])
    assert np.array_equal(decoded(part)[:16], decoded(picture)[:16])
    assert mjpeg.depacketise(packets[1:]) == b""
    assert mjpeg.depacketise([]) == b""


def test_large_pictures_have_the_size_of_their_description() -> None:
    picture = jpeg(2600, 16)
    payloads = mjpeg.packetise(picture, 60_000)
    one = assembler(Codec.MJPEG, width=2600, height=16)
    (frame,) = feed(one, rtp([payloads]))

    assert mjpeg.size(payloads[0]) is None
    assert decoded(access_unit(frame, one.description)).shape == (16, 2600, 3)
    assert frame.changed is None


def test_a_large_picture_whose_size_nobody_tells_is_a_named_problem() -> None:
    with pytest.raises(RtspError) as caught:
        feed(assembler(Codec.MJPEG), rtp([mjpeg.packetise(jpeg(2600, 16), 60_000)]))

    assert caught.value.reason is Problem.UNSUPPORTED_CODEC


def test_a_size_between_blocks_is_that_of_the_description() -> None:
    one = assembler(Codec.MJPEG, width=61, height=45)
    first, second = feed(one, rtp([mjpeg.packetise(jpeg(61, 45)), mjpeg.packetise(jpeg(96, 48))]))

    assert first.changed is None
    assert decoded(access_unit(first, assembler(Codec.MJPEG, width=61, height=45).description)).shape == (
        45,
        61,
        3,
    )
    assert second.changed is not None
    assert (second.changed.width, second.changed.height) == (96, 48)


def test_a_whole_file_in_packets_is_taken_as_it_is() -> None:
    picture = jpeg()
    (packet,) = mjpeg.packetise(picture, 60_000)
    whole = packet[:5] + b"\x50" + packet[6:8] + picture

    assert mjpeg.depacketise([whole]) == picture
    assert mjpeg.size(whole[:6] + bytes(2) + picture) == (64, 48)


def test_three_tables_serve_three_components() -> None:
    shape, scan = jpeg_files.take_apart(jpeg())
    luma, chroma = shape.tables
    (packet,) = mjpeg.packetise(jpeg(), 60_000)
    three = packet[:10] + (192).to_bytes(2, "big") + luma + chroma + chroma + scan

    assert np.array_equal(decoded(mjpeg.depacketise([three])), decoded(jpeg()))


@pytest.mark.parametrize(
    "picture",
    [b"", b"no picture", b"\xff\xd8\xff\xd9", jpeg()[:100], jpeg().replace(b"\xff\xc0", b"\xff\xc2")],
)
def test_what_is_no_baseline_picture_cannot_be_sent(picture: bytes) -> None:
    with pytest.raises(ValueError, match="JPEG"):
        mjpeg.packetise(picture)


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_nonsense_gives_a_picture_or_nothing_and_never_raises(packets: list[bytes]) -> None:
    unit = mjpeg.depacketise(packets)

    assert unit == b"" or unit.startswith(b"\xff\xd8")
    for packet in packets:
        mjpeg.glance(packet)
        mjpeg.tables_of(packet)
        jpeg_files.size_of(packet)


def test_a_files_own_headers_tell_its_size() -> None:
    assert jpeg_files.size_of(jpeg(72, 40)) == (72, 40)
    assert jpeg_files.size_of(b"no picture") is None
