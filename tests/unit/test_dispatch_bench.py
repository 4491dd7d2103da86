"""The dispatch benchmark plays by its own rules: the same city twice, and ours no worse in a seed of it."""

import json

import pytest

from benchmarks.dispatch import report
from benchmarks.dispatch_city import city
from benchmarks.dispatch_rules import NearestIdle, Ours, Score


def test_a_city_is_the_same_again_and_its_dice_do_not_know_who_asks() -> None:
    one, other = city(7), city(7)
    assert (one.events, one.ways) == (other.events, other.ways)
    assert [one.dice("o001", t, busy=False) for t in range(50)] == [
        other.dice("o001", t, busy=False) for t in range(50)
    ]
    assert city(8).events != one.events


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [101, 102])
def test_ours_is_higher_than_the_nearest_idle_officer(seed: int) -> None:
    place = city(seed)
    ours, theirs = Ours(place).run(), NearestIdle(place).run()
    assert ours.both > theirs.both
    assert min(ours.within_5 - theirs.within_5, ours.within_10 - theirs.within_10) > -0.02


@pytest.mark.parametrize(
    ("pairs", "status", "better"),
    [
        ([(Score(0.9, 0.8), Score(0.8, 0.8))] * 30, 0, 30),
        ([(Score(0.9, 0.8), Score(0.8, 0.8))] * 24 + [(Score(0.8, 0.8), Score(0.8, 0.8))] * 6, 1, 24),
        ([(Score(0.9, 0.8), Score(0.8, 0.8))] * 29 + [(Score(0.9, 0.77), Score(0.8, 0.8))], 1, 30),
    ],
)
def test_the_closing_line_says_what_was_asked_for(
    pairs: list[tuple[Score, Score]], status: int, better: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(pairs) == status
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told) == {"us", "peers"}
    assert told["us"].keys() == {"within_5", "within_10", "seeds_better"}
    assert told["us"]["seeds_better"] == better
    assert told["peers"]["nearest_idle"].keys() == {"within_5", "within_10"}
