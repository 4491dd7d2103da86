"""Memory that is free goes back to the system."""

import subprocess
import sys

import pytest

from farwatch.runtime import heap

SCATTERED = """
from pathlib import Path
from farwatch.runtime import heap

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

held = [bytes(1400) for _ in range(100_000)]
full_mb = resident_mb()
held = held[::20]
free_mb = resident_mb()
heap.trimmer()()
print(full_mb, free_mb, resident_mb())
"""


@pytest.mark.skipif(heap.trimmer() is None, reason="this C library trims nothing")
def test_what_is_free_between_what_is_held_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", SCATTERED], capture_output=True, text=True, check=True)
    full_mb, free_mb, trimmed_mb = map(float, done.stdout.split())
    assert free_mb > full_mb - 30, "the C library gave it back by itself"
    assert trimmed_mb < full_mb - 90


async def test_it_goes_back_each_minute() -> None:
    waited: list[float] = []
    trimmed: list[int] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) > 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await heap.keep_trimmed(lambda: trimmed.append(1), sleep)
    assert (set(waited), len(trimmed)) == ({heap.TRIM_EVERY_S}, 3)
