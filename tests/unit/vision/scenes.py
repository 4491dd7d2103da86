"""Drawn scenes for the vision rules: numbers in, pictures out, the same for the same seed."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from farwatch.domain.picture import Picture, PictureDetector, Sighting, SightingEnded
from farwatch.domain.registry import Zone

Image: TypeAlias = npt.NDArray[np.float32]
Paint: TypeAlias = Callable[[Image, float], None]

START_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
WIDTH, HEIGHT = 320, 180
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def zone(purpose: str, polygon: Sequence[tuple[float, float]] = WHOLE) -> Zone:
    return Zone(camera="cam", name=f"{purpose}-zone", purpose=purpose, polygon=tuple(polygon))


def picture(bgr: Image, at_s: float) -> Picture:
    """An even-sized image as a camera's 4:2:0 picture."""
    rows, columns = bgr.shape[:2]
    i420 = cv2.cvtColor(np.clip(bgr, 0, 255).astype(np.uint8), cv2.COLOR_BGR2YUV_I420).tobytes()
    luma, chroma = rows * columns, rows * columns // 4
    return Picture(
        camera="cam", at=START_AT + timedelta(seconds=at_s), width=columns, height=rows,
        y=memoryview(i420)[:luma], u=memoryview(i420)[luma : luma + chroma], v=memoryview(i420)[luma + chroma :],
    )  # fmt: skip


def ground(seed: int = 1) -> Image:
    """Paving of two greys with grain."""
    rng = np.random.default_rng(seed)
    stones = cv2.resize(
        rng.normal(120, 18, (18, 32)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST
    )
    grain = cv2.GaussianBlur(rng.normal(0, 8, (HEIGHT, WIDTH)).astype(np.float32), (3, 3), 0)
    return np.repeat((stones + grain)[..., None], 3, axis=2)


def sky() -> Image:
    """A bright sky over a dark works with a chimney."""
    image = np.empty((HEIGHT, WIDTH, 3), np.float32)
    image[:] = np.linspace(205, 170, HEIGHT, dtype=np.float32)[:, None, None] * np.array(
        (1.05, 1.0, 0.92), np.float32
    )
    image[130:] = (70, 74, 78)
    image[80:130, 150:162] = (88, 92, 100)
    return image


def show(
    base: Image, seconds: float, paint: Paint, *, step_s: float = 1.0, noise: float = 1.5
) -> Iterable[Picture]:
    """The scene every `step_s`, `paint` adding to a copy of `base` what is there at a time, the sensor adding noise."""
    rng = np.random.default_rng(7)
    for number in range(int(seconds / step_s)):
        image = base.copy()
        paint(image, number * step_s)
        image += rng.normal(0, noise, (*image.shape[:2], 1)).astype(np.float32)
        yield picture(image, number * step_s)


def watch(detector: PictureDetector, pictures: Iterable[Picture]) -> list[Sighting | SightingEnded]:
    return [event for shown in pictures for event in detector.observe(shown)]


def since_start_s(at: datetime) -> float:
    return (at - START_AT).total_seconds()


def person(image: Image, x: float, foot: float = 150.0) -> None:
    """A walker of 14 x 44 px, as far as it is in the picture."""
    left, right = max(0, round(x)), min(WIDTH, round(x) + 14)
    if left < right:
        image[round(foot) - 44 : round(foot), left:right] = (60, 45, 40)
        image[round(foot) - 44 : round(foot) - 34, left:right] = (120, 150, 190)


def bag(image: Image) -> None:
    """16 x 14 px of black plastic with a fold."""
    image[138:152, 150:166] = (34, 32, 30)
    image[142:144, 152:164] = (70, 70, 70)


class Plume:
    """Turbulent smoke over the chimney: noise of two sizes, carried up and sideways, dense near its source."""

    def __init__(self, tone: float = 95.0, *, seed: int = 3) -> None:
        rng = np.random.default_rng(seed)
        self._coarse = cv2.resize(
            rng.random((60, 20)).astype(np.float32), (WIDTH, 960), interpolation=cv2.INTER_CUBIC
        )
        self._fine = cv2.resize(
            rng.random((120, 40)).astype(np.float32), (WIDTH, 960), interpolation=cv2.INTER_CUBIC
        )
        self._tone = tone

    def __call__(self, image: Image, at_s: float) -> None:
        coarse, fine = (
            np.roll(p, -round(v * at_s), axis=0)[:80] for p, v in ((self._coarse, 14), (self._fine, 23))
        )
        y, x = np.mgrid[0:80, 0:WIDTH].astype(np.float32)
        rise = 80 - y
        spread = 6 + rise * 0.35
        middle = 156 + rise * 0.5 + 5 * np.sin(rise / 13 + at_s * 1.7)
        cover = np.exp(-(((x - middle) / spread) ** 2)) * np.clip(1.6 * coarse + 0.7 * fine - 0.55, 0, 1)
        tone = self._tone * (0.7 + 0.6 * fine)
        image[:80] = image[:80] * (1 - cover[..., None]) + (cover * tone)[..., None]
