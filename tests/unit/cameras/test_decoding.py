"""Coded frames to pictures."""

import io
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from ingest.cameras import stills
from ingest.cameras.attention import Batch
from ingest.cameras.decoding import (
    DECODE_ERRORS,
    Decoders,
    FrameDecoder,
    is_disposable,
    reduced_size,
    to_picture,
)
from ingest.rtsp.frames import Codec, CodedFrame
from tests.support.cameras import AT, H264, coded, frame, squares


def batch(
    *frames: CodedFrame, restart: bool = True, alone: bool = False, show_every_s: float | None = 0.18
) -> Batch:
    return Batch(frames=frames, restart=restart, alone=alone, skipped=0, show_every_s=show_every_s)


@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_key_frame_alone_gives_its_picture_at_once(b_frames: int) -> None:
    decoder = FrameDecoder(Codec.H264)
    keys = [f for f in coded(40, b_frames=b_frames) if f.is_key]
    for key in keys:
        assert [coded for _, coded in decoder.decode(batch(key, alone=True), H264)] == [key]
    assert len(keys) == 4


@pytest.mark.parametrize("b_frames", [0, 2])
def test_frames_that_follow_each_other_give_pictures_in_the_order_of_showing(b_frames: int) -> None:
    decoder, frames = FrameDecoder(Codec.H264), coded(40, b_frames=b_frames)
    pts = []
    for i in range(0, 40, 8):
        piece = batch(*frames[i : i + 8], restart=i == 0, show_every_s=0.0)
        pts += [f.pts for f, _ in decoder.decode(piece, H264)]
    assert pts == sorted(pts)
    assert len(pts) >= 40 - b_frames


def test_frames_that_no_other_needs_are_decoded_only_when_they_are_to_be_shown() -> None:
    frames = coded(60, b_frames=2, fps=25, key_every=60, more=":b-pyramid=0:open-gop=0")
    free = sum(is_disposable(f, Codec.H264) for f in frames)
    assert free == pytest.approx(40, abs=2)
    shown = list(FrameDecoder(Codec.H264).decode(batch(*frames), H264))
    assert len(shown) < 60 - free / 2
    at = [c.received_at for _, c in shown]
    assert max((b - a).total_seconds() for a, b in pairwise(at)) <= 0.18 + 0.08
    last = list(FrameDecoder(Codec.H264).decode(batch(*frames, show_every_s=None), H264))
    assert len(last) <= 60 - free + 1


@pytest.mark.parametrize("codec", [Codec.MJPEG, Codec.H264, Codec.H265])
def test_of_pictures_that_need_no_other_only_those_to_be_shown_are_decoded(codec: Codec) -> None:
    frames = coded(50, fps=25, key_every=1, codec=codec)
    decoded = list(FrameDecoder(codec).decode(batch(*frames), replace(H264, codec=codec)))
    assert len(decoded) == pytest.approx(10, abs=1)


def test_pictures_do_not_depend_on_what_was_left_out() -> None:
    frames = coded(60, b_frames=2, fps=25, key_every=60, more=":b-pyramid=0:open-gop=0")
    every = {f.pts: f for f, _ in FrameDecoder(Codec.H264).decode(batch(*frames, show_every_s=0.0), H264)}
    for frame_, _ in FrameDecoder(Codec.H264).decode(batch(*frames), H264):
        assert np.array_equal(frame_.to_ndarray(), every[frame_.pts].to_ndarray())


def test_key_frames_of_many_cameras_share_a_decoder_of_each_kind() -> None:
    decoders, used = Decoders(), set()
    small, large = replace(H264, width=320, height=240), replace(H264, width=640, height=480)
    for _ in range(3):
        for description, width in ((small, 320), (large, 640)):
            with decoders.lend(description) as decoder:
                used.add(decoder)
                key = coded(1, width=width)[0]
                ((decoded, _),) = decoder.decode(batch(key, alone=True), description)
                assert decoded.width == width
    assert len(used) == 2


def test_two_cameras_at_once_never_share_a_decoder_and_one_that_failed_is_not_lent_again() -> None:
    decoders = Decoders()
    with decoders.lend(H264) as one, decoders.lend(H264) as other:
        assert one is not other
    with pytest.raises(DECODE_ERRORS), decoders.lend(H264) as failed:
        list(failed.decode(batch(frame(0, key=True), alone=True), H264))
    for _ in range(3):
        with decoders.lend(H264) as decoder:
            assert decoder is not failed


@pytest.mark.parametrize("device", ["cuda", "vaapi", "qsv", "no such thing"])
@pytest.mark.parametrize("codec", list(Codec))
def test_where_the_hardware_does_not_decode_the_cpu_does(device: str, codec: Codec) -> None:
    decoder = FrameDecoder(codec, device)
    description = replace(H264, codec=codec)
    shown = list(decoder.decode(batch(coded(1, codec=codec)[0], alone=True), description))
    assert [(f.width, f.height) for f, _ in shown] == [(320, 240)]
    if device == "no such thing":
        assert not decoder.is_hardware


def test_that_the_hardware_is_not_there_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    decoders = Decoders("no such thing")
    for _ in range(3):
        decoders.make(Codec.H264)
    assert [record.message for record in caplog.records] == [
        "no such thing does not decode h264 here: the CPU does"
    ]


