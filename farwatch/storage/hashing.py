"""The second hash of evidence that was kept before there was one: slowly, by a thread that yields to everybody."""

import asyncio
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn
from uuid import UUID

from farwatch.storage import evidence
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool, transaction

log = logging.getLogger(__name__)

EVERY_S = 6.0
"""Ten pieces a minute."""
NICE = 19
LOOK_EVERY_S = 600.0
MOST_ASIDE = 1000


class LaterHashes:
    """`run` makes them until it is cancelled; raises PASSING_ERRORS of the database. What cannot be read, or is not what its row
    says, is left to `farwatch check` and tried again by the next process."""

    def __init__(self, pool: Pool, blobs: BlobStore) -> None:
        self._pool = pool
        self._blobs = blobs
        self._aside: set[UUID] = set()

    async def run(self) -> NoReturn:
        with ThreadPoolExecutor(1, "hashes", _be_nice) as thread:
            while True:
                done = await self.hash_one(thread)
                await asyncio.sleep(EVERY_S if done else LOOK_EVERY_S)

    async def hash_one(self, thread: ThreadPoolExecutor) -> bool:
        """False when there is none to do."""
        due = None
        if len(self._aside) < MOST_ASIDE:
            due = await evidence.without_sm3(self._pool, self._aside)
        if due is None:
            return False
        piece, sha256 = due
        try:
            found = await asyncio.get_running_loop().run_in_executor(thread, self._blobs.digests, sha256)
        except (OSError, ValueError) as error:  # also a name that is none
            log.warning(
                "evidence %s cannot be read: %s", piece, error, extra={"event": "evidence_unreadable"}
            )
            self._aside.add(piece)
            return True
        if found.sha256 != sha256:
            log.error("evidence %s is not what its row says", piece, extra={"event": "evidence_differs"})
            self._aside.add(piece)
            return True
        async with transaction(self._pool) as connection:
            await evidence.add_sm3(connection, piece, found.sm3)
        return True


def _be_nice() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
