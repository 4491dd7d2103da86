"""When a connection has had its time."""

import pytest

from ingest.loggers.limits import ConnectionAge, LoggerLimits

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
