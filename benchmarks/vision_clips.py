"""Both vision rules over a folder of labelled clips, against a plain MOG2 baseline in the same run.

Every clip is served as a camera would: a key frame a second (or as --step says), five pictures while a detector asks for more, in
a loop; every zone covers the whole picture, which is the hardest case.
Image sequences (`*_1fps`) are played once, at the times their names say.
Nothing is copied. The last line is JSON: {"us": ..., "peers": ..., "machine": ...}.
"""

import argparse
import csv
import json
import platform
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detectors.vision import build
from farwatch.domain.picture import Picture, Sighting
from farwatch.domain.registry import Zone

START_AT = datetime(2026, 1, 1, tzinfo=UTC)
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
STEP_S, BURST_STEP_S = 1.0, 0.2
RULES = ("left_object", "smoke")
MAX_WIDTH = 640
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    file: str
    label: str
    is_fixed: bool
    begins_s: float
    truth: Box | None
    times_s: list[float]
    pictures: list[npt.NDArray[np.uint8]]
    is_played_once: bool

    @property
    def duration_s(self) -> float:
        return self.times_s[-1] - self.times_s[0] + BURST_STEP_S


@dataclass(slots=True)
class Alarm:
    rule: str
    at_s: float
    clip_s: float
    box: Box


@dataclass(slots=True)
class Result:
    alarms: list[Alarm] = field(default_factory=list)
    cpu_s: float = 0.0
    pictures: int = 0

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_s / max(1, self.pictures)


