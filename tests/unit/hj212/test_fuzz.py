"""The fuzz of `make fuzz-hj212`, short: the whole of it has a million cases."""

from benchmarks.fuzz_hj212 import fuzz


def test_twenty_thousand_damaged_frames_and_payloads_raise_nothing_and_cost_no_neighbour() -> None:
    outcome = fuzz(20_000, seed=212)
    assert outcome.cases == 20_000
    assert outcome.raised == []
    assert outcome.lost == []
    assert outcome.reasons["readings"] > 500
    assert outcome.reasons["payload measurements"] > 100