def test_another_size_in_mid_stream_is_decoded_at_that_size() -> None:
    decoder = FrameDecoder(Codec.H264)
    for width in (320, 640, 320):
        first, *_ = coded(10, width=width)
        ((decoded, _),) = decoder.decode(batch(first, alone=True), H264)
        assert decoded.width == width


def test_the_picture_is_what_was_drawn() -> None:
    width, height = 1280, 960
    (decoded, _) = next(
        iter(FrameDecoder(Codec.H264).decode(batch(coded(1, width=width)[0], alone=True), H264))
    )
    picture = to_picture(decoded, "c1", AT)
    drawn = cv2.cvtColor(next(squares(1, width, height)), cv2.COLOR_BGR2YUV_I420)
    y = cv2.resize(drawn[:height], (640, 480), interpolation=cv2.INTER_AREA)
    assert (picture.width, picture.height, picture.at) == (640, 480, AT)
    assert np.abs(np.asarray(picture.y).astype(int) - y).mean() < 2
    assert picture.y.shape == (480, 640)
    assert picture.u.shape == picture.v.shape == (240, 320)
    assert picture.y.c_contiguous
    assert picture.u.c_contiguous


@pytest.mark.parametrize("layout", ["yuv420p", "yuvj420p", "nv12", "yuv422p", "yuv420p10le"])
def test_every_layout_gives_the_same_planes(layout: str) -> None:
    image = next(squares(1, 320, 240))
    plain = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
    picture = to_picture(plain.reformat(format=layout), "c1", AT)
    expected = to_picture(plain, "c1", AT)
    if layout == "yuvj420p":  # full range: the values stay as the camera sent them
        assert np.asarray(picture.y).max() > np.asarray(expected.y).max()
        return
    for name in ("y", "u", "v"):
        a, b = np.asarray(getattr(picture, name)), np.asarray(getattr(expected, name))
        assert np.abs(a.astype(int) - b).max() <= 3  # chroma resampled twice


@pytest.mark.parametrize(
    ("size", "reduced"),
    [((1920, 1080), (640, 360)), ((640, 480), (640, 480)), ((322, 242), (322, 242)), ((1, 1), (2, 2)), ((3840, 2161), (640, 360))],
)  # fmt: skip
def test_sizes_are_even_and_at_most_640_wide(size: tuple[int, int], reduced: tuple[int, int]) -> None:
    assert reduced_size(*size) == reduced


def test_a_picture_outlives_its_frame() -> None:
    decoder, frames = FrameDecoder(Codec.H264), coded(20)
    pictures = [to_picture(f, "c1", c.received_at) for f, c in decoder.decode(batch(*frames), H264)]
    left = [int(np.asarray(p.y)[60].argmax()) for p in pictures]
    assert left == sorted(left)
    assert left[-1] - left[0] == pytest.approx(4 * 19, abs=4)


def test_nonsense_is_a_named_error_and_the_next_key_frame_decodes() -> None:
    decoder = FrameDecoder(Codec.H264)
    with pytest.raises(DECODE_ERRORS):
        list(decoder.decode(batch(frame(0, key=True), alone=True), H264))
    assert len(list(decoder.decode(batch(coded(1)[0], alone=True), H264))) == 1


def test_stills_are_the_whole_picture_and_the_marked_one_has_the_box() -> None:
    (decoded, _) = next(
        iter(FrameDecoder(Codec.H264).decode(batch(coded(1, width=640)[0], alone=True), H264))
    )
    plain = cv2.imdecode(np.frombuffer(stills.original(decoded), np.uint8), cv2.IMREAD_COLOR)
    marked = cv2.imdecode(
        np.frombuffer(stills.marked(decoded, (0.25, 0.25, 0.5, 1.5)), np.uint8), cv2.IMREAD_COLOR
    )
    assert plain.shape == marked.shape == (480, 640, 3)
    changed = np.argwhere(np.abs(plain.astype(int) - marked).max(axis=2) > 100)
    assert changed[:, 0].min() == pytest.approx(120, abs=3)
    assert changed[:, 1].min() == pytest.approx(160, abs=3)
    assert changed[:, 1].max() == pytest.approx(320, abs=3)
    assert changed[:, 0].max() >= 476


def test_the_live_still_is_a_small_jpeg() -> None:
    (decoded, _) = next(
        iter(FrameDecoder(Codec.H264).decode(batch(coded(1, width=1280)[0], alone=True), H264))
    )
    jpeg = stills.live(to_picture(decoded, "c1", AT))
    with av.open(io.BytesIO(jpeg), format="mjpeg") as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (640, 480)
    assert len(jpeg) < 60_000


def test_a_clock_that_is_set_back_within_a_batch_leaves_out_no_more_than_usual() -> None:
    frames = coded(40, codec=Codec.MJPEG)
    moved = [
        replace(f, received_at=f.received_at - timedelta(hours=1)) if i >= 20 else f
        for i, f in enumerate(frames)
    ]
    shown = list(FrameDecoder(Codec.MJPEG).decode(batch(*moved), replace(H264, codec=Codec.MJPEG)))
    assert len(shown) >= 20
