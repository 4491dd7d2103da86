"""Which frames are decoded."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.cameras.attention import LONGEST_BACKLOG, Attention, Batch, Want
from ingest.cameras.ring import MAX_BYTES, Ring, frame_bytes
from tests.support.cameras import RATE, frame


def seconds(batch: Batch | None) -> list[float]:
    return [] if batch is None else [f.rtp_time / RATE for f in batch.frames]


class Camera:
    """Ten frames a second, a key frame each second unless said otherwise."""

    def __init__(self, key_every: int = 10, max_bytes: int = MAX_BYTES) -> None:
        self.ring = Ring(clock_rate=RATE, max_bytes=max_bytes)
        self.attention, self.i, self.key_every = Attention(), 0, key_every

    def send(self, count: int, damaged: bool = False, set_back_s: float = 0) -> None:
        for _ in range(count):
            sent = frame(self.i, key=self.i % self.key_every == 0, damaged=damaged)
            self.ring.append(replace(sent, received_at=sent.received_at - timedelta(seconds=set_back_s)))
            self.i += 1

    def take(self, want: Want = Want.KEYS, may_decode_all: bool = True) -> Batch | None:
        return self.attention.take(self.ring, want, may_decode_all=may_decode_all)


def test_only_key_frames_are_decoded_each_once_and_alone() -> None:
    camera = Camera()
    taken = []
    for _ in range(35):
        camera.send(1)
        batch = camera.take()
        if batch:
            assert (batch.alone, batch.restart, batch.skipped) == (True, True, 0)
        taken += seconds(batch)
    assert taken == [0.0, 1.0, 2.0, 3.0]


def test_where_nothing_moves_a_key_frame_in_two_seconds_is_enough_and_none_counts_as_skipped() -> None:
    camera = Camera()
    taken = []
    for _ in range(60):
        camera.send(1)
        batch = camera.take(Want.QUIET)
        assert batch is None or batch.skipped == 0
        taken += seconds(batch)
    assert taken == [0.0, 2.0, 4.0]


@pytest.mark.parametrize("key_every", [1, 4, 5, 10, 12, 15, 20, 22])
def test_however_far_apart_key_frames_are_a_quiet_camera_shows_a_picture_in_two_seconds(
    key_every: int,
) -> None:
    camera, taken = Camera(key_every), []
    for _ in range(200):
        camera.send(1)
        taken += seconds(camera.take(Want.QUIET))[-1:]
    gaps = [b - a for a, b in pairwise(taken)]
    assert max(gaps) <= 2.3
    assert sum(gaps) / len(gaps) >= 0.99 * min(1.8, key_every / 10)


def test_a_decoder_that_was_busy_takes_the_newest_key_frame_and_counts_the_others() -> None:
    camera = Camera()
    camera.send(1)
    camera.take()
    camera.send(35)
    batch = camera.take()
    assert seconds(batch) == [3.0]
    assert batch is not None
    assert batch.skipped == 2


def test_when_something_begins_all_frames_come_from_the_last_key_frame_on_and_no_break() -> None:
    camera = Camera()
    camera.send(14)
    camera.take()
    batch = camera.take(Want.CURIOUS)
    assert seconds(batch) == [1.0, 1.1, 1.2, 1.3]
    assert batch is not None
    assert batch.restart
    camera.send(8)
    batch = camera.take(Want.CURIOUS)
    assert seconds(batch) == [1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1]
    assert batch is not None
    assert not batch.restart
    assert camera.take(Want.CURIOUS) is None


def test_frames_are_taken_together_as_often_as_pictures_are_shown() -> None:
    camera = Camera()
    camera.send(1)
    camera.take(Want.CURIOUS)
    taken = []
    for _ in range(10):
        camera.send(1)
        taken.append(len(seconds(camera.take(Want.CURIOUS))))
    assert taken == [0, 2] * 5


def test_a_spent_budget_leaves_the_key_frames() -> None:
    camera = Camera()
    camera.send(14)
    assert seconds(camera.take(Want.NEEDED)) == [1.0, 1.1, 1.2, 1.3]
    taken = []
    for _ in range(30):
        camera.send(1)
        taken += seconds(camera.take(Want.NEEDED, may_decode_all=False))
    assert taken == [3.0, 4.0]
    assert seconds(camera.take(Want.NEEDED)) == [4.0, 4.1, 4.2, 4.3]


def test_key_frames_far_apart_mean_every_frame_and_the_last_of_them_shown_every_two_seconds() -> None:
    camera = Camera(key_every=100)
    camera.send(1)
    assert seconds(camera.take(Want.QUIET)) == [0.0]
    shown = []
    for _ in range(120):
        camera.send(1)
        batch = camera.take(Want.QUIET)
        if batch:
            assert batch.show_every_s is None
            shown.append(seconds(batch)[-1])
    assert shown[0] <= 2.4
    assert all(b - a <= 2.0 for a, b in pairwise(shown))
    assert len(shown) <= 7


def test_key_frames_two_seconds_apart_are_close_enough() -> None:
    camera = Camera(key_every=20)
    for _ in range(100):
        camera.send(1)
        batch = camera.take()
        assert batch is None or batch.alone


def test_after_damage_nothing_is_decoded_until_the_next_whole_key_frame() -> None:
    camera = Camera()
    camera.send(3)
    assert seconds(camera.take(Want.NEEDED)) == [0.0, 0.1, 0.2]
    camera.send(1, damaged=True)
    camera.send(4)
    assert camera.take(Want.NEEDED) is None
    assert camera.take(Want.NEEDED) is None
    camera.send(4)
    batch = camera.take(Want.NEEDED)
    assert seconds(batch) == [1.0, 1.1]
    assert batch is not None
    assert batch.restart


def test_a_backlog_is_skipped_to_the_last_key_frame() -> None:
    camera = Camera()
    camera.send(5)
    camera.take(Want.NEEDED)
    camera.send(200)
    batch = camera.take(Want.NEEDED)
    assert seconds(batch) == [20.0, 20.1, 20.2, 20.3, 20.4]
    assert batch is not None
    assert batch.skipped == 195


def test_an_all_key_frame_stream_is_thinned() -> None:
    camera = Camera(key_every=1)
    taken = []
    for _ in range(40):
        camera.send(1)
        taken += seconds(camera.take(Want.QUIET))
    assert taken == [0.0, 1.8, 3.6]


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 120), st.sampled_from(list(Want)), st.booleans(), st.booleans()), max_size=30
    ),
    key_every=st.integers(1, 60),
)
def test_batches_are_bounded_go_forward_and_begin_where_decoding_can(
    steps: list[tuple[int, Want, bool, bool]], key_every: int
) -> None:
    camera = Camera(key_every)
    next_rtp = None
    for count, want, may_decode_all, damaged in steps:
        camera.send(count, damaged)
        while (batch := camera.take(want, may_decode_all)) is not None:
            assert 1 <= len(batch.frames) <= LONGEST_BACKLOG
            assert not any(f.damaged for f in batch.frames)
            assert batch.frames[0].is_key if batch.restart else batch.frames[0].rtp_time == next_rtp
            assert batch.alone or may_decode_all
            assert all(
                b.rtp_time - a.rtp_time == RATE / 10
                for a, b in zip(batch.frames, batch.frames[1:], strict=False)
            )
            next_rtp = batch.frames[-1].rtp_time + RATE / 10


@pytest.mark.parametrize("want", [Want.QUIET, Want.KEYS, Want.NEEDED])
@pytest.mark.parametrize("key_every", [10, 100])
def test_a_clock_that_is_set_back_blinds_nobody(want: Want, key_every: int) -> None:
    camera, taken = Camera(key_every), []
    for i in range(300):
        camera.send(1, set_back_s=3600 if i >= 100 else 0)
        taken += seconds(camera.take(want))[-1:]
    assert max(b - a for a, b in pairwise(taken)) <= 2.3


@pytest.mark.parametrize("want", list(Want))
def test_a_group_over_the_bound_of_bytes_is_decoded_to_its_end(want: Want) -> None:
    camera, taken = Camera(key_every=1000, max_bytes=120 * frame_bytes(frame(0))), []
    for _ in range(900):
        camera.send(1)
        taken += seconds(camera.take(want))
    assert camera.ring.overflows == 1
    assert taken[-1] >= 89.9 - 2.0
    assert all(0 <= b - a <= 0.11 for a, b in pairwise(taken))
