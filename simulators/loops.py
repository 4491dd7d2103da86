"""Scenes into loops that a camera can play, drawn and encoded once and then kept.

`python -m simulators.loops FOLDER SEED SCENE...` does it in a process of its own and says each scene when it is there.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from farwatch.runtime.processes import end_with_parent
from simulators.coded_loop import CodedLoop
from simulators.encoding import cached_pictures
from simulators.scenes import Image, make_scene

RATE = 8.0
DRAWING = 1
"""Grows when scenes are drawn differently: loops of an older drawing are not used again."""


def scene_loop(folder: Path, name: str, seed: int) -> CodedLoop:
    """The loop of a scene from the cache in `folder`, or drawn and encoded: some ten seconds of CPU."""
    return cached_pictures(folder, f"{name} seed {seed} drawing {DRAWING}", _pictures(name, seed), rate=RATE)


def _pictures(name: str, seed: int) -> Iterator[Image]:
    scene = make_scene(name, seed)
    for number in range(round(scene.duration_s * RATE)):
        yield np.asarray(cv2.cvtColor(scene.picture(number / RATE), cv2.COLOR_BGR2RGB), np.uint8)


def main(arguments: Sequence[str]) -> None:
    end_with_parent()
    cv2.setNumThreads(1)
    folder, seed, *scenes = arguments
    for scene in scenes:
        scene_loop(Path(folder), scene, int(seed))
        print(scene, flush=True)  # noqa: T201 - what the parent waits for


if __name__ == "__main__":
    main(sys.argv[1:])
