"""A sighting's life."""

from datetime import UTC, datetime, timedelta

from detectors.vision.episodes import Episode, Seen
from farwatch.domain.finding import Kind, Reason, Severity
from farwatch.domain.picture import Sighting, SightingEnded

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)


def test_a_clock_that_is_set_back_does_not_make_what_was_seen_last_for_so_long() -> None:
    episode = Episode(rule="smoke", kind=Kind.SMOKE, zone="z", quiet_s=30)
    seen = Seen(onset_at=AT, reason=Reason("smoke_seen", {}), box=(0, 0, 1, 1), severity=Severity.MAJOR)
    assert [type(e) for e in episode.observe(AT, seen)] == [Sighting]
    back = AT - timedelta(hours=1)
    said = [event for s in range(40) for event in episode.observe(back + timedelta(seconds=s), None)]
    assert [type(e) for e in said] == [SightingEnded]
    assert isinstance(said[0], SightingEnded)
    assert said[0].ended_at >= said[0].onset_at
