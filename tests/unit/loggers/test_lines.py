"""Which of a station's connections commands go to."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from ingest.loggers.lines import Lines


@dataclass(frozen=True)
class Wire:
    serial: int

    def send(self, data: bytes) -> bool:  # noqa: ARG002 - what a line is
        return True


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["A", "B", "C", "gone"]), st.booleans())))
def test_it_is_always_the_newest_that_is_still_there(story: list[tuple[int, str, bool]]) -> None:
    lines, carried = Lines(), dict[int, set[str]]()
    for serial, mn, is_lost in story:
        if is_lost:
            lines.drop(Wire(serial))
            carried.pop(serial, None)
        else:
            lines.add(mn, Wire(serial))
            carried.setdefault(serial, set()).add(mn)
        for name in ("A", "B", "C", "gone", "never"):
            newest = max((n for n, names in carried.items() if name in names), default=None)
            assert lines.to(name) == (None if newest is None else Wire(newest))
    assert len(lines) == len(set().union(*carried.values()))
