"""Datagrams come late, twice, or not at all; what goes on to the assembler is in order."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp.reordering import Reordering
from tests.unit.rtsp.wires import NOON, later, packet


def numbered(*numbers: int) -> list[bytes]:
    return [packet(number, 0, b"x") for number in numbers]


def order(packets: list[bytes], first: int) -> list[int]:
    """Their sequence numbers, unwrapped from `first` on."""
    return [first + (int.from_bytes(p[2:4], "big") - first) % 65_536 for p in packets]


@given(st.integers(0, 65_535), st.permutations(range(1, 30)), st.lists(st.integers(1, 29), max_size=10))
def test_what_comes_in_any_order_and_twice_goes_on_in_order_and_once(
    first: int, places: list[int], twice: list[int]
) -> None:
    buffer = Reordering()
    out = buffer.push(numbered(first)[0], NOON)
    for place in [*places, *twice]:
        out += buffer.push(numbered(first + place)[0], NOON)

    assert order(out, first) == list(range(first, first + 30))
    assert buffer.late == len(twice)


def test_in_order_nothing_waits() -> None:
    buffer = Reordering()
    for number in (65_534, 65_535, 0, 1):
        (one,) = numbered(number)
        assert buffer.push(one, NOON) == [one]


def test_a_packet_that_is_missing_for_too_long_is_given_up_and_dropped_when_it_comes_after_all() -> None:
    buffer = Reordering(hold=timedelta(seconds=0.1))
    one, two, three, five = numbered(1, 2, 3, 5)
    assert buffer.push(one, NOON) == [one]
    assert buffer.push(three, NOON) == []
    assert buffer.give_up(later(0.09)) == []
    assert buffer.push(five, later(0.11)) == [three]
    assert buffer.push(two, later(0.12)) == []
    assert buffer.late == 1
    assert buffer.give_up(later(0.3)) == [five]


def test_only_so_many_wait() -> None:
    buffer = Reordering(most_held=3)
    one, *rest = numbered(1, 3, 4, 6, 7)
    buffer.push(one, NOON)

    assert [buffer.push(p, NOON) for p in rest] == [[], [], [], rest[:2]]


@pytest.mark.parametrize("jump", [5_000, -5_000])
def test_a_stream_that_begins_anew_is_followed_at_once(jump: int) -> None:
    buffer = Reordering()
    before, waiting, anew, after = numbered(20_000, 20_002, 20_000 + jump, 20_001 + jump)
    buffer.push(before, NOON)
    buffer.push(waiting, NOON)

    assert buffer.push(anew, NOON) == [waiting, anew]
    assert buffer.push(after, NOON) == [after]


@given(st.lists(st.tuples(st.integers(0, 65_535), st.floats(0, 0.2)), max_size=400))
def test_whatever_comes_the_buffer_stays_small_and_gives_everything_out_or_counts_it(
    arrivals: list[tuple[int, float]],
) -> None:
    buffer, at, given_out = Reordering(most_held=16), 0.0, 0
    for number, wait_s in arrivals:
        at += wait_s
        given_out += len(buffer.push(packet(number, 0, b"x"), later(at)))
        assert len(buffer._waiting) <= 16
    given_out += len(buffer.give_up(later(at + 10)))

    assert given_out + buffer.late + len(buffer._waiting) == len(arrivals)


def test_what_is_too_short_for_a_packet_is_none() -> None:
    assert Reordering().push(b"\x80\x60\x00", NOON) == []


def test_nothing_is_held_longer_because_the_clock_was_set_back() -> None:
    buffer = Reordering()
    one, three = numbered(1, 3)
    buffer.push(one, NOON)
    buffer.push(three, NOON)
    assert buffer.give_up(later(-600)) == [three]
