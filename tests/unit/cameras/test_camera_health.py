"""Is a camera there, and how long until the next try."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.finding import Finding, FindingEnded
from farwatch.domain.place import Position
from farwatch.domain.registry import Camera
from ingest.cameras.health import OUTAGE_AFTER_S, CameraClock, Fault, Sign, judge_outage, status_of
from ingest.cameras.patience import Patience, retry_delay_s
from ingest.rtsp.errors import Problem

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SEEN = NOW - timedelta(seconds=5)
CAMERA = Camera(
    id="c1", name="Gate", enterprise="e1", place=Position(30, 120), heading_deg=None, url="rtsp://127.0.0.1/x"
)


@pytest.mark.parametrize(
    ("age_s", "seen_at", "cause", "state", "reason"),
    [
        (0.0, SEEN, "", "online", ""),
        (9.9, SEEN, "", "online", ""),
        (9.9, SEEN, "closed", "online", ""),
        (10.0, SEEN, "", "offline", "no_picture"),
        (10.0, SEEN, "closed", "offline", "closed"),
        (3.0, None, "", "unknown", "starting"),
        (3.0, None, "unauthorised", "offline", "unauthorised"),
        (10.0, None, "", "offline", "no_picture"),
    ],
)
def test_the_age_of_the_last_picture_decides(
    age_s: float, seen_at: datetime | None, cause: str, state: str, reason: str
) -> None:
    status = status_of("c1", Sign(age_s=age_s, seen_at=seen_at, cause=cause))
    assert (status.state, status.reason) == (state, reason)


def test_an_outage_is_found_once_after_a_minute_and_ends_with_the_next_picture() -> None:
    sign = Sign(age_s=OUTAGE_AFTER_S - 0.1, seen_at=SEEN, cause="timed_out")
    assert judge_outage(CAMERA, None, sign, NOW) is None
    found = judge_outage(CAMERA, None, replace(sign, age_s=OUTAGE_AFTER_S), NOW)
    assert isinstance(found, Finding)
    assert found.onset_at == NOW - timedelta(seconds=OUTAGE_AFTER_S)
    assert (found.enterprise, found.camera, found.zone, found.drill_id) == ("e1", "c1", None, None)
    outage = Fault(found.id, found.onset_at)
    assert judge_outage(CAMERA, outage, replace(sign, age_s=500), NOW) is None
    assert judge_outage(CAMERA, outage, replace(sign, age_s=1.0), NOW) == FindingEnded(found.id, SEEN)


def test_a_watch_that_just_began_does_not_end_an_outage_before_there_is_a_picture() -> None:
    outage = Fault(judge_outage_id(), SEEN)
    assert judge_outage(CAMERA, outage, Sign(age_s=0.5, seen_at=None, cause=""), NOW) is None


def judge_outage_id():
    found = judge_outage(CAMERA, None, Sign(age_s=61, seen_at=None, cause=""), NOW)
    assert isinstance(found, Finding)
    return found.id


def test_only_the_registry_makes_a_camera_fault_a_drill() -> None:
    found = judge_outage(replace(CAMERA, drill=True), None, Sign(age_s=61, seen_at=None, cause=""), NOW)
    assert isinstance(found, Finding)
    assert found.drill_id == "standing"


@pytest.mark.parametrize(
    ("age_s", "seen_at", "state", "reason"),
    [
        (2.0, SEEN, "resting", ""),
        (12.0, SEEN, "offline", "timed_out"),
        (0.0, None, "offline", "timed_out"),
    ],
)
def test_a_camera_that_waits_for_its_turn_is_as_its_last_visit_left_it(
    age_s: float, seen_at: datetime | None, state: str, reason: str
) -> None:
    status = status_of("c1", Sign(age_s=age_s, seen_at=seen_at, cause="timed_out", is_resting=True))
    assert (status.state, status.reason) == (state, reason)


def test_one_that_had_no_turn_yet_waits() -> None:
    assert status_of("c1", Sign(age_s=0, seen_at=None, cause="", is_resting=True)).reason == "waits_its_turn"


def test_a_picture_that_is_no_use_is_the_reason_of_a_camera_that_shows_one() -> None:
    status = status_of("c1", Sign(age_s=1, seen_at=SEEN, cause="", is_short=True), ["camera_covered"])
    assert (status.state, status.reason) == ("online", "camera_covered")


def clock_says(offsets_s: list[float | None], fault: Fault | None = None) -> list[object]:
    """One judgement a minute."""
    clock = CameraClock()
    signs = [Sign(age_s=0, seen_at=SEEN, cause="", stream={"clock_offset_s": o}) for o in offsets_s]
    said = [clock.judge(CAMERA, fault, sign, NOW + timedelta(minutes=i)) for i, sign in enumerate(signs)]
    return [s for s in said if s is not None]


def test_a_clock_that_is_off_for_minutes_is_found_from_when_it_was_off() -> None:
    found = clock_says([0, 31, 35, -40, 31, 32, 31, 31])[0]
    assert isinstance(found, Finding)
    assert (found.rule, found.tier, found.onset_at) == (
        "camera_clock_off",
        "fault",
        NOW + timedelta(minutes=1),
    )
    assert found.reason.params == {"offset_s": 31}


@pytest.mark.parametrize(
    "offsets_s",
    [
        [0.0] * 20,
        [29.0] * 20,
        [None] * 20,
        [40, 40, 40, 40, 40, 5, 40, 40, 40, 40, 40],
        [40, 40, 40, 40, None, 40, 40, 40, 40],
        [1.7e9] * 20,
    ],
    ids=["right", "nearly", "tells none", "put right", "tells no more", "counts from its start"],
)
def test_a_clock_is_not_found_off_before_its_time_or_where_there_is_none(
    offsets_s: list[float | None],
) -> None:
    assert clock_says(offsets_s) == []


def test_a_clock_that_was_put_right_ends_its_fault_and_one_that_is_off_is_told_once() -> None:
    fault = Fault(judge_outage_id(), SEEN)
    assert clock_says([40.0] * 20, fault) == []
    assert clock_says([40, 20, 9], fault) == [NOW + timedelta(minutes=2)]


@given(st.sampled_from(Problem), st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_retries_slow_down_to_a_bound_and_a_refused_account_is_left_alone(
    reason: Problem, failures: int, chance: float
) -> None:
    patience = Patience()
    delay_s = retry_delay_s(patience, reason, failures, chance)
    if reason is Problem.UNAUTHORISED:
        assert delay_s >= patience.refused_retry_s
    else:
        assert patience.first_retry_s / 2 <= delay_s <= patience.longest_retry_s
        assert delay_s <= retry_delay_s(patience, reason, failures + 1, chance)
