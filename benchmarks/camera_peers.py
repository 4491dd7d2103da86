"""What one writes first, beside us: two loops over RTSP with the same zones (the whole picture) and dwell as our rules.

`plain`: `cv2.VideoCapture` over TCP, every frame decoded, luma at 640x360, MOG2 five times a second. `frigate_like`: an FFmpeg
process that scales to 640x360 and gives five pictures a second as yuv420p on a pipe, and a running average at 100 rows, as
Frigate's motion detection. Foreground that stays for the dwell is a left object, foreground in most pictures is smoke: nothing
asks what it is, so they find much and cry wolf more.

`python -m benchmarks.camera_peers KIND URL ...` runs until its standard input closes; prints `ready` when every camera has shown
pictures, then a line of JSON for each alarm.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping

import cv2
import numpy as np
import numpy.typing as npt

from detectors.vision.left_object import LeftObjectSettings

Plane = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Box = tuple[float, float, float, float]

WIDTH, HEIGHT, SHOW_EVERY_S = 640, 360, 0.2
DWELL_S = LeftObjectSettings().dwell_s
SMALLEST_SHARE = LeftObjectSettings().smallest_share
SMOKE_SHARE, SMOKE_OF, SMOKE_PICTURES = 0.01, 14, 10
READ_TIMEOUT_MS = 10_000


def mog2() -> Callable[[Plane], Mask]:
    """Of the learning rates that were tried on the clips, the slow one finds most."""
    model = cv2.createBackgroundSubtractorMOG2(history=500, varThreshold=16, detectShadows=True)
    kernel = np.ones((3, 3), np.uint8)

    def front(luma: Plane) -> Mask:
        mask = model.apply(luma, learningRate=0.001) == 255
        return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel).astype(bool)

    return front


def running_average() -> Callable[[Plane], Mask]:
    average: npt.NDArray[np.float32] | None = None

    def front(luma: Plane) -> Mask:
        nonlocal average
        small = cv2.resize(luma, (luma.shape[1] * 100 // luma.shape[0], 100), interpolation=cv2.INTER_NEAREST)
        small = cv2.GaussianBlur(small, (3, 3), 1)
        if average is None:
            average = small.astype(np.float32)
        changed = cv2.absdiff(small, cv2.convertScaleAbs(average)) > 30
        cv2.accumulateWeighted(small, average, 0.01)
        return cv2.dilate(changed.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)

    return front


class Rules:
    """Foreground pictures to alarms, each place once."""

    def __init__(self, front: Callable[[Plane], Mask]) -> None:
        self._front = front
        self._stays_s: npt.NDArray[np.float32] | None = None
        self._last_s = 0.0
        self._smokes: deque[bool] = deque(maxlen=SMOKE_OF)
        self._told: set[tuple[str, int, int]] = set()

    def observe(self, luma: Plane, at_s: float) -> Iterator[tuple[str, Box]]:
        front = self._front(luma)
        stays_s = np.zeros(front.shape, np.float32) if self._stays_s is None else self._stays_s
        self._stays_s = np.where(front, stays_s + np.float32(at_s - self._last_s), np.float32(0))
        self._last_s = at_s
        rows, columns = front.shape
        count, _, stats, _ = cv2.connectedComponentsWithStats((self._stays_s >= DWELL_S).astype(np.uint8))
        for left, top, width, height, area in stats[1:count]:
            box = (left / columns, top / rows, (left + width) / columns, (top + height) / rows)
            if area >= SMALLEST_SHARE * front.size and self._is_new("left_object", box):
                yield "left_object", box
        self._smokes.append(float(front.mean()) > SMOKE_SHARE)
        whole = (0.0, 0.0, 1.0, 1.0)
        if sum(self._smokes) >= SMOKE_PICTURES and self._is_new("smoke", whole):
            yield "smoke", whole

    def _is_new(self, rule: str, box: Box) -> bool:
        place = (rule, round(8 * (box[0] + box[2]) / 2), round(8 * (box[1] + box[3]) / 2))
        is_new = place not in self._told
        self._told.add(place)
        return is_new


def plain(url: str) -> Iterator[Plane]:
    capture = cv2.VideoCapture(
        url, cv2.CAP_FFMPEG,
        [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, READ_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS],
    )  # fmt: skip
    due_s = 0.0
    while True:
        is_there, image = capture.read()
        if not is_there:
            return
        if time.monotonic() >= due_s:
            due_s = max(due_s + SHOW_EVERY_S, time.monotonic() - SHOW_EVERY_S)
            small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
            yield np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def frigate_like(url: str) -> Iterator[Plane]:
    command = [
        "ffmpeg", "-hide_banner", "-loglevel", "error", "-rtsp_transport", "tcp", "-timeout", "10000000", "-i", url,
        "-an", "-r", "5", "-vf", f"fps=5,scale={WIDTH}:{HEIGHT}", "-threads", "2",
        "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        while len(picture := process.stdout.read(WIDTH * HEIGHT * 3 // 2)) == WIDTH * HEIGHT * 3 // 2:
            yield np.frombuffer(picture, np.uint8, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)


KINDS: Mapping[str, tuple[Callable[[str], Iterator[Plane]], Callable[[], Callable[[Plane], Mask]]]] = {
    "plain": (plain, mog2),
    "frigate_like": (frigate_like, running_average),
}


def watch(kind: str, url: str, began: threading.Event) -> None:
    pictures, front = KINDS[kind]
    rules, began_s = Rules(front()), time.monotonic()
    for luma in pictures(url):
        began.set()
        for rule, box in rules.observe(luma, time.monotonic() - began_s):
            print(json.dumps({"url": url, "rule": rule, "box": box}), flush=True)


def main() -> None:
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp"
    cv2.setNumThreads(1)
    kind, *urls = sys.argv[1:]
    all_began = [threading.Event() for _ in urls]
    for url, began in zip(urls, all_began, strict=True):
        threading.Thread(target=watch, args=(kind, url, began), daemon=True).start()
    for began in all_began:
        began.wait()
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)  # readers may hang in C


if __name__ == "__main__":
    main()
