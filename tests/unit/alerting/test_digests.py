"""What becomes one message: nothing is left out, nothing is told twice, and what is urgent goes first."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from alerting.digests import STORM, Parcel, Waiting, parcels

NOTICES = st.lists(
    st.tuples(
        st.sampled_from(("o1", "o2", "centre")),
        st.sampled_from(("offer", "handled", "storm:7:1", "storm:7:2")),
        st.booleans(),
        st.sampled_from((None, None, "d1", "d2")),
    ),
    max_size=60,
).map(lambda rows: [Waiting(i, *row) for i, row in enumerate(rows)])  # fmt: skip


@given(NOTICES, st.integers(1, 10))
def test_every_notice_is_in_exactly_one_message_for_its_own_target_and_drill(
    waiting: list[Waiting], digest_from: int
) -> None:
    made = parcels(waiting, digest_from)
    told = [notice for parcel in made for notice in (parcel.carrier, *parcel.carried)]
    assert sorted(told) == [w.id for w in waiting]
    for parcel in made:
        notices = [waiting[notice] for notice in (parcel.carrier, *parcel.carried)]
        assert len({(notice.target, notice.drill_id) for notice in notices}) == 1


@given(NOTICES, st.integers(1, 10))
def test_urgent_ones_go_before_the_others(waiting: list[Waiting], digest_from: int) -> None:
    urgent = [parcel.urgent for parcel in parcels(waiting, digest_from)]
    assert urgent == sorted(urgent, reverse=True)


@given(NOTICES, st.integers(1, 10))
def test_no_target_gets_more_messages_of_one_drill_or_none_than_digests_begin_with_and_one_for_the_storm(
    waiting: list[Waiting], digest_from: int
) -> None:
    made = [waiting[parcel.carrier] for parcel in parcels(waiting, digest_from)]
    counts = Counter((carrier.target, carrier.drill_id) for carrier in made)
    assert all(count <= digest_from + 1 for count in counts.values())


def test_up_to_the_limit_each_goes_by_itself_and_a_storm_never_does() -> None:
    few = [Waiting(i, "o1", "offer", True, None) for i in range(5)]
    assert parcels(few, 5) == [Parcel(i) for i in range(5)]
    assert parcels([*few, Waiting(5, "o1", "offer", False, None)], 5) == [Parcel(0, (1, 2, 3, 4, 5))]
    storm = [Waiting(i, "o1", f"{STORM}3:{i}", True, None) for i in range(2)]
    assert parcels(storm, 5) == [Parcel(0, (1,))]
