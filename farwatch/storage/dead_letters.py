"""Refused input is kept with its reason, up to a quota per source and day; beyond it only the count grows."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from farwatch.storage.database import Connection

QUOTA_PER_SOURCE_AND_DAY = 20_000
LARGEST_KEPT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`source` is who sent it as far as we can tell (an MN, or "unknown"); the quota is counted by it."""

    source: str
    topic: str
    payload: bytes
    reason: str
    detail: str
    received_at: datetime


async def add(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Keeps the letters in the caller's transaction, or counts them where the source's quota of the day is used up."""
    by_source: dict[tuple[str, object], list[DeadLetter]] = {}
    for letter in letters:
        by_source.setdefault(
            (_text(letter.source, 80), letter.received_at.astimezone(UTC).date()), []
        ).append(letter)
    for (source, day), group in by_source.items():
        kept = await connection.fetchval(
            "SELECT coalesce(sum(kept), 0)::bigint FROM dead_letter_counts WHERE source = $1 AND day = $2",
            source,
            day,
        )
        room = max(0, QUOTA_PER_SOURCE_AND_DAY - kept)
        await _keep(connection, source, day, group[:room])
        totals, kepts = Counter(x.reason for x in group), Counter(x.reason for x in group[:room])
        await connection.executemany(
            "INSERT INTO dead_letter_counts AS c VALUES ($1, $2, $3, $4, $5) ON CONFLICT (source, day, reason)"
            " DO UPDATE SET total = c.total + excluded.total, kept = c.kept + excluded.kept",
            [(source, day, reason, total, kepts[reason]) for reason, total in totals.items()],
        )


async def _keep(connection: Connection, source: str, day: object, letters: Sequence[DeadLetter]) -> None:
    await connection.executemany(
        "INSERT INTO dead_letters AS d (source, topic, payload, sha256, reason, detail, day, received_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (source, day, sha256) DO UPDATE SET seen = d.seen + 1",
        [
            (
                source, _text(x.topic, 300), x.payload[:LARGEST_KEPT_BYTES],
                hashlib.sha256(x.topic.encode("utf-8", "replace") + b"\0" + x.payload).digest(),
                x.reason, _text(x.detail, 300), day, x.received_at,
            )
            for x in letters
        ],
    )  # fmt: skip


def _text(value: str, longest: int) -> str:
    """PostgreSQL's text holds no NUL and no lone surrogate."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:longest]
