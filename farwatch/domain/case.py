"""A case (案卷) as reports count it: one task, flat, with the times of all its parts."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Missed:
    """A target that was missed, after every revocation; `excused`: a lead has excused it, and it stays missed."""

    kind: str
    due_at: datetime
    excused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`event_at` is t0 of its first matter, `opened_at` t1; `found_at` the t1 of each of its matters.

    `handle_due_at` is the legal limit (处置时限), None where its kind has none. `excused` are the kinds of deadlines that
    a lead has excused. `grid`, `street`, `team` and `enterprise` are ids, empty where there is none.
    """

    id: int
    severity: int
    opened_at: datetime
    event_at: datetime
    grid: str = ""
    street: str = ""
    team: str = ""
    enterprise: str = ""
    drill: bool = False
    dispatched_at: datetime | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    handled_at: datetime | None = None
    verified_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None
    reopened_from: int | None = None
    handle_due_at: datetime | None = None
    found_at: tuple[datetime, ...] = ()
    kinds: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    missed: tuple[Missed, ...] = ()
    excused: frozenset[str] = frozenset()

    @property
    def done_at(self) -> datetime | None:
        """When nothing was left to do: handled, or closed without a visit."""
        return self.handled_at or self.closed_at


@dataclass(frozen=True, slots=True)
class Span:
    """[since, until), seen at `now`. What is asked about the state of things is asked about `end`, so that the report of a
    past span is the same whenever it is made."""

    since: datetime
    until: datetime
    now: datetime
    end: datetime = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", min(self.until, self.now))

    def holds(self, at: datetime | None) -> bool:
        """Did it happen within the span?"""
        return at is not None and self.since <= at < self.until and at <= self.now

    def begun(self, at: datetime | None) -> bool:
        """Did it happen before the span was over?"""
        return at is not None and at < self.until and at <= self.now

    def falls_due(self, at: datetime | None) -> bool:
        """Has this limit come within the span? At its end counts: in time means at the instant or before."""
        return at is not None and self.since < at <= self.end

    def known(self, at: datetime | None) -> bool:
        """Had it happened by the end?"""
        return at is not None and at <= self.end
