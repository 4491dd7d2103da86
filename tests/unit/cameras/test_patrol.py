"""Whose turn it is among more cameras than are watched at once."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.cameras.patrol import PatrolSettings, Rota, Showing

SETTINGS = PatrolSettings(slots=2, dwell_s=30, give_up_s=20, longer_s=150)
IDS = ("a", "b", "c", "d", "e")
Show = Callable[[str, float], Showing]


def fine(id_: str, now_s: float) -> Showing:
    """A picture a second, the first one a second after it is asked for."""
    return Showing(picture_s=now_s, is_busy=False)


def rounds(show: Show, seconds: int, ids: tuple[str, ...] = IDS) -> list[frozenset[str]]:
    rota = Rota(SETTINGS)
    return [rota.step({id_: show(id_, float(s)) for id_ in ids}, float(s)) for s in range(seconds)]


def visits(turns: list[frozenset[str]], id_: str) -> list[int]:
    """How long each visit was, in seconds."""
    told = "".join("x" if id_ in on else " " for on in turns)
    return [len(part) for part in told.split()]


def test_each_camera_has_its_dwell_in_turn_and_no_slot_is_empty() -> None:
    turns = rounds(fine, 156)
    assert {len(on) for on in turns} == {2}
    assert {id_: visits(turns, id_)[0] for id_ in IDS} == dict.fromkeys(IDS, 31)
    assert [sorted(turns[s]) for s in (0, 31, 62, 93, 124)] == [
        ["a", "b"],
        ["c", "d"],
        ["a", "e"],
        ["b", "c"],
        ["a", "d"],
    ]


def test_a_turn_ends_only_where_another_camera_waits() -> None:
    assert rounds(fine, 500, ("a", "b"))[-1] == {"a", "b"}


def test_a_camera_without_a_picture_loses_its_turn_sooner() -> None:
    turns = rounds(lambda id_, s: Showing(-math.inf if id_ == "a" else s, False), 100)
    assert visits(turns, "a")[0] == SETTINGS.give_up_s


def test_the_dwell_counts_from_the_first_picture_of_the_visit() -> None:
    """Signing in and the first key frame take a while; an old picture is none of this visit."""
    turns = rounds(lambda _, s: Showing(s if s >= 9 else -1, False), 60)
    assert visits(turns, "a") == [39]


def test_where_something_begins_the_look_goes_on_to_a_bound() -> None:
    turns = rounds(lambda id_, s: Showing(s, is_busy=id_ == "a" and s < 70), 300)
    assert visits(turns, "a")[0] == 70
    turns = rounds(lambda id_, s: Showing(s, is_busy=id_ == "a"), 400)
    assert visits(turns, "a")[0] == SETTINGS.dwell_s + SETTINGS.longer_s


def test_whom_somebody_wishes_to_see_is_next() -> None:
    turns = rounds(lambda id_, s: Showing(s, False, is_wished=id_ == "e"), 31)
    assert turns[0] == {"a", "e"}


def test_who_is_new_comes_before_who_was_seen_and_who_is_gone_frees_the_slot() -> None:
    rota = Rota(SETTINGS)
    for s in range(61):
        rota.step({id_: fine(id_, s) for id_ in "abc"}, s)
    assert "n" in rota.step({id_: fine(id_, 90) for id_ in "abcn"}, 90)
    assert rota.step({id_: fine(id_, 91) for id_ in "c"}, 91) == {"c"}


@given(
    st.integers(1, 5), st.integers(1, 12),
    st.lists(st.tuples(st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)), st.integers(0, 60)), max_size=60),
)  # fmt: skip
def test_no_camera_is_forgotten_and_no_slot_counted_twice(
    slots: int, cameras: int, steps: list[tuple[set[int], set[int], int]]
) -> None:
    rota = Rota(PatrolSettings(slots=slots))
    now_s = 0.0
    for silent, busy, passes_s in steps:
        now_s += passes_s
        shown = {str(i): Showing(-math.inf if i in silent else now_s, i in busy) for i in range(cameras)}
        on = rota.step(shown, now_s)
        assert len(on) == min(slots, cameras)
        assert on <= shown.keys()
    most_s = (SETTINGS.dwell_s + SETTINGS.longer_s) * math.ceil(cameras / slots) + 1
    seen = set()
    for _ in range(round(most_s)):
        seen |= rota.step({str(i): Showing(now_s, True) for i in range(cameras)}, now_s)
        now_s += 1
    assert len(seen) == cameras


@pytest.mark.parametrize("slots", [3, 5, 9])
def test_as_many_slots_as_cameras_need_no_rota(slots: int) -> None:
    rota = Rota(PatrolSettings(slots=slots))
    assert len(rota.step({id_: fine(id_, 0) for id_ in IDS}, 0)) == min(slots, 5)


@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("wished", [1, 2, 4, 8])
def test_however_many_are_looked_at_the_others_are_seen_too(slots: int, wished: int) -> None:
    rota, ids = Rota(PatrolSettings(slots=slots)), [str(i) for i in range(20)]
    seen: dict[str, int] = dict.fromkeys(ids, 0)
    for s in range(0, 2 * 3600, 2):
        shown = {id_: Showing(s, i < wished, i < wished) for i, id_ in enumerate(ids)}
        for id_ in rota.step(shown, s):
            seen[id_] += 1
    assert min(seen.values()) >= 15
    others = [seen[id_] for id_ in ids[wished:]]
    assert min(seen[id_] for id_ in ids[:wished]) > max(others) or wished > slots
