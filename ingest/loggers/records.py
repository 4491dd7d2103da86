"""What the TCP server leaves in the database beside readings: refused frames, and how each station was heard."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from farwatch.storage import dead_letters, station_links
from farwatch.storage.database import Pool, transaction
from farwatch.storage.dead_letters import DeadLetter
from farwatch.storage.leases import Lease
from ingest.loggers import metrics
from ingest.loggers.heard import Heard

WRITE_EVERY_S = 1.0
LETTERS_AT_ONCE = 200
"""A flood is counted, and a sample of it kept: frames refused within one WRITE_EVERY_S."""


@dataclass(slots=True)
class Records:
    """`run` writes each second, for ever. What is not written when the process is killed was not promised to anybody."""

    pool: Pool
    lease: Lease
    heard: Heard
    _letters_drop_newest: deque[DeadLetter] = field(default_factory=deque)

    def keep(self, letter: DeadLetter) -> None:
        if len(self._letters_drop_newest) < LETTERS_AT_ONCE:
            self._letters_drop_newest.append(letter)
        else:
            metrics.LETTERS_DROPPED.inc()

    async def run(self) -> None:
        """Raises the database's errors; what was not written then is written by the next run."""
        self.heard.adopt(list((await station_links.load(self.pool)).values()))
        while True:
            letters, links = list(self._letters_drop_newest), self.heard.unwritten()
            if letters or links:
                async with transaction(self.pool) as connection:
                    await self.lease.check(connection)
                    await dead_letters.add(connection, letters)
                    await station_links.note(connection, links)
                self.heard.adopt(links)
                for _ in letters:
                    self._letters_drop_newest.popleft()
            await asyncio.sleep(WRITE_EVERY_S)
