"""Scenes into loops that a camera can play, drawn and encoded once and then kept.

`python -m simulators.loops FOLDER SEED SCENE...` does it in a process of its own and says how far each scene is, in per cent.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2

from farwatch.runtime.processes import end_with_parent
from simulators.coded_loop import CodedLoop
from simulators.encoding import cached_pictures
from simulators.scenes import Image, make_scene

RATE = 8.0
DRAWING = 2
"""Grows when scenes are drawn differently: loops of an older drawing are not used again."""


def scene_loop(
    folder: Path, name: str, seed: int, tell: Callable[[int], object] = lambda _: None
) -> CodedLoop:
    """The loop of a scene from the cache in `folder`, or drawn and encoded: some ten seconds of CPU.

    `tell` gets the per cent that is drawn, in quarters.
    """
    return cached_pictures(
        folder, f"{name} seed {seed} drawing {DRAWING}", _pictures(name, seed, tell), rate=RATE
    )


def _pictures(name: str, seed: int, tell: Callable[[int], object]) -> Iterator[Image]:
    scene = make_scene(name, seed)
    count = round(scene.duration_s * RATE)
    for number in range(count):
        if number and number % (count // 4) == 0:
            tell(100 * number // count)
        yield scene.picture(number / RATE)


def main(arguments: Sequence[str]) -> None:
    end_with_parent()
    cv2.setNumThreads(1)
    folder, seed, *scenes = arguments
    for scene in scenes:

        def say(percent: int, scene: str = scene) -> None:
            print(scene, percent, flush=True)  # noqa: T201 - what the parent reads

        scene_loop(Path(folder), scene, int(seed), say)
        say(100)


if __name__ == "__main__":
    main(sys.argv[1:])
