"""`farwatch readings import`: a file of readings into the store that live ones go to, marked late, to be reviewed."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from farwatch.domain.pollutants import about
from farwatch.domain.reading import Reading
from farwatch.runtime.clock import SystemClock
from farwatch.storage import channels, readings, registry, review_due
from farwatch.storage.channels import MOST_HEARD_PER_STATION
from farwatch.storage.database import PASSING_ERRORS, Connection, Pool, open_pool, transaction
from ingest.backfill import BadRow, HeaderError, rows_of
from ingest.review_marks import ReviewMarks
from server.commands import CommandError, require_migrated
from server.settings import Settings

BATCH_ROWS = 5000
TRIES = 5
RETRY_S = 1.0
_LISTED = 100


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    written: int = 0
    replaced: int = 0
    bad: list[BadRow] = field(default_factory=list)
    bad_rows: int = 0

    def refuse(self, row: BadRow) -> None:
        self.bad_rows += 1
        if len(self.bad) < _LISTED:
            self.bad.append(row)


async def run(settings: Settings, path: Path) -> int:
    """Takes every good row, in batches that are committed one after the other; exit code 1 when there were bad ones.
    Done again, or again after an interruption, it changes nothing that is there."""
    await require_migrated(settings)
    try:
        # What is not UTF-8 can only be in cells that no reading has.
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            async with open_pool(settings.database_url, size=1) as pool:
                tally = await _import(pool, file, path, SystemClock().now())
    except OSError as error:
        if isinstance(error, PASSING_ERRORS) and error.filename is None:
            raise
        raise CommandError(f"{path}: {error.strerror}") from None
    except HeaderError as error:
        raise CommandError(f"{path}: {error}") from None
    return _say(path, tally)


async def _import(pool: Pool, file: TextIO, path: Path, now: datetime) -> _Tally:
    async with transaction(pool) as connection:
        city = await registry.load(connection)
        await readings.ensure_partitions(connection)
    tally = _Tally()
    rows = rows_of(file, city.stations, now)
    with _progress(path) as show:
        while batch := list(islice(rows, BATCH_ROWS)):
            tally.rows += len(batch)
            for row in batch:
                if isinstance(row, BadRow):
                    tally.refuse(row)
            await _write(pool, [row for row in batch if isinstance(row, Reading)], now, tally)
            show(file.buffer.tell())
    return tally


async def _write(pool: Pool, batch: list[Reading], now: datetime, tally: _Tally) -> None:
    """One commit; another try after an outage or when the intake was at the same rows."""
    for tried in range(1, TRIES + 1):
        try:
            async with transaction(pool) as connection:
                written = await _commit(connection, batch, now)
        except PASSING_ERRORS:
            if tried == TRIES:
                raise
            await asyncio.sleep(RETRY_S)
        else:
            tally.written += written.written - written.replaced
            tally.replaced += written.replaced
            return


async def _commit(connection: Connection, batch: list[Reading], now: datetime) -> readings.Written:
    ids = await _channels(connection, batch, now)
    news = await readings.unknown(connection, ids, batch)
    written = await readings.insert(connection, ids, news)
    await review_due.mark(connection, ReviewMarks().of(news, now).items())
    return written


async def _channels(
    connection: Connection, batch: list[Reading], now: datetime
) -> dict[tuple[str, str], int]:
    """Their ids; codes that a known station never said are heard now, up to a number a station."""
    ids = await readings.channel_ids(connection)
    new = {(r.mn, r.code) for r in batch} - ids.keys()
    if not new:
        return ids
    heard = Counter(await channels.heard_counts(connection)) + Counter(mn for mn, _ in new)
    for mn, count in heard.items():
        if count > MOST_HEARD_PER_STATION:
            raise CommandError(f"station '{mn}' would have {count} codes that the registry does not name")
    units = {(mn, code): known.unit if (known := about(code)) else "" for mn, code in new}
    return ids | await channels.note_heard(connection, units, now)


@contextmanager
def _progress(path: Path) -> Iterator["_Show"]:
    """A bar by bytes of the file on a terminal's standard error, elsewhere nothing."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        yield _Show(bar, path)


class _Show:
    def __init__(self, bar: Progress, path: Path) -> None:
        self._bar = bar
        self._task = bar.add_task(path.name, total=path.stat().st_size)

    def __call__(self, done_bytes: int) -> None:
        self._bar.update(self._task, completed=done_bytes)


def _say(path: Path, tally: _Tally) -> int:
    for row in tally.bad:
        print(f"{path.name}:{row.line}: {row.reason}", file=sys.stderr)
    if tally.bad_rows > len(tally.bad):
        print(f"... and {tally.bad_rows - len(tally.bad)} more", file=sys.stderr)
    known = tally.rows - tally.bad_rows - tally.written - tally.replaced
    print(
        f"{tally.rows} rows: {tally.written} new, {tally.replaced} replaced others, {known} were known, {tally.bad_rows} bad"
    )
    return 1 if tally.bad_rows else 0
