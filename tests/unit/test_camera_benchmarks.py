"""What the camera benchmarks count with: processes, alarms, ages and slopes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.camera_material import Event
from benchmarks.camera_peers import DWELL_S, SHOW_EVERY_S, Rules, mog2, running_average
from benchmarks.camera_soak import last_frame_ages, slope_mb_per_minute
from benchmarks.cameras import Figures, is_found
from benchmarks.process_tree import tree, use
from tests.support.waiting import until

BUSY_CHILD = "import sys, time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\nsys.stdin.read()"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY_CHILD!r}])"


async def test_what_children_use_is_counted_while_they_live_and_after_they_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        alive = use(process.pid)
        assert len(tree(process.pid)) == 2
        process.stdin.close()
        assert alive.cpu_s > 0.15  # the system counts in hundredths, and user and system time each by itself
        assert alive.resident_bytes > 4e6
        process.wait()
    assert use(process.pid).resident_bytes == 0
    assert process.pid not in tree(os.getpid())


@pytest.mark.parametrize("front", [mog2, running_average])
def test_the_peers_find_what_stays_once_and_not_what_passes(front: object) -> None:
    rules, alarms = Rules(front()), []  # type: ignore[operator]
    rng = np.random.default_rng(1)
    for i in range(int((12 + 2 * DWELL_S) / SHOW_EVERY_S)):
        luma = rng.normal(90, 1, (360, 640)).clip(0, 255).astype(np.uint8)
        if i >= 10:
            luma[20:60, i * 7 % 560 :][:, :40] = 200
        if i * SHOW_EVERY_S >= 10:
            luma[200:240, 300:340] = 240
        alarms += [(i * SHOW_EVERY_S, *alarm) for alarm in rules.observe(luma, i * SHOW_EVERY_S)]
    left = [(at_s, box) for at_s, rule, box in alarms if rule == "left_object"]
    assert len(left) == 1
    assert left[0][0] == pytest.approx(10 + DWELL_S, abs=1)
    assert left[0][1] == pytest.approx((300 / 640, 200 / 360, 340 / 640, 240 / 360), abs=0.03)


def test_an_event_is_found_by_its_own_rule_on_its_own_camera_and_at_its_place() -> None:
    bag = Event(name="a", rule="left_object", truth=(0.4, 0.4, 0.5, 0.5), loop=Path("a"))
    smoke = Event(name="b", rule="smoke", truth=None, loop=Path("b"))
    here, there, whole = (0.45, 0.3, 0.6, 0.6), (0.6, 0.6, 0.9, 0.9), (0.0, 0.0, 1.0, 1.0)
    assert is_found(bag, [("a", "left_object", here)])
    assert is_found(smoke, [("b", "smoke", whole)])
    assert not is_found(bag, [("a", "left_object", there), ("b", "left_object", here), ("a", "smoke", here)])


def test_a_figure_that_was_not_measured_is_null() -> None:
    said = Figures(share_quiet=0.01, peers={"plain": 0.16}).as_json()
    assert '"core_share_quiet": 0.01, "core_share_busy": null, "times_cheaper_than_plain": 16.0' in said


def test_memory_that_grows_two_megabytes_a_minute_after_the_start_has_that_slope() -> None:
    samples = [(float(at), {"cameras": 100 + max(0, at - 60) / 30, "engine": 50.0}) for at in range(300)]
    assert slope_mb_per_minute(samples, after_s=60, role="cameras") == pytest.approx(2)
    assert slope_mb_per_minute(samples, after_s=60, role="engine") == pytest.approx(0)


async def test_an_age_that_nobody_says_anew_grows(tmp_path: Path) -> None:
    code = (
        "from ingest.cameras.metrics import LAST_FRAME_AGE\nimport sys\n"
        "LAST_FRAME_AGE.labels('c1').set(1.5)\nprint(flush=True)\nsys.stdin.read()"
    )
    folder = tmp_path / "metrics" / "1"
    folder.mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        began_s = time.monotonic()

        async def age_s() -> float:
            return last_frame_ages(tmp_path)["c1"]

        assert await age_s() >= 1.5
        await until(age_s, lambda s: s >= 1.7)
        assert time.monotonic() - began_s >= 0.1
        process.stdin.close()
