"""What the cameras of the benchmark look at, coded once as a camera codes it and kept in a folder.

1080p25 at a constant 4 Mbit/s, a key frame every two seconds, no B-frames, the noise of a sensor in every picture; labelled
clips at their own size. `clips` is a folder with INDEX.csv; where there is none, the drawn scenes take its place.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from ingest.rtsp import h264
from ingest.rtsp.nal import join_annex_b, split_annex_b
from simulators.coded_loop import CLOCK_RATE, CodedLoop, CodedPicture, load_loop, save_loop
from simulators.scenes import make_scene

Image = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]

WIDTH, HEIGHT, RATE, BITS_PER_S = 1920, 1080, 25.0, 4_000_000
KEY_EVERY_S = 2.0
QUIET_S, STILL_S = 20.0, 21.0
LEAD_S = 10.0
"""Coded and left out: so long the encoder's rate control looks for its level, which no camera does that is up for days."""
NOISE_SIGMA = 1.5
HELD_RATE = 5.0
"""Pictures a second of a sequence of stills: each is held until the next one."""
_FORMAT = "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A labelled clip of a fixed camera: what happens in it, where (shares of the picture, None: anywhere), and its loop's file."""

    name: str
    rule: str
    truth: Box | None
    loop: Path


def quiet_loop(folder: Path, clips: Path) -> Path:
    """A street at rest."""
    first = next(_busy_images(clips))
    return _kept(
        folder, f"quiet {_FORMAT}", lambda: _noisy(first for _ in range(round((LEAD_S + QUIET_S) * RATE)))
    )


def busy_loop(folder: Path, clips: Path) -> Path:
    """A minute in which somebody comes, puts down a bag and leaves it."""
    return _kept(folder, f"busy {_FORMAT}", lambda: _noisy(_padded(_busy_images(clips))))


def events(folder: Path, clips: Path) -> list[Event]:
    """Every labelled event of a fixed camera; none where there are no clips."""
    index = clips / "INDEX.csv"
    if not index.exists():
        return []
    with index.open(encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["fixed_camera(y/n)"] == "y"
            and row["label(smoke/left_object/negative)"] in ("smoke", "left_object")
        ]
    return [_event(folder, clips, row) for row in rows]


def _event(folder: Path, clips: Path, row: dict[str, str]) -> Event:
    path, name = clips / row["file"], row["file"].rstrip("/").rpartition("/")[2]
    pictures = _held(path) if path.is_dir() else _resampled(path, min(RATE, float(row["fps"])))
    rate = HELD_RATE if path.is_dir() else min(RATE, float(row["fps"]))
    return Event(
        name=name,
        rule=row["label(smoke/left_object/negative)"],
        truth=_truth(row),
        loop=_kept(folder, f"{name} 1", lambda: _coded((_i420(p) for p in pictures), rate, {"crf": "20"})),
    )


def _truth(row: dict[str, str]) -> Box | None:
    found = re.search(r"bag bbox.*? x(\d+) y(\d+) w(\d+) h(\d+)", row["notes"])
    if not found:
        return None
    x, y, w, h = (int(n) for n in found.groups())
    width, height = int(row["width"]), int(row["height"])
    return x / width, y / height, (x + w) / width, (y + h) / height


def _kept(folder: Path, name: str, make: Callable[[], CodedLoop]) -> Path:
    path = folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.loop"
    if load_loop(path) is None:
        save_loop(make(), path)
    return path


def _busy_images(clips: Path) -> Iterator[Image]:
    video = clips / "dumping" / "aboda_video4.avi"
    if video.exists():
        yield from _resampled(video, RATE)
        return
    scene = make_scene("yard_day", 1)
    for i in range(round(39 * RATE)):
        yield scene.picture(i / RATE)


def _padded(images: Iterator[Image]) -> Iterator[Image]:
    first = next(images)
    yield from (first for _ in range(round((LEAD_S + STILL_S) * RATE)))
    yield from images


