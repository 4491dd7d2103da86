"""Simulated officers answer, drive and finish in their own time, one visit after the other."""

from datetime import UTC, datetime, timedelta
from typing import Any

from farwatch.domain.place import Position, distance_m
from simulators.officers import Act, Manner, OfficerOnDuty

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HOME, THERE = Position(30.26, 120.13), Position(30.27, 120.14)
KEEN = Manner(answers=True, accepts_after_s=20, handles_after_s=60, speed_m_s=10)


def a_matter(is_reached: bool, at: Position = THERE, closed: bool = False) -> dict[str, Any]:
    return {
        "place": {"lat": at.lat, "lon": at.lon},
        "arrived_at": NOW.isoformat() if is_reached else None,
        "closed_at": NOW.isoformat() if closed else None,
    }


def a_task(state: str = "offered", **changes: Any) -> dict[str, Any]:
    officer = "o1" if state in ("accepted", "arrived") else None
    place = {"lat": THERE.lat, "lon": THERE.lon}
    return {
        "id": 7,
        "state": state,
        "officer": officer,
        "offered_to": ["o1"],
        "place": place,
        "severity": 2,
        "matters": [a_matter(state == "arrived")],
    } | changes


def on_duty(manner: Manner = KEEN) -> OfficerOnDuty:
    return OfficerOnDuty("o1", HOME, manner, seed=1)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_he_accepts_after_a_while_and_not_before() -> None:
    officer = on_duty()

    answers = [officer.act([a_task()], after(s), 4) for s in (0, 10, 19, 20)]
    assert answers == [None, None, None, Act(task=7, move="accept")]


def test_he_who_does_not_answer_never_accepts() -> None:
    officer = on_duty(Manner(answers=False, accepts_after_s=1, handles_after_s=1, speed_m_s=10))

    assert [officer.act([a_task()], after(s), 4) for s in range(0, 900, 30)] == [None] * 30


def test_he_does_not_take_what_was_not_offered_to_him() -> None:
    officer = on_duty()

    assert [officer.act([a_task(offered_to=["o2"])], after(s), 4) for s in (0, 60)] == [None, None]


def test_he_drives_at_his_speed_and_says_when_he_is_there() -> None:
    officer = on_duty()
    task = a_task("accepted")

    officer.act([task], NOW, 10)
    assert abs(distance_m(HOME, officer.place) - 100) < 1
    acts = [officer.act([task], after(s), 10) for s in range(10, 200, 10)]
    assert Act(task=7, move="arrive") in acts
    assert distance_m(officer.place, THERE) < 30


def test_he_finishes_after_his_time_there_and_drives_home() -> None:
    officer = on_duty()
    officer.place = THERE
    task = a_task("arrived")

    assert officer.act([task], after(0), 4) is None
    done = officer.act([task], after(61), 4)
    assert done is not None
    assert (done.move, bool(done.note)) == ("handle", True)
    for _ in range(40):
        officer.act([a_task("handled")], after(70), 10)
    assert distance_m(officer.place, HOME) < 20


def test_he_goes_on_to_where_nobody_was_yet_before_he_finishes() -> None:
    officer = on_duty()
    officer.place = THERE
    task = a_task("arrived", matters=[a_matter(True), a_matter(False, HOME), a_matter(False, closed=True)])

    acts = [officer.act([task], after(s), 10) for s in range(0, 200, 10)]
    assert {act.move for act in acts if act} == {"arrive"}
    assert distance_m(officer.place, HOME) < 30


def test_he_goes_to_what_still_stands() -> None:
    officer = on_duty()
    task = a_task("accepted", matters=[a_matter(False, closed=True), a_matter(False, HOME)])

    assert officer.act([task], NOW, 10) == Act(task=7, move="arrive")


def test_he_takes_no_second_offer_while_he_is_on_a_visit() -> None:
    officer = on_duty()

    acts = [officer.act([a_task("accepted"), a_task(id=8)], after(s), 0) for s in (0, 60, 120)]
    assert acts == [None, None, None]


def test_manners_are_seeded_and_most_officers_answer() -> None:
    manners = [Manner.of(f"officer-{i}", seed) for seed in range(10) for i in range(8)]

    assert manners[3] == Manner.of("officer-3", 0)
    assert 48 <= sum(m.answers for m in manners) < 80


def test_his_phone_sees_him_a_few_metres_off() -> None:
    officer = on_duty()

    seen = [officer.seen_at() for _ in range(200)]
    assert max(distance_m(s, HOME) for s in seen) < 40
    assert {s.accuracy_m for s in seen} == {8.0}
