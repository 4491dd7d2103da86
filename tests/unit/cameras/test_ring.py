"""The last seconds of a stream."""

import tracemalloc
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.cameras.ring import Ring, frame_bytes
from tests.support.cameras import AT, RATE, frame


def ring(**more: object) -> Ring:
    return Ring(clock_rate=RATE, **({"keep_s": 20.0, "max_bytes": 1_000_000} | more))


def filled(count: int, key_every: int, **more: object) -> Ring:
    made = ring(**more)
    for i in range(count):
        made.append(frame(i, key=i % key_every == 0))
    return made


@given(
    keys=st.lists(st.booleans(), max_size=400),
    sizes=st.integers(1, 2000),
    damage=st.sets(st.integers(0, 400)),
    keep_s=st.floats(0.5, 30),
)
def test_whatever_comes_the_ring_begins_at_a_whole_key_frame_and_keeps_its_bound(
    keys: list[bool], sizes: int, damage: set[int], keep_s: float
) -> None:
    made = ring(keep_s=keep_s, max_bytes=50_000)
    for i, key in enumerate(keys):
        made.append(frame(i, key=key, size=sizes, damaged=i in damage))
        kept = made.from_number(made.first)
        assert made.size_bytes == sum(map(frame_bytes, kept)) <= 50_000
        assert made.end == i + 1
        for held in (made.from_last_key(), made.since(AT), made.since(AT + timedelta(hours=1))):
            assert not held or held[0].is_key
            assert not held or not held[0].damaged
        if kept and not made.overflows:
            assert kept[0].is_key


def test_twenty_seconds_are_kept_and_little_more() -> None:
    made = filled(1000, key_every=20)
    kept = made.from_number(made.first)
    span_s = (kept[-1].received_at - kept[0].received_at).total_seconds()
    assert 20 <= span_s < 20 + 2


def test_a_group_is_let_go_as_soon_as_the_next_one_reaches_back_far_enough() -> None:
    made = filled(450, key_every=250)
    assert made.first == 0
    made.append(frame(450))
    assert made.first == 250


def test_a_group_longer_than_the_ring_is_kept_whole() -> None:
    made = filled(600, key_every=10_000)
    assert made.first == 0
    assert len(made.from_last_key()) == 600


def test_of_a_group_over_the_bound_only_what_goes_on_is_kept_and_the_next_key_frame_begins_anew() -> None:
    made = ring(max_bytes=10 * frame_bytes(frame(0, size=100)))
    for i in range(30):
        made.append(frame(i, key=i in (0, 20), size=100))
        if i in (10, 19):
            assert (made.last_key, made.from_last_key(), made.since(AT)) == (None, (), ())
            assert made.end - made.first >= 5
            assert made.key_gap_s == pytest.approx(i / 10)
    assert made.overflows == 1
    assert made.first == 20
    assert len(made.from_last_key()) == 10


def test_since_begins_at_the_key_frame_at_or_before_the_time() -> None:
    made = filled(100, key_every=10)
    assert made.since(AT + timedelta(seconds=5.5))[0].rtp_time == 5 * RATE
    assert made.since(AT + timedelta(seconds=5))[0].rtp_time == 5 * RATE
    assert made.since(AT - timedelta(hours=1))[0].rtp_time == 0
    assert len(made.since(AT + timedelta(hours=1))) == 10


def test_frames_before_the_first_key_frame_are_not_kept() -> None:
    made = ring()
    for i in range(5):
        made.append(frame(i))
    assert (made.from_last_key(), made.since(AT), made.last_key, made.end) == ((), (), None, 5)


def test_the_gap_between_key_frames_grows_while_none_comes() -> None:
    made = filled(11, key_every=10)
    assert made.key_gap_s == 1.0
    for i in range(11, 50):
        made.append(frame(i))
    assert made.key_gap_s == 3.9


@pytest.mark.parametrize("step_s", [-600, -3, 600])
def test_a_clock_that_is_set_changes_nothing_about_how_much_is_kept(step_s: float) -> None:
    made = ring()
    for i in range(2000):
        arrived = frame(i, key=i % 20 == 0)
        at = arrived.received_at + timedelta(seconds=step_s if i >= 1000 else 0)
        made.append(replace(arrived, received_at=at))
        if i > 250:
            assert 200 <= made.end - made.first <= 250


def test_tiny_frames_count_as_what_holds_them() -> None:
    """The objects around a packet of two bytes take 316 (CPython 3.11)."""
    tracemalloc.start()
    try:
        made = Ring(clock_rate=RATE)
        for i in range(20_000):
            made.append(replace(frame(i, key=i == 0), packets=(i.to_bytes(2),), received_at=AT))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held <= 1.2 * made.size_bytes