@dataclass(slots=True)
class Score:
    """Per rule: an event found, missed, or an alarm where there is none. One of each at most per clip."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    delays_s: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, float | None]:
        precision = self.tp / (self.tp + self.fp) if self.tp + self.fp else None
        recall = self.tp / (self.tp + self.fn) if self.tp + self.fn else None
        both = precision and recall
        return {
            "tp": self.tp, "fp": self.fp, "fn": self.fn,
            "precision": round(precision, 3) if precision is not None else None,
            "recall": round(recall, 3) if recall is not None else None,
            "f": round(2 * precision * recall / (precision + recall), 3) if both and precision and recall else 0.0,
            "median_delay_s": round(float(np.median(self.delays_s)), 1) if self.delays_s else None,
        }  # fmt: skip


class StaticBlobs:
    """The usual recipe: MOG2, foreground that stays for 12 s is an object; grey foreground in most pictures is smoke."""

    def __init__(self, learning_rate: float) -> None:
        self._model = cv2.createBackgroundSubtractorMOG2(history=500, varThreshold=16, detectShadows=True)
        self._rate, self._last_s = learning_rate, 0.0
        self._stays_s = np.zeros((180, 320))
        self._grey: list[bool] = []

    def observe(self, i420: npt.NDArray[np.uint8], at_s: float) -> Iterator[tuple[str, Box]]:
        image = cv2.resize(
            cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420), (320, 180), interpolation=cv2.INTER_AREA
        )
        front = self._model.apply(image, learningRate=self._rate) == 255
        front = cv2.morphologyEx(front.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(
            bool
        )
        stays_s = np.zeros(front.shape) if self._stays_s is None else self._stays_s
        self._stays_s = np.where(front, stays_s + at_s - self._last_s, 0.0)
        self._last_s = at_s
        count, _, stats, _ = cv2.connectedComponentsWithStats((self._stays_s >= 12).astype(np.uint8))
        for left, top, width, height, area in stats[1:count]:
            if area >= 0.001 * front.size:
                yield "left_object", (left / 320, top / 180, (left + width) / 320, (top + height) / 180)
        saturation = image.max(axis=2).astype(int) - image.min(axis=2)
        self._grey = [*self._grey[-13:], float((front & (saturation < 40)).mean()) > 0.01]
        if sum(self._grey) >= 10:
            yield "smoke", (0.0, 0.0, 1.0, 1.0)


def load(root: Path, row: dict[str, str]) -> Clip:
    path, once = root / row["file"], row["file"].rstrip("/").endswith("_1fps")
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix in {".jpg", ".bmp", ".png"})
        times = [float(p.stem) if once else i / 15 for i, p in enumerate(files)]
        pictures = [_i420(cv2.imread(str(p))) for p in files]
    else:
        times, pictures = _decode(path, float(row["fps"]))
    found = re.search(r"bag bbox.*? x(\d+) y(\d+) w(\d+) h(\d+)", row["notes"])
    truth = None
    if found:
        x, y, w, h = (int(n) for n in found.groups())
        width, height = int(row["width"]), int(row["height"])
        truth = (x / width, y / height, (x + w) / width, (y + h) / height)
    label = row["label(smoke/left_object/negative)"]
    return Clip(
        file=row["file"], label=label, is_fixed=row["fixed_camera(y/n)"] == "y", truth=truth,
        begins_s=float(row["event_start_s"] or 0), times_s=times, pictures=pictures, is_played_once=once,
    )  # fmt: skip


def _decode(path: Path, fps: float) -> tuple[list[float], list[npt.NDArray[np.uint8]]]:
    """Pictures at least 0.2 s apart: all that is ever asked for."""
    capture, times, pictures, number, due_s = cv2.VideoCapture(str(path)), [], [], 0, 0.0
    while capture.grab():
        at_s = number / fps
        if at_s >= due_s - 1e-6:
            times.append(at_s)
            pictures.append(_i420(capture.retrieve()[1]))
            due_s += BURST_STEP_S
        number += 1
    capture.release()
    return times, pictures


def _i420(image: cv2.typing.MatLike | None) -> npt.NDArray[np.uint8]:
    assert image is not None
    scale = min(1.0, MAX_WIDTH / image.shape[1])
    width, height = (round(n * scale) // 2 * 2 for n in (image.shape[1], image.shape[0]))
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2YUV_I420).astype(np.uint8)


def _picture(i420: npt.NDArray[np.uint8], at_s: float) -> Picture:
    rows, width = i420.shape
    height, flat = rows * 2 // 3, memoryview(i420.tobytes())
    luma, chroma = width * height, width * height // 4
    return Picture(
        camera="cam", at=START_AT + timedelta(seconds=at_s), width=width, height=height,
        y=flat[:luma], u=flat[luma : luma + chroma], v=flat[luma + chroma : luma + 2 * chroma],
    )  # fmt: skip


def serve(
    clip: Clip, seconds: float, step_s: float, wants_more: Callable[[], bool]
) -> Iterator[tuple[float, float, npt.NDArray[np.uint8]]]:
    """Time of the stream, time in the clip, picture."""
    if clip.is_played_once:
        yield from ((t - clip.times_s[0], t, p) for t, p in zip(clip.times_s, clip.pictures, strict=True))
        return
    at_s = 0.0
    while at_s < seconds:
        clip_s = at_s % clip.duration_s
        index = int(np.searchsorted(clip.times_s, clip_s + 1e-6, side="right")) - 1
        yield at_s, clip_s, clip.pictures[index]
        next_key_s = (int(at_s / step_s + 1e-6) + 1) * step_s
        at_s = round(at_s + BURST_STEP_S if wants_more() else next_key_s, 3)


def run_ours(clip: Clip, seconds: float, step_s: float) -> Result:
    detectors = build(
        [Zone(camera="cam", name=purpose, purpose=purpose, polygon=WHOLE) for purpose in ("ground", "sky")]
    )
    result = Result()
    for at_s, clip_s, i420 in serve(
        clip, seconds, step_s, lambda: any(d.wants_every_frame for d in detectors)
    ):
        shown, began_s = _picture(i420, at_s), time.process_time()
        events = [event for detector in detectors for event in detector.observe(shown)]
        result.cpu_s += time.process_time() - began_s
        result.pictures += 1
        found = [event for event in events if isinstance(event, Sighting) and event.rule in RULES]
        result.alarms += [Alarm(e.rule, at_s, clip_s, e.box) for e in found]
    return result


def run_peer(clip: Clip, seconds: float, step_s: float, learning_rate: float) -> Result:
    peer, result, told = StaticBlobs(learning_rate), Result(), set[tuple[str, int, int]]()
    for at_s, clip_s, i420 in serve(clip, seconds, step_s, lambda: False):
        began_s = time.process_time()
        found = list(peer.observe(i420, at_s))
        result.cpu_s += time.process_time() - began_s
        result.pictures += 1
        for rule, box in found:
            place = (rule, round(8 * (box[0] + box[2]) / 2), round(8 * (box[1] + box[3]) / 2))
            if place not in told:
                told.add(place)
                result.alarms.append(Alarm(rule, at_s, clip_s, box))
    return result


def judge(clip: Clip, alarms: Sequence[Alarm], scores: dict[str, Score]) -> str:
    """Adds the clip to the scores and says what happened. A left object counts where its box meets the true one."""
    said = []
    for rule, score in scores.items():
        mine = [a for a in alarms if a.rule == rule]
        is_event = clip.label == rule
        right = [a for a in mine if is_event and a.clip_s >= clip.begins_s - 1 and _meets(a.box, clip.truth)]
        wrong = (
            [a for a in mine if a not in right]
            if rule == "left_object"
            else [a for a in mine if not is_event]
        )
        score.tp += bool(right)
        score.fn += is_event and not right
        score.fp += bool(wrong)
        if right:
            score.delays_s.append(
                right[0].clip_s - clip.begins_s if rule == "left_object" else right[0].at_s - clip.begins_s
            )
            said.append(f"{rule} found after {score.delays_s[-1]:.1f} s")
        elif is_event:
            said.append(f"{rule} MISSED")
        said += [f"FALSE {rule} at {a.clip_s:.1f} s" for a in wrong[:1]]
    return ", ".join(said) or "quiet"


def _meets(box: Box, truth: Box | None) -> bool:
    if truth is None:
        return True
    return box[0] < truth[2] and truth[0] < box[2] and box[1] < truth[3] and truth[1] < box[3]


def _machine() -> dict[str, str | int | None]:
    cpu = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    return {
        "cpu": cpu,
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "threads": cv2.getNumThreads(),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "clips", type=Path, nargs="?", default=Path("../shared/clips"), help="folder with INDEX.csv"
    )
    parser.add_argument("--seconds", type=float, default=180, help="least time each clip is served, looped")
    parser.add_argument("--loops", type=float, default=3, help="least times each clip is repeated")
    parser.add_argument("--step", type=float, default=STEP_S, help="seconds between key frames")
    parser.add_argument("--only", default="", help="part of the file name")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    runs: dict[str, Callable[[Clip, float], Result]] = {
        "us": lambda clip, seconds: run_ours(clip, seconds, arguments.step),
        "mog2_slow": lambda clip, seconds: run_peer(clip, seconds, arguments.step, 0.001),
        "mog2_default": lambda clip, seconds: run_peer(clip, seconds, arguments.step, -1),
    }
    totals = {
        name: {c: {"left_object": Score(), "smoke": Score()} for c in ("fixed", "moving")} for name in runs
    }
    cpu_ms: dict[str, list[float]] = {name: [] for name in runs}
    with (arguments.clips / "INDEX.csv").open(encoding="utf-8") as index:
        rows = [row for row in csv.DictReader(index) if arguments.only in row["file"]]
    for row in rows:
        clip = load(arguments.clips, row)
        seconds = max(arguments.seconds, arguments.loops * clip.duration_s)
        print(f"{clip.file} ({clip.label}, {'fixed' if clip.is_fixed else 'moving'})")
        for name, run in runs.items():
            result = run(clip, seconds)
            cpu_ms[name].append(result.cpu_ms)
            said = judge(clip, result.alarms, totals[name]["fixed" if clip.is_fixed else "moving"])
            print(f"    {name:12} {result.cpu_ms:5.1f} ms  {said}", flush=True)
    report = {
        name: {**{f"{kind}_{rule}": s.as_json() for kind, by_rule in total.items() for rule, s in by_rule.items()},
               "cpu_ms_per_picture": round(float(np.mean(cpu_ms[name])), 2) if cpu_ms[name] else None}
        for name, total in totals.items()
    }  # fmt: skip
    print(json.dumps({"us": report.pop("us"), "peers": report, "machine": _machine()}))


if __name__ == "__main__":
    main()
