from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from detectors.sensors.silence import GATEWAY_RULE, RULE, judge_silence
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


HOUR = timedelta(hours=1)


def group(
    *heard_min_ago: float, source: str = "10.0.0.9", enterprises: tuple[str, ...] = ()
) -> dict[str, Voice]:
    """Stations MN1, MN2, … by when they were heard last."""
    return {
        f"MN{n}": Voice(
            replace(
                STATION, mn=f"MN{n}", source=source, enterprise=enterprises[n - 1] if enterprises else "E1"
            ),
            minutes_ago(ago),
        )
        for n, ago in enumerate(heard_min_ago, start=1)
    }


def found(voices: dict[str, Voice]) -> list[tuple[str, str | None]]:
    outcome = judge_silence(voices, after=HOUR, listening_since=minutes_ago(600), now=NOW)
    return [(f.rule, f.station) for f in outcome.findings]


ONE = [(GATEWAY_RULE, "MN1")]


@pytest.mark.parametrize(
    ("voices", "expected"),
    [
        (group(61, 65, 70), ONE),
        (group(61, 52), ONE),
        (group(61, 65, source=""), ONE),
        (group(61, 65, source="", enterprises=("E1", "E2")), [(RULE, "MN1"), (RULE, "MN2")]),
        (group(61, 65, enterprises=("E1", "E2")), ONE),
        (group(61, 65, source="10.0.0.0/8", enterprises=("E1", "E2")), [(RULE, "MN1"), (RULE, "MN2")]),
        (group(61, 65, source="10.0.0.9/32", enterprises=("E1", "E2")), ONE),
        (group(61, 5), [(RULE, "MN1")]),
        (group(61, 90), [(RULE, "MN1"), (RULE, "MN2")]),
        (group(61), [(RULE, "MN1")]),
        (group(10, 12), []),
    ],
    ids=[
        "all_behind_one_address", "the_second_has_not_been_silent_for_the_full_time_yet", "all_of_one_enterprise",
        "two_enterprises", "one_address_of_two_enterprises",
        "one_network_of_two_enterprises", "one_address_written_as_a_network",
        "one_still_speaks", "not_together", "alone", "nobody_is_silent",
    ],
)  # fmt: skip
def test_who_falls_silent_together_is_one_gateway(
    voices: dict[str, Voice], expected: list[tuple[str, str | None]]
) -> None:
    assert found(voices) == expected


def test_a_drill_is_not_silent_for_the_city() -> None:
    voices = group(61, 65)
    voices["MN2"] = replace(voices["MN2"], station=replace(voices["MN2"].station, drill=True))
    assert found(voices) == [(RULE, "MN1"), (RULE, "MN2")]


def test_a_gateways_silence_ends_with_the_first_that_speaks_and_the_others_have_time_to_return() -> None:
    voices = group(90, 92)
    [finding] = judge_silence(voices, after=HOUR, listening_since=minutes_ago(600), now=NOW).findings
    still = {
        mn: replace(v, gateway_silent_since=finding.onset_at if mn == "MN1" else None)
        for mn, v in voices.items()
    }
    assert judge_silence(still, after=HOUR, listening_since=minutes_ago(600), now=NOW) == judge_silence(
        {}, after=HOUR, listening_since=NOW, now=NOW
    )
    speaks = {**still, "MN2": replace(still["MN2"], heard_at=minutes_ago(1))}
    outcome = judge_silence(speaks, after=HOUR, listening_since=minutes_ago(600), now=NOW)
    assert ([(e.finding_id, e.ended_at) for e in outcome.ended], outcome.findings) == (
        [(finding.id, minutes_ago(1))],
        (),
    )
    returned = replace(speaks["MN1"], gateway_silent_since=None, gateway_returned_at=minutes_ago(1))
    assert found({**speaks, "MN1": returned}) == []
    assert found({**speaks, "MN1": replace(returned, gateway_returned_at=minutes_ago(61))}) == [(RULE, "MN1")]
