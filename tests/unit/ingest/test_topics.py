"""What a topic names; what nobody agreed on is refused and not remembered."""

from ingest.payloads import Refusal, Route
from ingest.payloads.topics import LONGEST_TOPIC, Words, route


def test_a_topic_longer_than_any_stations_is_refused() -> None:
    head, tail = "hj212/", "/up"
    longest = "A" * (LONGEST_TOPIC - len(head) - len(tail))
    assert route(head + longest + tail) == Route(Words.HJ212, longest)
    got = route(head + longest + "A" + tail)
    assert isinstance(got, Refusal)
    assert got.reason == "bad_topic"
