"""Drawn pictures and clips become loops that begin anywhere and join at the end, once only; a clip becomes a camera."""

import asyncio
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from ingest.rtsp import h264
from ingest.rtsp.auth import Credential
from ingest.rtsp.nal import split_annex_b
from ingest.rtsp.session import RtspReader
from simulators import encoding
from simulators.camera import serve_file
from simulators.coded_loop import CLOCK_RATE, CodedLoop, access_unit, load_loop, save_loop
from simulators.encoding import ClipError, cached_pictures, encode_clip, encode_pictures
from tests.integration.rtsp_places import CLOCK, drawn_pictures, made_up_loop, read_frames


def write_clip(path: Path, *, rate: int, count: int, width: int = 128, height: int = 96) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, rate)
        for number, picture in enumerate(drawn_pictures(count, width, height)):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decode(loop: CodedLoop, first: int = 0) -> list[npt.NDArray[np.uint8]]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    packets = [av.Packet(access_unit(picture)) for picture in loop.pictures[first:]]
    return [
        frame.to_ndarray(format="gray") for packet in [*packets, None] for frame in decoder.decode(packet)
    ]


def test_pictures_are_coded_with_a_key_frame_each_second_at_which_decoding_can_begin() -> None:
    loop = encode_pictures(drawn_pictures(36), rate=12)

    assert (loop.width, loop.height, loop.duration) == (128, 96, 3 * CLOCK_RATE)
    assert [picture.pts for picture in loop.pictures] == [n * CLOCK_RATE // 12 for n in range(36)]
    assert [n for n, picture in enumerate(loop.pictures) if picture.is_key] == [0, 12, 24]
    for picture in loop.pictures:
        kinds = [unit[0] & 0x1F for unit in h264.depacketise(picture.packets)]
        assert (h264.IDR_SLICE in kinds and h264.SPS in kinds and h264.PPS in kinds) is picture.is_key
    assert [unit[0] & 0x1F for unit in split_annex_b(loop.parameter_sets)] == [h264.SPS, h264.PPS]
    from_the_middle, original = decode(loop, 12), list(drawn_pictures(36))[12:]
    assert len(from_the_middle) == 24
    for shown, drawn in zip(from_the_middle, original, strict=True):
        assert np.abs(shown.astype(int) - drawn[:, :, 0].astype(int)).mean() < 8


def test_no_pictures_make_no_loop() -> None:
    with pytest.raises(ValueError, match="at least one"):
        encode_pictures(iter(()), rate=12)


@pytest.mark.parametrize(("rate", "kept_per_second"), [(10, 10), (25, 25), (30, 25), (50, 25)])
def test_a_clip_keeps_its_pace_up_to_25_pictures_a_second(
    tmp_path: Path, rate: int, kept_per_second: int
) -> None:
    loop = encode_clip(write_clip(tmp_path / "clip.avi", rate=rate, count=2 * rate))

    assert len(loop.pictures) == 2 * kept_per_second
    assert loop.duration / CLOCK_RATE == pytest.approx(2.0, abs=0.03)
    steps = [b.pts - a.pts for a, b in pairwise(loop.pictures)]
    assert max(steps) <= 2 * CLOCK_RATE / rate + 1
    assert len(decode(loop)) == len(loop.pictures)


@pytest.mark.parametrize(
    ("max_height", "size"), [(None, (130, 98)), (50, (66, 50)), (51, (68, 50)), (500, (130, 98))]
)
def test_a_clip_keeps_its_size_or_is_scaled_down(
    tmp_path: Path, max_height: int | None, size: tuple[int, int]
) -> None:
    clip = write_clip(tmp_path / "clip.avi", rate=10, count=3, width=130, height=98)
    loop = encode_clip(clip, max_height=max_height)

    assert (loop.width, loop.height) == size
    assert decode(loop)[0].shape == size[::-1]


def test_long_clips_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MAX_CLIP_S", 1.0)
    loop = encode_clip(write_clip(tmp_path / "clip.avi", rate=10, count=25))

    assert len(loop.pictures) == 10
    assert loop.duration == pytest.approx(CLOCK_RATE, rel=0.11)


def test_what_was_coded_once_is_taken_from_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "clip.avi", rate=10, count=5)
    loop = encode_clip(clip, tmp_path / "loops")
    (kept,) = (tmp_path / "loops").iterdir()
    drawn = cached_pictures(tmp_path / "drawn", "bar 1", drawn_pictures(3), rate=12)

    def never() -> Iterator[npt.NDArray[np.uint8]]:
        raise AssertionError("drawn again")
        yield

    monkeypatch.setattr(encoding, "_encode_clip", never)
    assert encode_clip(clip.rename(tmp_path / "renamed.avi"), tmp_path / "loops") == loop
    assert load_loop(kept) == loop
    assert cached_pictures(tmp_path / "drawn", "bar 1", never(), rate=12) == drawn
    with pytest.raises(AssertionError):
        cached_pictures(tmp_path / "drawn", "bar 2", never(), rate=12)


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[:-1], lambda b: b + b"x", lambda b: b[:0], lambda b: b[:40], lambda b: b"?" + b[1:]],
)
def test_a_broken_cache_file_is_no_loop(tmp_path: Path, damage: object) -> None:
    save_loop(made_up_loop(), path := tmp_path / "one.loop")
    assert load_loop(path) == made_up_loop()
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]

    assert load_loop(path) is None


@pytest.mark.parametrize("content", [b"", b"no video at all", None])
def test_a_file_without_video_is_a_named_error(tmp_path: Path, content: bytes | None) -> None:
    clip = tmp_path / "clip.mp4"
    if content is not None:
        clip.write_bytes(content)

    with pytest.raises(ClipError, match=r"clip\.mp4"):
        encode_clip(clip)


async def test_a_clip_becomes_a_camera_at_a_free_port_and_stops_when_told(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", rate=10, count=10)
    stop, urls = asyncio.Event(), asyncio.Queue[str](1)
    async with asyncio.TaskGroup() as group:
        group.create_task(
            serve_file(clip, "rtsp://127.0.0.1:0/yard", "u", "p", CLOCK, stop, announce=urls.put_nowait)
        )
        async with asyncio.timeout(20):
            url = await urls.get()
        reader = RtspReader(url, Credential("u", "p"), CLOCK)
        description = await reader.open()
        (first, *_) = await read_frames(reader, 3)
        await reader.close()
        stop.set()

    assert url.startswith("rtsp://127.0.0.1:")
    assert url.endswith("/yard")
    assert description.parameter_sets
    assert first.is_key
