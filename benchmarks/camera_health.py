"""Camera health over a folder of clips: nothing is found of what is honest, and every fault that is made of it is.

Each clip of a fixed camera is looped for longer than the rules need to know it, a picture every eight seconds, then goes on honest
or with a fault. A clip's own cuts are left out by hand. The last line is JSON. Nothing of the clips is kept.
"""

import argparse
import csv
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detectors.vision.camera_health import rules
from detectors.vision.camera_health.detector import CameraHealthDetector
from farwatch.domain.picture import Picture, Sighting

START_AT = datetime(2026, 1, 1, tzinfo=UTC)
STEP_S = 8.0
LEARN_S, LAST_S = 800.0, 1100.0
Image = npt.NDArray[np.uint8]
Damage = Callable[[Image, int], Image]
NOT_ONE_VIEW = ("fire_drill", "1fps")


def pictures_of(path: Path, most: int = 20) -> list[Image]:
    """About `most` pictures of a clip, at most 640 wide with even sides, evenly spaced."""
    if path.is_dir():
        found = [
            np.asarray(cv2.imread(str(p)), np.uint8) for p in sorted(path.iterdir()) if p.suffix != ".txt"
        ]
        return [_reduced(image) for image in found[:: max(1, len(found) // most)]]
    clip, found = cv2.VideoCapture(str(path)), []
    every = max(1, int(clip.get(cv2.CAP_PROP_FRAME_COUNT)) // most)
    number = 0
    while clip.grab():
        if number % every == 0:
            found.append(_reduced(np.asarray(clip.retrieve()[1], np.uint8)))
        number += 1
    return found


def _reduced(image: Image) -> Image:
    scale = min(1.0, 640 / image.shape[1])
    size = tuple(max(2, round(side * scale / 2) * 2) for side in (image.shape[1], image.shape[0]))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _picture(image: Image) -> Picture:
    rows, columns = image.shape[:2]
    i420 = memoryview(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).tobytes())
    luma, chroma = rows * columns, rows * columns // 4
    return Picture(
        camera="c", at=START_AT, width=columns, height=rows,
        y=i420[:luma], u=i420[luma : luma + chroma], v=i420[luma + chroma :],
    )  # fmt: skip


def _frozen(images: list[Image]) -> Damage:
    """The first picture for ever, coded anew each time, with a clock that goes on."""

    def damage(_: Image, number: int) -> Image:
        still = images[0].copy()
        cv2.putText(still, f"{number:08d}", (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 2)
        return np.asarray(cv2.imdecode(cv2.imencode(".jpg", still, [cv2.IMWRITE_JPEG_QUALITY, 90])[1], 1))

    return damage


def faults(images: list[Image]) -> dict[str, Damage]:
    noise = np.random.default_rng(1).normal(0, 2, (8, *images[0].shape[:2], 1))

    def sprayed(image: Image, number: int) -> Image:
        smear = cv2.resize(cv2.resize(image, (6, 4), interpolation=cv2.INTER_AREA), image.shape[1::-1])
        veil = smear.astype(np.float32) * 0.4 + 60
        return np.clip(veil + noise[number % 8], 0, 255).astype(np.uint8)

    def shift(image: Image, _: int) -> Image:
        return np.roll(image, (image.shape[0] // 5, image.shape[1] // 3), axis=(0, 1))

    return {
        rules.BLACK: lambda image, n: np.clip(4 + noise[n % 8] + 0 * image, 0, 255).astype(np.uint8),
        rules.OVEREXPOSED: lambda image, _: np.maximum(image, 250),
        rules.FROZEN: _frozen(images),
        rules.COVERED: sprayed,
        rules.DEFOCUSED: lambda image, _: np.asarray(cv2.GaussianBlur(image, (0, 0), 4), np.uint8),
        rules.TURNED: shift,
    }


def _shown(loop: list[Picture], seconds: float, from_s: float) -> Iterator[Picture]:
    for number, picture in enumerate(islice(cycle(loop), int(seconds / STEP_S))):
        yield replace(picture, at=START_AT + timedelta(seconds=from_s + number * STEP_S))


def found_in(honest: list[Picture], then: list[Picture]) -> dict[str, float]:
    """Rules that were found, with the seconds from the fault's beginning until then."""
    detector = CameraHealthDetector()
    for picture in _shown(honest, LEARN_S, 0):
        early = [e.rule for e in detector.observe(picture) if isinstance(e, Sighting)]
        if early:
            return {f"early {rule}": 0.0 for rule in early}
    found: dict[str, float] = {}
    for picture in _shown(then, LAST_S, LEARN_S):
        for event in detector.observe(picture):
            if isinstance(event, Sighting):
                found[event.rule] = (picture.at - START_AT).total_seconds() - LEARN_S
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    with (args.clips / "INDEX.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["fixed_camera(y/n)"] == "y" and args.only in r["file"]]
    hits: Counter[str] = Counter()
    false: list[str] = []
    clips = 0
    began_s = time.process_time()
    for row in rows:
        if any(word in row["file"] for word in NOT_ONE_VIEW):
            continue
        images = pictures_of(args.clips / row["file"])
        clips += 1
        honest = [_picture(image) for image in images]
        said = found_in(honest, honest)
        false += [f"{row['file']}: {rule}" for rule in said]
        told = [f"honest {said or 'nothing'}"]
        for rule, damage in faults(images).items():
            found = found_in(honest, [_picture(damage(image, n)) for n, image in enumerate(images)])
            hits[rule] += rule in found
            told.append(f"{rule.removeprefix('camera_')} {found}")
        print(f"{row['file']}\n    " + "\n    ".join(told), flush=True)
    result = {
        "clips": clips, "false": false, "found": {rule: hits[rule] for rule in faults([np.zeros((48, 64, 3), np.uint8)])},
        "cpu_s": round(time.process_time() - began_s, 1),
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
