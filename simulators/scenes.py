"""The drawn scenes by name: what the simulated cameras look at."""

from collections.abc import Callable, Mapping
from typing import Final

from simulators.scene_base import DAY, DUSK, HEIGHT, NIGHT, WIDTH, Image, Scene
from simulators.scene_stack import StackScene
from simulators.scene_street import StreetScene
from simulators.scene_yard import YardScene

__all__ = ["HEIGHT", "SCENES", "WIDTH", "Image", "Scene", "make_scene"]

STACK_LOOP_S, QUIET_LOOP_S = 90.0, 40.0
SMOKES_S = (12.0, 68.0)

SCENES: Final[Mapping[str, Callable[[int], Scene]]] = {
    "stack_day": lambda seed: StackScene(seed, DAY, duration_s=STACK_LOOP_S, smokes=SMOKES_S),
    "stack_dusk": lambda seed: StackScene(seed, DUSK, duration_s=STACK_LOOP_S, smokes=SMOKES_S),
    "stack_night": lambda seed: StackScene(seed, NIGHT, duration_s=STACK_LOOP_S, smokes=SMOKES_S),
    "stack_day_quiet": lambda seed: StackScene(seed, DAY, duration_s=QUIET_LOOP_S, smokes=None),
    "stack_dusk_quiet": lambda seed: StackScene(seed, DUSK, duration_s=QUIET_LOOP_S, smokes=None),
    "yard_day": lambda seed: YardScene(seed, DAY, dumps=True),
    "yard_dusk": lambda seed: YardScene(seed, DUSK, dumps=True),
    "yard_night": lambda seed: YardScene(seed, NIGHT, dumps=True),
    "yard_day_quiet": lambda seed: YardScene(seed, DAY, dumps=False),
    "yard_night_quiet": lambda seed: YardScene(seed, NIGHT, dumps=False),
    "street_day": lambda seed: StreetScene(seed, DAY),
    "street_dusk": lambda seed: StreetScene(seed, DUSK),
    "street_night": lambda seed: StreetScene(seed, NIGHT),
}


def make_scene(name: str, seed: int) -> Scene:
    """Raises KeyError for a name that nobody has drawn."""
    return SCENES[name](seed)