def _resampled(video: Path, rate: float) -> Iterator[Image]:
    capture, shown = cv2.VideoCapture(str(video)), 0
    own_rate = capture.get(cv2.CAP_PROP_FPS)
    number = 0
    while capture.grab():
        if number >= round(shown * own_rate / rate):
            yield np.asarray(capture.retrieve()[1], np.uint8)
            shown += 1
        number += 1
    capture.release()


def _held(folder: Path) -> Iterator[Image]:
    """A picture of every second that is there; its name is the second."""
    files = sorted(p for p in folder.iterdir() if p.suffix == ".jpg")
    times = [*(float(p.stem) for p in files), float(files[-1].stem) + 1]
    for path, begins_s, ends_s in zip(files, times, times[1:], strict=False):
        image = np.asarray(cv2.imread(str(path)), np.uint8)
        yield from (image for _ in range(round((ends_s - begins_s) * HELD_RATE)))


def _noisy(images: Iterable[Image]) -> CodedLoop:
    limit = str(BITS_PER_S // 1000)
    vbv = f"vbv-maxrate={limit}:vbv-bufsize={limit}:"
    return _coded(_with_noise(images), RATE, {"b": str(BITS_PER_S)}, vbv, lead=round(LEAD_S * RATE))


def _with_noise(images: Iterable[Image]) -> Iterator[Image]:
    rng, margin = np.random.default_rng(4), 64
    field = rng.normal(0, NOISE_SIGMA, (HEIGHT * 3 // 2 + margin, WIDTH + margin)).round().astype(np.int8)
    last, planes = None, np.zeros((0, 0), np.uint8)
    for image in images:
        if image is not last:
            planes, last = _i420(cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)), image
        top, left = rng.integers(0, margin, 2)
        noise = field[top : top + HEIGHT * 3 // 2, left : left + WIDTH]
        yield np.asarray(cv2.add(planes, noise, dtype=cv2.CV_8U), np.uint8)


def _i420(image: cv2.typing.MatLike) -> Image:
    rows, columns = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    return np.asarray(cv2.cvtColor(image[:rows, :columns], cv2.COLOR_BGR2YUV_I420), np.uint8)


def _coded(
    pictures: Iterable[Image], rate: float, quality: dict[str, str], more: str = "", lead: int = 0
) -> CodedLoop:
    """The first `lead` pictures are coded and left out."""
    coded: list[CodedPicture] = []
    context: av.VideoCodecContext | None = None
    sets, count = b"", 0
    for i420 in pictures:
        frame = av.VideoFrame.from_ndarray(i420, format="yuv420p")
        context = context or _encoder(frame.width, frame.height, rate, quality, more)
        frame.pts, frame.time_base = round(count * CLOCK_RATE / rate), Fraction(1, CLOCK_RATE)
        count += 1
        coded += map(_picture, context.encode(frame))
    assert context is not None
    coded += map(_picture, context.encode(None))
    shown = [replace(picture, pts=picture.pts - coded[lead].pts) for picture in coded[lead:]]
    units = list(h264.depacketise(coded[0].packets))
    sets = join_annex_b(u for u in units if u[0] & 0x1F in (h264.SPS, h264.PPS))
    return CodedLoop(
        parameter_sets=sets, width=context.width, height=context.height,
        duration=round((count - lead) * CLOCK_RATE / rate), pictures=tuple(shown),
    )  # fmt: skip


def _encoder(
    width: int, height: int, rate: float, quality: dict[str, str], more: str
) -> av.VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, CLOCK_RATE), Fraction(rate).limit_denominator(1001)
    context.thread_count = 2
    keys = round(KEY_EVERY_S * rate)
    params = (
        f"{more}keyint={keys}:min-keyint={keys}:scenecut=0:bframes=0:rc-lookahead=0:mbtree=0:sliced-threads=0"
    )
    context.options = {"preset": "veryfast", "x264-params": params, **quality}
    return context


def _picture(packet: Any) -> CodedPicture:
    units = split_annex_b(bytes(packet))
    return CodedPicture(
        pts=int(packet.pts or 0), is_key=bool(packet.is_keyframe), packets=tuple(h264.packetise(units))
    )
