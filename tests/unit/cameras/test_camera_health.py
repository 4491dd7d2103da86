"""Is a camera there, and how long until the next try."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.finding import Finding, FindingEnded
from farwatch.domain.place import Position
from farwatch.domain.registry import Camera
from ingest.cameras.health import OUTAGE_AFTER_S, Fault, Sign, judge_outage, status_of
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
