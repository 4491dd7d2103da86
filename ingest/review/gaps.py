"""Which hours of a station said too little, and what of that it is asked for again. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.domain.device import Command
from farwatch.domain.reading import ReadingKind
from farwatch.domain.review import CITY, DUE_AFTER, History, Period

HOUR = timedelta(hours=1)
ASK_WITHIN = timedelta(hours=48)
"""Of a period that ended longer ago nothing is asked: it was filled in from elsewhere."""
MOST_A_DAY = 12
"""Commands a station, so that a logger which cannot answer is not asked all day."""
ENOUGH_SHARE = 0.75
"""Of an hour's minutes, as its validity asks."""

Hour = tuple[ReadingKind, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """A command that brings back the hours of `hours`, which follow each other. `reason` says what was missing."""

    command: Command
    parameters: dict[str, str]
    kind: ReadingKind
    hours: tuple[datetime, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` is why there are no fetches, or none more."""

    fetches: tuple[Fetch, ...] = ()
    reason: str = ""


def silent_hours(history: History, period: Period) -> list[datetime]:
    """Hours before the period, since the first that is known, from which nothing came: nobody has marked them for review."""
    heard = {_hour_of(r.ts) for readings in history.readings.values() for r in readings}
    return [ts for ts in _hours(min(heard), period.ts) if ts not in heard] if heard else []


def thin_hours(history: History, period: Period, interval_min: int, now: datetime) -> list[Hour]:
    """Hours up to the period, each of a kind that the station usually sends, with less than they should have of it."""
    if now - period.until > ASK_WITHIN:
        return []
    needed = {ReadingKind.HOUR: 1.0, ReadingKind.MIN: ENOUGH_SHARE * (60 // interval_min)}
    thin: list[Hour] = []
    for kind, least in needed.items():
        counts = _most_of_any_channel(history, kind)
        if not any(ts + HOUR in counts for ts in counts):
            continue  # a slow analyser has something to say every other hour
        since = min(counts)
        until = min(period.until, now - DUE_AFTER[ReadingKind.HOUR])
        # The first hour that is known may be cut by how far back we look.
        thin += [(kind, ts) for ts in _hours(since, until - HOUR) if ts > since and counts.get(ts, 0) < least]
    return thin


def _hours(since: datetime, last: datetime) -> Iterator[datetime]:
    """From `since` up to and with `last`."""
    while since <= last:
        yield since
        since += HOUR


def decide(
    thin: Sequence[Hour], *, asked: Collection[Hour], asked_today: int, is_reachable: bool, interval_min: int
) -> Decision:
    """Each hour and kind is asked for once, hours that follow each other in one command."""
    new = sorted(set(thin) - set(asked), key=lambda hour: (hour[0] is ReadingKind.MIN, hour[1]))
    if not new:
        return Decision(reason="asked_already" if thin else "nothing_missing")
    if not is_reachable:
        return Decision(reason="not_reachable")
    spans: list[list[Hour]] = []
    for kind, ts in new:
        if spans and spans[-1][-1] == (kind, ts - HOUR):
            spans[-1].append((kind, ts))
        else:
            spans.append([(kind, ts)])
    room = max(0, MOST_A_DAY - asked_today)
    fetches = tuple(_fetch(span, interval_min) for span in spans[:room])
    return Decision(fetches, "quota" if len(spans) > room else "")


def _fetch(span: list[Hour], interval_min: int) -> Fetch:
    kind, first = span[0]
    last = span[-1][1]
    is_hour = kind is ReadingKind.HOUR
    end = last if is_hour else last + HOUR - timedelta(minutes=interval_min)
    return Fetch(
        command=Command.FETCH_HOURS if is_hour else Command.FETCH_MINUTES,
        parameters={"BeginTime": _in_city(first), "EndTime": _in_city(end)},
        kind=kind,
        hours=tuple(ts for _, ts in span),
        reason="hours_missing" if is_hour else "minutes_missing",
    )


def _in_city(at: datetime) -> str:
    """As HJ 212 writes times: begins and ends of a history are starts of periods, both included."""
    return at.astimezone(CITY).strftime("%Y%m%d%H%M%S")


def _hour_of(ts: datetime) -> datetime:
    return ts.replace(minute=0, second=0, microsecond=0)


def _most_of_any_channel(history: History, kind: ReadingKind) -> dict[datetime, int]:
    """By hour; a channel that is off alone is nothing that a fetch would mend."""
    most: dict[datetime, int] = {}
    for (code, of_kind), readings in history.readings.items():
        if of_kind is not kind or code in history.from_rtd:
            continue
        counts: dict[datetime, int] = {}
        for r in readings:
            ts = _hour_of(r.ts)
            counts[ts] = counts.get(ts, 0) + 1
        for ts, count in counts.items():
            most[ts] = max(most.get(ts, 0), count)
    return most
