"""policy.toml: what it leaves out is as shipped, and what it does not know it names."""

from datetime import date

import pytest

from farwatch.domain.finding import Tier
from farwatch.domain.policy import SHIPPED, Action, EscalationStep
from farwatch.storage.policy_toml import PolicyError, parse


def test_whole_numbers_will_do_for_seconds() -> None:
    policy = parse("warn_window_s = 60\n[task]\naccept_s = 240\n[limit]\nhold_s = 0")
    assert (policy.warn_window_s, policy.task.accept_s, policy.limit.hold_s) == (60, 240, 0)
    assert (policy.task.arrive_s, policy.task.escalation) == (SHIPPED.task.arrive_s, SHIPPED.task.escalation)


def test_listed_actions_replace_the_shipped_ones() -> None:
    policy = parse('[[actions]]\nrule = "smoke"\ntier = "violation"\naction = "record"')
    assert policy.actions == {("smoke", Tier.VIOLATION): Action.RECORD}
    assert policy.action_for("burning", Tier.VIOLATION, late=False) is Action.RECORD


def test_escalation_is_replaced_as_a_whole() -> None:
    policy = parse('[[task.escalation]]\nafter_s = 60\nto = "centre"')
    assert policy.task.escalation == (EscalationStep(after_s=60, to="centre"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("warn_windw_s = 1", "warn_windw_s: unknown key, did you mean 'warn_window_s'?"),
        (
            "[limit]\nviolation_ration = 2",
            "limit.violation_ration: unknown key, did you mean 'violation_ratio'?",
        ),
        ("[task]\naccept_s = -1", "task.accept_s: Input should be greater than 0"),
        ('[task]\naccept_s = "300"', "task.accept_s: Input should be a valid number"),
        ("[task]\naccept_s = inf", "task.accept_s: Input should be a finite number"),
        ("[limit]\nclear_share = 1.5", "limit.clear_share: Input should be less than or equal to 1"),
        (
            '[[task.escalation]]\nafter_s = 1\nto = "boss"',
            "task.escalation.1.to: Input should be 'next_officer'",
        ),
        ('[[actions]]\nrule = "smoke"\ntier = "violation"', "actions.1.action: Field required"),
        ("[quality]\nconstant_s = 30000", "quality.constant_s: Input should be less than or equal to 21600"),
        ('[quality]\nbusiness_hours = ["late"]', "quality.business_hours.1: String should match"),
        ("warn_window_s =", "not TOML"),
        ("[[task.severity]]\nlevel = 4", "task.severity.1.level: Input should be less than or equal to 3"),
        ("[[task.severity]]\nlevel = 1\n" * 2, "task: severity: listed twice"),
        (
            '[[task.handling]]\nkind = "noise"\namount = 1\nunit = "hours"',
            "task.handling.1.kind: Input should be",
        ),
        (
            '[calendar]\nhours = ["13:00-17:00", "09:00-12:00"]',
            "calendar: hours: at least one stretch, in order",
        ),
        ("[calendar]\nweekdays = []", "calendar: hours: at least one stretch"),
        ('[task]\ncloses_itself = ["smoke"]', "task.closes_itself.1: Input should be 'camera_fault'"),
        ("[dispatch]\ndetuor = 1.2", "dispatch.detuor: unknown key, did you mean 'detour'?"),
        ('[[notices.channel]]\nname = "a"\n' * 2, "notices: channel: listed twice"),
        ("[storm]\ntasks = 0", "storm.tasks: Input should be greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_named(text: str, expected: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert any(problem.startswith(expected) for problem in caught.value.problems), caught.value.problems


def test_steps_out_of_order_and_actions_listed_twice_are_refused() -> None:
    steps = "".join(f'[[task.escalation]]\nafter_s = {s}\nto = "lead"\n' for s in (90, 60))
    with pytest.raises(PolicyError, match="order of after_s"):
        parse(steps)
    with pytest.raises(PolicyError, match="listed twice: smoke/violation"):
        parse('[[actions]]\nrule = "smoke"\ntier = "violation"\naction = "task"\n' * 2)


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(PolicyError) as caught:
        parse("a = 1\nb = 2\n[task]\narrive_s = 0")
    assert len(caught.value.problems) == 3


def test_a_class_of_severity_takes_what_it_leaves_out_from_the_plain_clocks() -> None:
    policy = parse("[task]\naccept_s = 240\n[[task.severity]]\nlevel = 3\nask_at_once = 2").task
    assert (policy.clocks(3).accept_s, policy.clocks(3).ask_at_once) == (240, 2)
    assert policy.clocks(3).escalation == policy.clocks(1).escalation == SHIPPED.task.escalation


def test_clocks_of_a_files_own_hold_for_the_shipped_class_too() -> None:
    policy = parse("[task]\naccept_s = 240").task
    assert (policy.clocks(3).accept_s, policy.clocks(3).escalation) == (
        240,
        SHIPPED.task.clocks(3).escalation,
    )


def test_steps_of_a_files_own_without_classes_are_for_all() -> None:
    policy = parse('[[task.escalation]]\nafter_s = 60\nto = "centre"').task
    assert policy.clocks(3).escalation == (EscalationStep(after_s=60, to="centre"),)


def test_steps_on_arrival_have_an_order_of_their_own() -> None:
    text = "".join(
        f'[[task.escalation]]\nafter_s = {s}\nto = "city"\nof = "{of}"\n'
        for s, of in ((400, "arrive"), (60, "accept"))
    )
    assert [s.of for s in parse(text).task.escalation] == ["arrive", "accept"]


def test_the_calendar_takes_dates_as_toml_writes_them() -> None:
    calendar = parse("[calendar]\nholidays = [2026-10-01]\nextra_days = [2026-10-10]").calendar
    assert (calendar.is_working(date(2026, 10, 1)), calendar.is_working(date(2026, 10, 10))) == (False, True)
