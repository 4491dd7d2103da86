"""When a connection has had its time."""

import pytest

from ingest.loggers.limits import MOST_RESTING, ConnectionAge, LoggerLimits, Resting

LIMITS = LoggerLimits(
    idle_s=100, introduce_within_s=60, frame_within_s=30, write_within_s=10, refused_frames=5
)


def young() -> ConnectionAge:
    return ConnectionAge(began_s=1000.0)


def test_a_connection_introduces_itself_and_then_speaks_now_and_then() -> None:
    age = young()
    assert age.over(LIMITS, 1060.0) is None
    assert age.over(LIMITS, 1060.1) == "no_introduction"
    age.took(1059.0)
    assert age.over(LIMITS, 1159.0) is None
    assert age.over(LIMITS, 1159.1) == "idle"


def test_a_frame_that_drips_is_not_forgiven_and_one_that_ends_is_forgotten() -> None:
    age = young()
    age.took(1000.0)
    for second in range(40):
        age.unfinished(1000.0 + second, is_held=True, went_on=False)
    assert age.over(LIMITS, 1030.0) is None
    assert age.over(LIMITS, 1030.1) == "frame_unfinished"
    age.unfinished(1039.0, is_held=True, went_on=True)
    assert age.over(LIMITS, 1060.0) is None
    age.unfinished(1040.0, is_held=False, went_on=True)
    assert age.over(LIMITS, 1090.0) is None


def test_only_refusals_in_a_row_count() -> None:
    age = young()
    for _ in range(4):
        age.refused()
    age.took(1000.0)
    for _ in range(4):
        age.refused()
    assert age.over(LIMITS, 1000.0) is None
    age.refused()
    assert age.over(LIMITS, 1000.0) == "refused_frames"


def test_long_refused_frames_count_as_several() -> None:
    age = young()
    age.refused(1030)
    age.refused(1030)
    assert age.over(LIMITS, 1000.0) is None
    age.refused(9010)
    assert age.over(LIMITS, 1000.0) == "refused_frames"


def test_who_does_not_read_is_ended_even_while_we_do_not_read() -> None:
    age = young()
    age.write_stalled_at_s = 1000.0
    age.paused(1010.1)
    assert age.over(LIMITS, 1010.1) == "write_stalled"


@pytest.mark.parametrize("is_introduced", [True, False])
def test_while_we_do_not_read_no_silence_of_the_other_side_counts(is_introduced: bool) -> None:
    age = young()
    if is_introduced:
        age.took(1000.0)
    age.unfinished(1000.0, is_held=True, went_on=True)
    for second in range(1000):
        age.paused(1000.0 + second)
    assert age.over(LIMITS, 2000.0) is None


def refused(times: int, *, taken: bool = False) -> ConnectionAge:
    age = young()
    if taken:
        age.took(1000.0)
    for _ in range(times):
        age.refused()
    return age


def test_an_address_of_refused_frames_only_is_not_listened_to_for_a_while_over_however_many_connections() -> (
    None
):
    resting = Resting()
    for now_s, times in ((1000.0, 2), (1001.0, 2), (1002.0, 1)):
        assert not resting.lasts("127.0.0.9", now_s)
        assert resting.ended("127.0.0.9", refused(times), LIMITS, now_s) is (now_s == 1002.0)
    assert resting.lasts("127.0.0.9", 1002.0)
    assert resting.lasts("127.0.0.9", 1031.9)
    assert not resting.lasts("127.0.0.9", 1032.0)
    assert not resting.lasts("127.0.0.8", 1002.0)


def test_a_frame_that_was_taken_makes_up_for_refused_ones() -> None:
    resting = Resting()
    for n in range(10):
        resting.ended("127.0.0.9", refused(4, taken=n % 2 == 1), LIMITS, 1000.0)
        resting.ended("127.0.0.9", refused(0, taken=True), LIMITS, 1000.0)
    assert not resting.lasts("127.0.0.9", 1000.0)


def test_of_many_addresses_only_the_newest_are_known() -> None:
    resting = Resting()
    for n in range(MOST_RESTING + 100):
        resting.ended(str(n), refused(5), LIMITS, 1000.0)
        resting.ended(str(n), refused(1), LIMITS, 1000.0)
    assert len(resting) == 2 * MOST_RESTING
    assert resting.lasts(str(n), 1000.0)
