from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.silencing import covering, covers
from farwatch.domain.finding import Finding, Kind, Reason, Tier
from farwatch.domain.place import Position
from farwatch.domain.silence import Scope, Silence, SilenceKind

T0 = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SMOKE = Finding(
    rule="smoke", kind=Kind.SMOKE, tier=Tier.VIOLATION, place=Position(31.2, 121.4), onset_at=T0, severity=2,
    reason=Reason("seen"), enterprise="e1", camera="cam", zone="stack",
)  # fmt: skip
OVER = replace(
    SMOKE, rule="limit_rtd", kind=Kind.EXCEEDANCE, camera=None, zone=None, station="mn1", code="a21026"
)


def silence(id: int = 1, *, until: timedelta = HOUR, ended: timedelta | None = None, **scope: str) -> Silence:
    return Silence(
        id=id, kind=SilenceKind.MAINTENANCE, scope=Scope(**scope), from_at=T0, to_at=T0 + until,
        ended_at=T0 + ended if ended is not None else None,
    )  # fmt: skip


SCOPES = [
    ({"enterprise": "e1"}, SMOKE, True),
    ({"enterprise": "e2"}, SMOKE, False),
    ({"enterprise": "e1"}, replace(SMOKE, enterprise=None), False),
    ({"camera": "cam"}, SMOKE, True),
    ({"camera": "cam"}, OVER, False),
    ({"station": "mn1"}, OVER, True),
    ({"station": "mn1"}, SMOKE, False),
    ({"rule": "smoke"}, SMOKE, True),
    ({"rule": "smoke"}, OVER, False),
    ({"finding_kind": "exceedance"}, OVER, True),
    ({"finding_kind": "exceedance"}, SMOKE, False),
    ({"grid": "g"}, SMOKE, True),
    ({"grid": "other"}, SMOKE, False),
    ({"enterprise": "e1", "finding_kind": "exceedance"}, OVER, True),
    ({"enterprise": "e1", "finding_kind": "exceedance"}, SMOKE, False),
    ({"enterprise": "e1", "camera": "cam", "rule": "smoke", "finding_kind": "smoke", "grid": "g"}, SMOKE, True),
    ({}, SMOKE, False),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "finding", "expected"), SCOPES)
def test_all_that_a_scope_names_must_be_true(scope: dict[str, str], finding: Finding, expected: bool) -> None:
    assert (covers(silence(**scope), finding, "g", T0) is not None) is expected


WHEN = [
    (timedelta(seconds=-1), None, False),
    (timedelta(0), None, True),
    (HOUR - timedelta(microseconds=1), None, True),
    (HOUR, None, False),
    (timedelta(minutes=9), timedelta(minutes=10), True),
    (timedelta(minutes=10), timedelta(minutes=10), False),
    (HOUR, 2 * HOUR, False),
]


@pytest.mark.parametrize(("after", "ended", "expected"), WHEN)
def test_it_holds_from_its_begin_to_its_end_or_until_somebody_ended_it(
    after: timedelta, ended: timedelta | None, expected: bool
) -> None:
    assert (covers(silence(enterprise="e1", ended=ended), SMOKE, None, T0 + after) is not None) is expected


def test_the_reason_names_the_silence_and_its_end() -> None:
    reason = covers(silence(7, camera="cam"), SMOKE, None, T0)
    assert reason == Reason("silenced", {"silence": 7, "until": (T0 + HOUR).isoformat()})


def test_a_drill_is_silenced_like_the_real_thing() -> None:
    assert covers(silence(camera="cam"), replace(SMOKE, drill_id="d"), None, T0)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 100)), max_size=6))
def test_of_several_the_one_that_ends_last_holds_it(several: list[tuple[bool, int]]) -> None:
    silences = [
        silence(n, until=timedelta(minutes=m), camera="cam" if mine else "other")
        for n, (mine, m) in enumerate(several)
    ]
    found = covering(silences, SMOKE, None, T0)
    lasting = [m for mine, m in several if mine]
    assert (found is None) is (not lasting)
    if found:
        assert found[0].to_at == T0 + timedelta(minutes=max(lasting))
