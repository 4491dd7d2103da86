"""An offer is on its officer's page at once, with many pages open; `make bench-pages` has 500 of them and the limit of 300 ms."""

from pathlib import Path

import pytest

from benchmarks.pages import measure

pytestmark = [pytest.mark.alone, pytest.mark.process, pytest.mark.timeout(120)]


async def test_every_finding_is_offered_on_its_officers_page_within_a_moment(tmp_path: Path) -> None:
    """Half within 300 ms and all within 2 s: this machine may be doing other things."""
    result = await measure(tmp_path, pages=50, findings=12, per_s=3.0, officers=8)
    assert (result.offers, result.seen) == (12, 60)
    assert result.p50_ms < 300
    assert result.most_ms < 2000
