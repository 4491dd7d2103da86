"""What is decoded of one camera when its rules, a viewer and the budget come together."""

import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.cameras.attention import Attention, Batch, Want
from ingest.cameras.budget import BudgetSettings, DecodeBudget
from ingest.cameras.focus import Focus
from ingest.cameras.live import LiveWish
from ingest.cameras.ring import Ring
from tests.support.cameras import RATE, frame


class HandClock:
    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 8, tzinfo=UTC) + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s


class Sight:
    """A camera of ten frames a second with a key frame every two, and its focus."""

    def __init__(self, folder: Path, share: float = 0.25, key_every: int = 20) -> None:
        self.clock, self.wish = HandClock(), folder / "c1.wish"
        self.budget = DecodeBudget(BudgetSettings(share=share, saved_s=1.0))
        self.focus = Focus("c1", self.budget, LiveWish(self.wish, self.clock), self.clock)
        self.ring, self.attention, self.i, self.key_every = Ring(clock_rate=RATE), Attention(), 0, key_every

    def look_on(self) -> None:
        self.wish.touch()
        os.utime(self.wish, times=(self.clock.now().timestamp(),) * 2)

    def live(self, seconds: float, wanted: Want, cpu_s: float = 0.01) -> list[Batch]:
        taken = []
        for _ in range(round(10 * seconds)):
            self.clock.passed_s += 0.1
            new = frame(self.i, key=self.i % self.key_every == 0)
            self.ring.append(new)
            self.i += 1
            is_news = self.focus.is_news([new], self.attention, self.ring, wanted)
            batch = self.focus.take(self.attention, self.ring, wanted) if is_news else None
            if batch is not None:
                taken.append(batch)
                self.focus.spent(batch, self.attention, self.ring, wanted, cpu_s)
        return taken


@pytest.fixture
def sight(tmp_path: Path) -> Sight:
    return Sight(tmp_path)


@pytest.mark.parametrize("wanted", [Want.QUIET, Want.KEYS])
def test_key_frames_alone_while_nothing_begins(sight: Sight, wanted: Want) -> None:
    batches = sight.live(20, wanted)
    assert [b.alone for b in batches] == [True] * 10
    assert not sight.focus.is_short


@pytest.mark.parametrize("wanted", [Want.CURIOUS, Want.NEEDED])
def test_all_frames_when_something_begins_and_key_frames_again_when_it_is_over(
    sight: Sight, wanted: Want
) -> None:
    sight.live(5, Want.QUIET)
    closely = sight.live(5, wanted)
    assert not any(b.alone for b in closely)
    assert len(closely) >= 20
    assert all(b.alone for b in sight.live(10, Want.QUIET))


def test_who_looks_gets_five_pictures_a_second_until_ten_seconds_after_he_left(sight: Sight) -> None:
    assert not sight.focus.is_watched
    sight.look_on()
    seen = sight.live(9, Want.QUIET)
    assert len(seen) >= 36
    assert sight.focus.is_watched
    sight.live(3, Want.QUIET)
    assert not sight.focus.is_watched
    assert all(b.alone for b in sight.live(10, Want.QUIET))


def test_a_budget_that_is_used_up_leaves_key_frames_and_says_so(tmp_path: Path) -> None:
    sight = Sight(tmp_path, share=1e-6)
    closely = sight.live(20, Want.NEEDED, cpu_s=0.1)
    assert not closely[0].alone
    assert all(b.alone for b in closely[10:])
    assert sight.focus.is_short
    sight.live(15, Want.QUIET)
    assert not sight.focus.is_short


def test_key_frames_far_apart_are_bridged_under_the_same_budget(tmp_path: Path) -> None:
    rich, poor = Sight(tmp_path, key_every=100), Sight(tmp_path, share=1e-6, key_every=100)
    shown = [b.frames[-1].received_at for b in rich.live(40, Want.QUIET)]
    assert max((b - a).total_seconds() for a, b in pairwise(shown)) <= 2.5
    poor.live(20, Want.QUIET, cpu_s=0.5)
    assert [b.alone for b in poor.live(20, Want.QUIET)] == [True, True]
    assert poor.focus.is_short


def test_a_clock_that_is_set_back_keeps_nobody_looking(tmp_path: Path) -> None:
    sight = Sight(tmp_path)
    sight.look_on()
    assert sight.focus.is_watched
    later = sight.clock.now() + timedelta(seconds=600)
    os.utime(sight.wish, times=(later.timestamp(),) * 2)
    sight.clock.passed_s += 2
    assert not sight.focus.is_watched
