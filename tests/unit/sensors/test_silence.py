from datetime import UTC, datetime, timedelta

import pytest

from detectors.sensors.silence import judge_silence
from farwatch.domain.finding import Kind, Tier
from farwatch.domain.judging import Voice
from farwatch.domain.place import Position
from farwatch.domain.registry import Station

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
STATION = Station(mn="MN1", enterprise="E1", name="outlet", place=Position(30, 120), medium="water")
AFTER = timedelta(minutes=10)


def minutes_ago(n: float) -> datetime:
    return NOW - timedelta(minutes=n)


@pytest.mark.parametrize(
    ("heard", "listening", "silent"),
    [(11, 60, True), (9, 60, False), (11, 5, False), (600, 11, True)],
    ids=[
        "longer_than_allowed",
        "not_yet",
        "we_have_not_listened_long_enough",
        "after_an_outage_of_ours_the_full_time",
    ],
)
def test_a_station_is_silent_only_when_we_listened(heard: float, listening: float, silent: bool) -> None:
    outcome = judge_silence(
        {"MN1": Voice(STATION, minutes_ago(heard))},
        after=AFTER,
        listening_since=minutes_ago(listening),
        now=NOW,
    )
    assert [(f.kind, f.tier, f.onset_at) for f in outcome.findings] == (
        [(Kind.DATA_FAULT, Tier.FAULT, minutes_ago(heard))] if silent else []
    )


def test_a_silence_is_found_once_and_ends_when_the_station_speaks() -> None:
    found = judge_silence(
        {"MN1": Voice(STATION, minutes_ago(20))}, after=AFTER, listening_since=minutes_ago(60), now=NOW
    ).findings[0]
    still = Voice(STATION, minutes_ago(20), silent_since=minutes_ago(20))
    again = Voice(STATION, minutes_ago(1), silent_since=minutes_ago(20))
    assert judge_silence({"MN1": still}, after=AFTER, listening_since=minutes_ago(60), now=NOW).findings == ()
    assert [
        e.finding_id
        for e in judge_silence({"MN1": again}, after=AFTER, listening_since=minutes_ago(60), now=NOW).ended
    ] == [found.id]
