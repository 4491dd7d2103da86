from hypothesis import given
from hypothesis import strategies as st

from server.web.rate_limit import PER_ADDRESS, PER_NAME, Rate, SignInLimits, TokenBuckets

waits = st.lists(st.floats(0, 100, allow_nan=False), max_size=60)


@given(waits)
def test_never_more_than_the_burst_and_one_each_refill(pauses: list[float]) -> None:
    rate = Rate(burst=3, refill_s=10)
    buckets, now_s, passed = TokenBuckets(rate), 0.0, 0
    for pause in pauses:
        now_s += pause
        passed += buckets.take("x", now_s) == 0

    assert passed <= rate.burst + now_s / rate.refill_s + 1e-6


@given(waits)
def test_who_waits_as_long_as_he_is_told_gets_through(pauses: list[float]) -> None:
    buckets, now_s = TokenBuckets(Rate(burst=3, refill_s=10)), 0.0
    for pause in pauses:
        now_s += pause
        if wait_s := buckets.take("x", now_s):
            now_s += wait_s + 1e-6
            assert buckets.take("x", now_s) == 0


def test_the_number_of_buckets_is_bounded_and_the_oldest_go_first() -> None:
    buckets = TokenBuckets(Rate(burst=1, refill_s=1000), buckets_max=2)
    for key in ("a", "b", "c"):
        assert buckets.take(key, 0) == 0

    assert buckets.take("c", 0) > 0
    assert buckets.take("a", 0) == 0


def test_one_address_cannot_try_all_names_nor_many_addresses_one_name() -> None:
    limits = SignInLimits()
    assert [limits.take(f"name{i}", "10.0.0.1", 0) > 0 for i in range(PER_ADDRESS.burst + 1)][-1]
    assert [limits.take("chen", f"10.0.1.{i}", 0) > 0 for i in range(PER_NAME.burst + 1)][-1]


def test_a_shift_that_signs_in_from_one_address_is_not_slowed_down() -> None:
    limits = SignInLimits()
    for i in range(PER_ADDRESS.burst * 3):
        assert limits.take(f"officer{i}", "10.0.0.1", 0) == 0
        limits.succeeded(f"officer{i}", "10.0.0.1", 0)
