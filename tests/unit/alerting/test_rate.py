"""No channel is ever sent more than it takes, whatever is asked when."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerting import rate
from farwatch.domain.policy import ChannelRule

START = datetime(2026, 11, 22, tzinfo=UTC)
RULE = ChannelRule(name="dingtalk", per_minute=18, burst=18)


def at(s: float) -> datetime:
    return START + timedelta(seconds=s)


@given(st.lists(st.tuples(st.floats(0, 90), st.integers(0, 40)), max_size=60))
def test_in_no_minute_goes_more_than_the_burst_and_a_minutes_share(asked: list[tuple[float, int]]) -> None:
    bucket, now, sent = rate.full(RULE, START), 0.0, list[float]()
    for pause_s, wanted in asked:
        now += pause_s
        bucket = rate.refilled(bucket, RULE, at(now))
        some = min(wanted, rate.room(bucket, at(now)))
        bucket = rate.spent(bucket, some)
        sent += [now] * some
        assert bucket.tokens >= 0
    for begin in sent:
        assert sum(begin <= s < begin + 60 for s in sent) <= RULE.burst + RULE.per_minute
    assert len(sent) <= RULE.burst + now * RULE.per_minute / 60 + 1e-6


def test_a_burst_that_was_used_up_comes_back_at_the_pace_of_the_rule() -> None:
    bucket = rate.spent(rate.full(RULE, START), 18)
    assert [rate.room(rate.refilled(bucket, RULE, at(s)), at(s)) for s in (0, 3, 10, 60, 600)] == [
        0,
        0,
        3,
        18,
        18,
    ]


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    bucket = rate.refilled(rate.spent(rate.full(RULE, START), 18), RULE, at(-600))
    assert rate.room(rate.refilled(bucket, RULE, START), START) == 0


def test_a_ban_rests_the_channel_at_least_ten_minutes_and_as_long_as_it_asks() -> None:
    assert rate.banned(START, None) == at(600)
    assert rate.banned(START, 30) == at(600)
    assert rate.banned(START, 1200) == at(1200)
    bucket = rate.Bucket(9, START, rate.banned(START, None))
    assert [rate.room(bucket, at(s)) for s in (0, 599, 600)] == [0, 0, 9]


@given(st.integers(1, rate.MOST_ATTEMPTS), st.text(max_size=40))
def test_waits_double_within_a_quarter_and_are_the_same_for_the_same_notice(attempt: int, key: str) -> None:
    wait_s = rate.retry_after_s(attempt, key)
    middle = min(rate.RETRY_LONGEST_S, rate.RETRY_FIRST_S * 2 ** (attempt - 1))
    assert 0.75 * middle <= wait_s <= 1.25 * middle
    assert wait_s == rate.retry_after_s(attempt, key)


def test_notices_that_failed_together_do_not_come_back_together() -> None:
    assert len({round(rate.retry_after_s(3, f"{n}:offer:wecom:o1"), 3) for n in range(100)}) > 90
