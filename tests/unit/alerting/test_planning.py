"""Which way comes next: the first group at once, the others while nobody has heard, and somebody is told when no way is left."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.planning import Audience, Plan, Standing, Way, audience_of, groups_for, plan
from farwatch.domain.place import Position
from farwatch.domain.policy import NoticeRule
from farwatch.domain.registry import Enterprise, Officer, Registry, Team

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
HERE = Position(31.0, 121.0)


def registry() -> Registry:
    def officer(id: str, contact: str) -> Officer:
        return Officer(
            id=id, name=id, team="t", phone="", place=HERE, shift="always", contact_channel=contact
        )

    return Registry(
        version=1,
        officers={
            "o1": officer("o1", "wecom-o1"),
            "o2": officer("o2", ""),
            "boss": officer("boss", "wecom-o1"),
        },
        teams={"t": Team(id="t", name="t", lead="boss")},
        enterprises={"e1": Enterprise(id="e1", name="e1", place=HERE, contact_channel="mail-e1")},
    )


def test_each_target_has_its_audience() -> None:
    found = {
        target: audience_of(target, registry()) for target in ("o1", "boss", "centre", "city", "e1", "gone")
    }
    assert found == {
        "o1": Audience.OFFICER, "boss": Audience.LEAD, "centre": Audience.CENTRE, "city": Audience.CITY,
        "e1": Audience.ENTERPRISE, "gone": Audience.UNKNOWN,
    }  # fmt: skip
    assert audience_of("o1", registry(), warned=True) is Audience.UNKNOWN


def test_contact_is_the_registrys_channel_and_what_has_no_credential_is_left_out() -> None:
    rule = NoticeRule(officer=(("page", "contact"), ("sms", "voice")), centre=(("page", "duty"),))
    known = {"wecom-o1", "sms", "duty", "mail-e1"}
    assert groups_for("o1", rule, registry(), known) == (("wecom-o1",), ("sms",))
    assert groups_for("o2", rule, registry(), known) == ((), ("sms",))
    assert groups_for("centre", rule, registry(), known) == (("duty",),)
    assert groups_for("e1", rule, registry(), known) == (("mail-e1",),)
    assert groups_for("gone", rule, registry(), known) == ((),), "the enterprises' ways are theirs"


def test_an_enterprise_has_no_page_to_wait_for() -> None:
    rule = NoticeRule(enterprise=(("page",), ("contact", "sms"), ("voice",)))
    assert groups_for("e1", rule, registry(), {"sms"}) == (("sms",),)
    assert groups_for("e1", rule, registry(), ()) == ()
    assert plan(NEW, (), 30, NOW).unheard == "no_channel"


GROUPS = (("a",), ("b", "a"), (), ("c",))
NEW = Standing(0, "sent", urgent=True)


def ways(**states: str) -> tuple[Way, ...]:
    """`x_failing`: queued again after an attempt that failed."""
    return tuple(
        Way(n, s.removesuffix("_failing"), s.endswith("_failing") or s == "failed") for n, s in states.items()
    )


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (NEW, Plan(("a",), 1, LATER)),
        (Standing(0, "seen", urgent=True), Plan(("a",), 1, LATER)),
        (Standing(0, "sent", urgent=False), Plan(("a",), 1, None)),
        (Standing(1, "delivered", True, ways(a="sent")), Plan((), 1, None)),
        (Standing(1, "sent", True, ways(a="delivered")), Plan((), 1, None)),
        (Standing(1, "sent", True, ways(a="sent")), Plan(("b",), 2, LATER)),
        (Standing(2, "sent", True, ways(a="failed", b="queued_failing")), Plan(("c",), 4, LATER)),
        (Standing(4, "sent", True, ways(a="failed", b="sent", c="failed")), Plan((), 4, None)),
        (Standing(4, "sent", True, ways(a="failed", b="failed", c="queued")), Plan((), 4, LATER)),
        (Standing(4, "sent", True, ways(a="failed", b="expired", c="queued_failing")), Plan((), 4, None, "all_failed")),
    ],
)  # fmt: skip
def test_the_next_way(standing: Standing, expected: Plan) -> None:
    assert plan(standing, GROUPS, 30, NOW) == expected


def test_without_any_channel_the_page_has_its_time_before_somebody_is_told() -> None:
    first = plan(NEW, ((),), 30, NOW)
    assert first == Plan((), 1, LATER)
    assert plan(Standing(1, "sent", urgent=True), ((),), 30, LATER).unheard == "no_channel"
    assert plan(Standing(1, "delivered", urgent=True), ((),), 30, LATER).unheard == ""


STATES = ("queued", "queued_failing", "sent", "delivered", "failed", "expired")


@given(
    st.lists(st.lists(st.sampled_from("abcde"), max_size=3), max_size=4),
    st.lists(st.sampled_from(("sent", "delivered", "seen")), min_size=40, max_size=40),
    st.lists(st.sampled_from(STATES), min_size=40, max_size=40),
)
def test_planning_ends_and_uses_each_channel_at_most_once(
    groups: list[list[str]], pages: list[str], states: list[str]
) -> None:
    used, group_no, step = dict[str, str](), 0, 0
    while True:
        way_states = ways(**used)
        done = plan(Standing(group_no, pages[step], True, way_states), [tuple(g) for g in groups], 30, NOW)
        assert not set(done.send) & used.keys()
        assert done.group_no >= group_no
        used |= {channel: states[(step * 5 + i) % 40] for i, channel in enumerate(dict.fromkeys(done.send))}
        if not done.send and done.plan_at == LATER and done.group_no == group_no:
            assert "queued" in used.values()  # waits for an attempt, which ends by itself
            used = {c: "failed" if s == "queued" else s for c, s in used.items()}
        group_no, step = done.group_no, step + 1
        if done.plan_at is None:
            break
        assert step < 20
    if done.unheard:
        assert not {"sent", "delivered"} & set(used.values())
