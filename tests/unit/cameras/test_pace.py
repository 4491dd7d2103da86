"""Connections to cameras begin a few a second, however many want one, and everybody gets a turn."""

import asyncio
import heapq
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.cameras.pace import Pace, PacedReader
from ingest.cameras.patience import Patience, retry_delay_s
from ingest.rtsp.errors import Problem, RtspError


@given(
    per_s=st.floats(0.5, 200),
    gaps_s=st.lists(st.floats(0, 3), min_size=1, max_size=200),
)
def test_turns_come_in_order_and_no_faster_than_the_pace_but_for_a_few_after_a_rest(
    per_s: float, gaps_s: list[float]
) -> None:
    pace, now_s, turns_s = Pace(per_s), 1000.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        turns_s.append(now_s + pace.turn(now_s))
    assert all(later >= earlier for earlier, later in pairwise(turns_s))
    for n, began_s in enumerate(turns_s):
        within = sum(1 for at_s in turns_s[n:] if at_s < began_s + 1)
        assert within <= per_s + 1 + min(per_s, 5) + 0.001


def test_who_asks_after_a_rest_does_not_wait() -> None:
    pace = Pace(20)
    assert [pace.turn(50.0) for _ in range(5)] == [0.0] * 5
    assert pace.turn(60.0) == 0.0


@pytest.mark.parametrize("answers_after_s", [0.0, 5.0])
def test_five_hundred_cameras_that_all_refuse_are_tried_in_turn_and_at_the_pace(
    answers_after_s: float,
) -> None:
    """In simulated time: what Watch and PacedReader do with retry_delay_s and Pace."""
    pace, patience, dice = Pace(20), Patience(), random.Random(7)
    asking = [(0.0, camera) for camera in range(500)]
    tried: dict[int, list[float]] = {camera: [] for camera in range(500)}
    heapq.heapify(asking)
    while asking[0][0] < 300:
        now_s, camera = heapq.heappop(asking)
        began_s = now_s + pace.turn(now_s)
        tried[camera].append(began_s)
        delay_s = retry_delay_s(patience, Problem.UNREACHABLE, len(tried[camera]) - 1, dice.random())
        heapq.heappush(asking, (began_s + answers_after_s + delay_s, camera))
    began = sorted(at_s for times in tried.values() for at_s in times if at_s < 300)
    assert max(sum(1 for at_s in began if s <= at_s < s + 1) for s in range(300)) <= 25
    assert len(began) > 300 * 19
    longest_s = max(b - a for times in tried.values() for a, b in pairwise([0.0, *times]))
    assert longest_s < 500 / 20 + patience.longest_retry_s + answers_after_s + 1


class Clock:
    at_s = 100.0

    def monotonic(self) -> float:
        return self.at_s


class Reader:
    opened = 0
    clock_offset_s = None

    async def open(self) -> None:
        self.opened += 1


def paced(reader: Reader, pace: Pace, told: list[str], not_before_s: float = 0.0) -> PacedReader:
    return PacedReader(
        reader,  # type: ignore[arg-type]
        pace,
        Clock(),  # type: ignore[arg-type]
        not_before_s=not_before_s,
        waiting=lambda: told.append("waits"),
    )


async def test_a_camera_that_waits_for_its_turn_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(delay_s: float) -> None:
        slept.append(delay_s)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    reader, pace, told = Reader(), Pace(0.4), []
    await paced(reader, pace, told).open()
    assert (reader.opened, told) == (1, [])
    await paced(reader, pace, told).open()
    assert (reader.opened, told, sum(slept)) == (2, ["waits"] * 2, pytest.approx(1.5))


async def test_a_camera_that_rests_is_not_connected_to_and_takes_no_turn() -> None:
    reader, pace = Reader(), Pace(1)
    with pytest.raises(RtspError) as raised:
        await paced(reader, pace, [], not_before_s=100.1).open()
    assert (raised.value.reason, reader.opened, pace.turn(100.0)) == (Problem.RESTING, 0, 0.0)
    await paced(reader, pace, [], not_before_s=100.0).open()
    assert reader.opened == 1
