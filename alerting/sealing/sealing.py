"""Cuts the log into sealed ranges, one at each full hour of the database's clock. Only the engine's holder does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import NoReturn, Protocol

from prometheus_client import Gauge

from alerting.sealing import keys
from alerting.sealing.keys import KeyFileError, SigningKey
from farwatch.domain.merkle import Seal, Tree, fingerprint, leaf
from farwatch.storage import seals
from farwatch.storage.database import Connection, Pool, transaction
from farwatch.storage.heartbeats import database_now
from farwatch.storage.seals import SignedSeal

log = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
REFUSED = Gauge(
    "farwatch_sealing_refused",
    "1 while the log is not sealed: the key is not the city's, or the log has a gap",
    multiprocess_mode="mostrecent",
)
NowReader = Callable[[Connection], Awaitable[datetime]]


class Fence(Protocol):
    async def check(self, connection: Connection) -> None: ...


class KeyRefusedError(Exception):
    """This machine's key is not the one that the database knows as the newest; the message names both."""


class LogGapError(Exception):
    """The log lacks entries that it once numbered: somebody took them out."""


async def open_key(pool: Pool, fence: Fence, data_dir: Path) -> SigningKey:
    """The city's key, made and made known at the very first start. Raises KeyRefusedError and KeyFileError."""
    known = await seals.newest_key(pool)
    if known is not None:
        return await same_key(known, data_dir)
    key = await asyncio.to_thread(keys.ensure, data_dir)
    async with transaction(pool) as connection:
        await fence.check(connection)
        await seals.add_first_key(connection, key.public_key)
    log.info(
        "seals are signed with key %s",
        key.fingerprint,
        extra={"event": "signing_key", "key": key.fingerprint},
    )
    return key


async def same_key(known: bytes, data_dir: Path) -> SigningKey:
    """This machine's key, if it is the one that the database knows. Raises KeyRefusedError and KeyFileError."""
    key = await asyncio.to_thread(keys.load, data_dir)
    if key is None or key.public_key != known:
        here = f"holds {key.fingerprint}" if key else "is missing"
        raise KeyRefusedError(
            f"the database's signing key is {fingerprint(known)}, {keys.path(data_dir)} {here}: bring that key here,"
            " or begin with a new one by 'farwatch evidence key rotate'"
        )
    return key


async def city_key(pool: Pool, data_dir: Path) -> SigningKey:
    """To sign with, by whoever does not hold the engine's lease. Raises KeyRefusedError and KeyFileError."""
    known = await seals.newest_key(pool)
    if known is None:
        raise KeyRefusedError("there is no signing key yet: the engine makes it at its first start")
    return await same_key(known, data_dir)


async def seal_once(pool: Pool, fence: Fence, key: SigningKey, now: NowReader = database_now) -> Seal | None:
    """Seals what the last full hour left unsealed; None when there was nothing, or some of it still waits for its number."""
    async with pool.acquire() as connection:
        moment = await now(connection)
        due = None if await seals.is_waiting(connection, moment) else await seals.due(connection, moment)
    if due is None:
        return None
    if due.hour > moment:
        log.warning(
            "the last seal is of an hour to come: was the clock ahead?", extra={"event": "seal_ahead"}
        )
    root = await root_of(pool, due.n_first, due.n_last)
    seal = Seal(hour=due.hour, n_first=due.n_first, n_last=due.n_last, root=root, prev_root=due.prev_root)
    async with transaction(pool) as connection:
        await fence.check(connection)
        added = await seals.add(connection, SignedSeal(seal, key.fingerprint, key.sign(seal.text.encode())))
    if not added:
        return None
    log.info("sealed the log up to n = %d", seal.n_last, extra={"event": "log_sealed", "n_last": seal.n_last})
    return seal


async def root_of(connection: Connection | Pool, n_first: int, n_last: int) -> bytes:
    """Raises LogGapError when the log has not every entry of the range."""
    tree, count = Tree(), 0
    async for page in seals.leaves(connection, n_first, n_last):
        for task, entry_hash in page:
            tree.add(leaf(task, entry_hash))
        count += len(page)
    if count != n_last - n_first + 1:
        raise LogGapError(f"the log holds {count} entries from {n_first} to {n_last}")
    return tree.root()


async def first_wrong_seal(pool: Pool) -> str | None:
    """Walks all seals over the whole log; what is wrong with the first that does not hold, or None."""
    known, before = await seals.keys(pool), None
    for signed in await seals.all_in_order(pool):
        seal = signed.seal
        name = f"the seal of {seal.hour.isoformat()} over n = {seal.n_first} to {seal.n_last}"
        if not keys.is_signed(known[signed.key], signed.signature, seal.text.encode()):
            return f"{name} is not signed by {signed.key}"
        if (
            (before.n_last + 1, before.root) != (seal.n_first, seal.prev_root)
            if before
            else seal.n_first != 1
        ):
            return f"{name} does not follow the one before"
        try:
            root = await root_of(pool, seal.n_first, seal.n_last)
        except LogGapError as error:
            return f"{name} does not hold: {error}"
        if root != seal.root:
            return f"{name} does not hold: an entry under it was changed"
        before = seal
    return None


async def run(pool: Pool, fence: Fence, data_dir: Path) -> NoReturn:
    """For ever. A key that is not the city's, or a gap in the log, stops the sealing, loudly, and nothing else: no clock waits."""
    while True:
        try:
            await seal_once(pool, fence, await open_key(pool, fence, data_dir))
            REFUSED.set(0)
        except (KeyRefusedError, KeyFileError, LogGapError) as error:
            REFUSED.set(1)
            log.error("the log is not sealed: %s", error, extra={"event": "seal_refused"})  # noqa: TRY400
        await asyncio.sleep(LOOK_EVERY_S)
