"""Picture sizes of what encoders and cameras write."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp import h264, h265
from ingest.rtsp.frames import NAL_FORMATS, Codec
from ingest.rtsp.nal import join_annex_b, split_annex_b

# scottlamb/retina issue 102 (Reolink): an SPS with zeros and rubbish at its end, which strict readers refuse
REOLINK = bytes.fromhex("67640033ac1514a0a03da1000004f6000063380404")


def sets_of(encoder: str, width: int, height: int, pixels: str, options: str) -> list[bytes]:
    context = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.pix_fmt = width, height, pixels
    context.time_base, context.thread_count = Fraction(1, 25), 1
    name = "x264-params" if encoder == "libx264" else "x265-params"
    context.options = {"preset": "ultrafast", name: options}
    picture = np.zeros((height, width, 3), np.uint8)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)
    frame.pts = 0
    packets = [*context.encode(frame), *context.encode(None)]
    return [unit for packet in packets for unit in split_annex_b(bytes(packet))]


def as_decoded(decoder: str, units: list[bytes]) -> tuple[int, int]:
    """Width and height of the memory that a decoder uses for a picture."""
    context = av.CodecContext.create(decoder, "r")
    context.thread_count = 1
    context.decode(av.Packet(join_annex_b(units)))
    return context.coded_width, context.coded_height


@pytest.mark.parametrize(
    ("width", "height", "pixels", "options"),
    [
        (64, 48, "yuv420p", ""),
        (322, 242, "yuv420p", ""),
        (176, 144, "yuv422p", ""),
        (98, 66, "yuv444p", ""),
        (64, 96, "yuv420p", "interlaced=1"),
        (64, 48, "yuv420p", "cqm=jvt"),
        (64, 48, "yuv420p10le", ""),
    ],
)
def test_h264_sizes_are_those_that_were_coded(width: int, height: int, pixels: str, options: str) -> None:
    units = sets_of("libx264", width, height, pixels, options)
    (sps,) = [unit for unit in units if h264.nal_type(unit) == h264.SPS]

    assert h264.picture_size(sps) == (width, height)
    assert h264.coded_size(sps) == as_decoded("h264", units)


@pytest.mark.parametrize(
    ("width", "height", "pixels", "options"),
    [
        (64, 48, "yuv420p", ""),
        (322, 242, "yuv420p", ""),
        (98, 66, "yuv444p", ""),
        (176, 144, "yuv422p10le", ""),
        (64, 64, "yuv420p", "temporal-layers=3"),
    ],
)
def test_h265_sizes_are_those_that_were_coded(width: int, height: int, pixels: str, options: str) -> None:
    quiet = "pools=none:frame-threads=1:log-level=none"
    units = sets_of("libx265", width, height, pixels, ":".join(filter(None, [quiet, options])))
    (sps,) = [unit for unit in units if h265.nal_type(unit) == h265.SPS]

    assert h265.picture_size(sps) == (width, height)
    assert h265.coded_size(sps) == as_decoded("hevc", units)


def test_a_parameter_set_with_rubbish_at_its_end_is_understood() -> None:
    assert h264.picture_size(REOLINK) == (640, 480)


def test_profiles_of_single_layers_are_passed_over() -> None:
    """H.265 §7.3.3; x265 writes none, some cameras with several layers do."""
    profile = "0" * 88 + "01011010"
    ids, yuv420, width, height = "1", "010", "00000000001" + "0100000001", "0000000001" + "111100001"
    bits = (
        "0000" + "001" + "1" + profile + "11" + "0" * 14 + profile + ids + yuv420 + width + height + "0" * 20
    )
    sps = b"\x42\x01" + int(bits.ljust(-len(bits) % 8 + len(bits), "0"), 2).to_bytes(
        (len(bits) + 7) // 8, "big"
    )

    assert h265.picture_size(sps) == (1280, 992)


@given(st.binary(max_size=60), st.sampled_from([Codec.H264, Codec.H265]))
def test_nonsense_has_no_size_or_one_within_reason(noise: bytes, codec: Codec) -> None:
    size = NAL_FORMATS[codec].picture_size(noise)

    assert size is None or all(0 < side <= 16_384 for side in size)


@given(st.integers(0, len(REOLINK)), st.integers(0, 255))
def test_a_cut_or_broken_set_never_raises(at: int, byte: int) -> None:
    h264.picture_size(REOLINK[:at])
    h264.picture_size(REOLINK[:at] + bytes((byte,)) + REOLINK[at + 1 :])
