"""What a round of decisions stands on. Each part of alerting gives its round; the engine gives the ground, once per tick."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from alerting.dispatch import Situation
from alerting.routing import Roads
from alerting.triage import City
from farwatch.storage.database import Connection, Pool

Row = TypeVar("Row", bound=Hashable)

BATCH = 50
"""Decisions of each sort in one round, so that a flood of one sort delays no clock of another."""


class Ground(Protocol):
    @property
    def pool(self) -> Pool: ...

    @property
    def city(self) -> City: ...

    @property
    def roads(self) -> Roads: ...

    def transaction(self) -> AbstractAsyncContextManager[tuple[Connection, datetime]]:
        """A transaction and the database's now; the engine's lease was checked in it."""
        ...

    async def situation(self, connection: Connection, now: datetime) -> Situation:
        """Who could be sent. Read again within a tick only after `changed`."""
        ...

    def asked(self, officer: str, *, drill: bool) -> None:
        """He was asked for one task more: `situation` counts it, and need not be read again."""
        ...

    def changed(self) -> None:
        """What `situation` said holds no longer."""
        ...

    async def peek(self) -> datetime:
        """The database's now."""
        ...

    @property
    def most(self) -> int:
        """How many rows to read for one round: BATCH, and those that are set aside."""
        ...

    def others(self, rows: Sequence[Row]) -> list[Row]:
        """Those rows, at most BATCH, that are not set aside."""
        ...

    def aside(self, sort: type[Row]) -> list[Row]:
        """The rows of this sort that are set aside now."""
        ...

    async def attempt(self, row: Hashable, decision: Awaitable[bool]) -> bool:
        """Did it decide? A row that no sense can be made of is set aside for a while, one that somebody
        else holds for a moment, and neither is an error."""
        ...


Round = Callable[[Ground], Awaitable[int]]
"""Returns how many decisions it made; 0: there is nothing to do now."""
