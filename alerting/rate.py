"""How much a channel may send: a token bucket, as DingTalk and WeCom ban for ten minutes whoever sends above 20 a minute. Pure."""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from farwatch.domain.policy import ChannelRule

BAN_S = 600.0
"""How long a channel rests after a messenger said "too many"."""
RETRY_FIRST_S = 5.0
RETRY_LONGEST_S = 600.0
MOST_ATTEMPTS = 8
"""With doubled waits the last attempt comes some ten minutes after the first."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """`tokens` at `at`; nothing is sent before `blocked_until`."""

    tokens: float
    at: datetime
    blocked_until: datetime | None = None


def full(rule: ChannelRule, now: datetime) -> Bucket:
    return Bucket(float(rule.burst), now)


def refilled(bucket: Bucket, rule: ChannelRule, now: datetime) -> Bucket:
    """Grown by `per_minute` since it was counted, up to `burst`. A clock that went back adds nothing."""
    grown = max(0.0, (now - bucket.at).total_seconds()) * rule.per_minute / 60
    return replace(bucket, tokens=min(float(rule.burst), bucket.tokens + grown), at=max(now, bucket.at))


def room(bucket: Bucket, now: datetime) -> int:
    """How many messages may go now."""
    if bucket.blocked_until is not None and now < bucket.blocked_until:
        return 0
    return int(bucket.tokens)


def spent(bucket: Bucket, messages: int) -> Bucket:
    return replace(bucket, tokens=bucket.tokens - messages)


def banned(now: datetime, retry_after_s: float | None) -> datetime:
    """Until when a channel rests that said "too many": what it asked for, at least BAN_S."""
    return now + timedelta(seconds=max(BAN_S, retry_after_s or 0.0))


def retry_after_s(attempt: int, key: str) -> float:
    """Doubling from RETRY_FIRST_S, between three quarters and five quarters of it, the same for the same key and attempt."""
    jitter = 0.75 + zlib.crc32(f"{key}#{attempt}".encode()) / 2**32 / 2
    return min(RETRY_LONGEST_S, RETRY_FIRST_S * 2.0 ** (attempt - 1)) * jitter
