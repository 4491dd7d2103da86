"""Coded frames to pictures."""

import io

import av
import cv2
import numpy as np
import pytest

from ingest.cameras import stills
from ingest.cameras.attention import Batch
from ingest.cameras.decoding import DECODE_ERRORS, FrameDecoder, reduced_size, to_picture
from ingest.rtsp.frames import Codec, CodedFrame
from tests.support.cameras import AT, H264, coded, frame, squares


def batch(*frames: CodedFrame, restart: bool = True, alone: bool = False) -> Batch:
    return Batch(frames=frames, restart=restart, alone=alone, skipped=0)


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
        pts += [f.pts for f, _ in decoder.decode(batch(*frames[i : i + 8], restart=i == 0), H264)]
    assert pts == sorted(pts)
    assert len(pts) >= 40 - b_frames


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
