"""One reader of the log per process, which hands each new event to the streams whose people may see it."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from farwatch.runtime.clock import Clock
from farwatch.storage import log_reader, notices, sessions, task_views
from farwatch.storage.database import Pool
from farwatch.storage.log_reader import LogEntry
from farwatch.storage.sessions import Session
from farwatch.storage.users import Role
from server.web import metrics

PAGE = 500
WAITING_MAX = 1000
STREAMS_MAX = 2000
STREAMS_PER_SESSION_MAX = 12
LOOK_EVERY_S = 0.5
SESSIONS_EVERY_S = 1.5
OFFERS_KEPT = 1000
SHOWN_MAX = 20_000
"""Pairs of task and reader that wait to be noted; each is noted within LOOK_EVERY_S."""


class End(Enum):
    """Why a stream ends. Only for `SESSION_OVER` is the client told not to come back."""

    SESSION_OVER = "session_over"
    TOO_SLOW = "too_slow"
    STOPPING = "stopping"


class NoStreamFreeError(Exception):
    """The hub does not run yet, or there are as many streams as there may be."""


@dataclass(frozen=True, slots=True)
class Frame:
    """An event as it goes to clients, made once however many they are. `officer` is whom it names, if anybody."""

    n: int
    task: int | None
    type: str
    officer: str | None
    sent: bytes


def frame_of(entry: LogEntry) -> Frame:
    event = entry.event
    text = f"id: {entry.n}\nevent: {event['type']}\ndata: {entry.text}\n\n"
    return Frame(entry.n, entry.task, event["type"], event.get("officer"), text.encode())


class Subscription:
    """One client's events after `position`. A client that is WAITING_MAX behind is dropped: it reconnects and replays."""

    def __init__(self, session: Session, position: int) -> None:
        self.session = session
        self.position = position
        self.ended: End | None = None
        self._waiting: deque[Frame] = deque()
        self._changed = asyncio.Event()

    def offer_or_drop_client(self, frame: Frame) -> None:
        if self.ended is not None:
            return  # its client may be slow to notice; what happens from now on is not for it
        if len(self._waiting) >= WAITING_MAX:
            metrics.STREAMS_DROPPED.inc()
            self.end(End.TOO_SLOW)
        else:
            self._waiting.append(frame)
            self._changed.set()

    def end(self, why: End) -> None:
        self.ended = self.ended or why
        self._waiting.clear()
        self._changed.set()

    async def next(self, timeout_s: float) -> Sequence[Frame] | End | None:
        """The events that came meanwhile, why there are no more, or None when the time is up."""
        if not self._waiting and self.ended is None:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._changed.wait()
        if not self._waiting:
            return self.ended
        frames = tuple(self._waiting)
        self._waiting.clear()
        return frames


class EventHub:
    """`ready` is set once the log was read for the first time: streams may begin."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._position: int | None = None
        self.ready = asyncio.Event()
        self._subscriptions: set[Subscription] = set()
        self._by_officer: dict[str | None, set[Subscription]] = {}
        """Under None those of the roles that see all."""
        self._shown: set[tuple[int, str]] = set()
        self._kept_at_s = float("-inf")
        self._sessions_seen_at_s = float("-inf")
        self._offers: dict[int, None] = {}
        self._stopping = False

    def require_free(self, session: Session) -> int:
        """The position of now. Raises NoStreamFreeError when `subscribe` would."""
        mine = sum(s.session.token_sha256 == session.token_sha256 for s in self._subscriptions)
        full = len(self._subscriptions) >= STREAMS_MAX or mine >= STREAMS_PER_SESSION_MAX
        if self._position is None or self._stopping or full:
            raise NoStreamFreeError
        return self._position

    def subscribe(self, session: Session) -> Subscription:
        """Events after the position of now; give it back with `unsubscribe`. Raises NoStreamFreeError."""
        subscription = Subscription(session, self.require_free(session))
        self._subscriptions.add(subscription)
        self._by_officer.setdefault(_officer(session), set()).add(subscription)
        metrics.STREAMS.set(len(self._subscriptions))
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        officer = _officer(subscription.session)
        self._by_officer.get(officer, set()).discard(subscription)
        if not self._by_officer.get(officer):
            self._by_officer.pop(officer, None)
        metrics.STREAMS.set(len(self._subscriptions))

    def close(self) -> None:
        """Ends all streams; their clients come back when there is a server again."""
        self._stopping = True
        for subscription in self._subscriptions:
            subscription.end(End.STOPPING)

    async def run(self) -> None:
        """For ever, or until the database is away; then it may be called again and goes on where it was."""
        async with log_reader.growth(self._pool) as growth:
            while True:
                await self._forward()
                await self._keep_house()
                await growth.wait(LOOK_EVERY_S)

    async def _forward(self) -> None:
        if self._position is None or not self._subscriptions:
            last = await log_reader.last_n(self._pool)
            if not self._subscriptions:  # else somebody came meanwhile, and counts from the old position
                self._position = last
                self.ready.set()
                return
        while entries := await log_reader.after(self._pool, self._position or 0, PAGE):
            seers = await self._seers(entries)
            # No await from here on: a stream begins before this page or after it.
            for frame in map(frame_of, entries):
                if frame.type in NOT_STREAMED:
                    continue
                for officer in (*_officers_for(frame, seers), None):  # whoever has to go hears it first
                    for subscription in self._by_officer.get(officer, ()):
                        subscription.offer_or_drop_client(frame)
            self._position = entries[-1].n

    def shown(self, task: int, session: Session) -> None:
        """An event of the task went out to this session's page; its notices are noted as delivered soon."""
        if len(self._shown) < SHOWN_MAX:
            self._shown.update((task, target) for target in targets_of(session))

    def first(self, frame: Frame) -> bool:
        """Whether this offer is delivered for the first time here: his other pages need not say so again."""
        if frame.n in self._offers:
            return False
        self._offers[frame.n] = None
        if len(self._offers) > OFFERS_KEPT:
            del self._offers[next(iter(self._offers))]
        return True

    async def _keep_house(self) -> None:
        """Not after every event: the next one must not wait for it."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._kept_at_s >= LOOK_EVERY_S:
            self._kept_at_s = now_s
            await self._note_shown()
            await self._end_dead_sessions()

    async def _note_shown(self) -> None:
        if shown := frozenset(self._shown):
            await notices.shown(self._pool, shown)
            self._shown -= shown

    async def replay(self, session: Session, after: int, up_to: int) -> tuple[Sequence[Frame], int]:
        """A page of what this session may see of (after, up_to], and the position it reaches."""
        entries = await log_reader.after(self._pool, after, PAGE, up_to)
        if not entries:
            return [], up_to
        frames = [frame_of(entry) for entry in entries]
        return visible(frames, session, await self._seers(entries)), entries[-1].n

    async def _seers(self, entries: Sequence[LogEntry]) -> Mapping[int, frozenset[str]]:
        return await task_views.officers_of(self._pool, [e.task for e in entries if e.task is not None])

    async def _end_dead_sessions(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._sessions_seen_at_s < SESSIONS_EVERY_S or not self._subscriptions:
            return
        asked = list(self._subscriptions)
        living = await sessions.living(self._pool, {s.session.token_sha256 for s in asked}, self._clock.now())
        self._sessions_seen_at_s = now_s
        for subscription in asked:
            if subscription.session.token_sha256 not in living:
                subscription.end(End.SESSION_OVER)


NOT_STREAMED = frozenset({"custody"})
"""Who looks at evidence changes nothing that a page shows: each look would make every page ask for the task again."""
NOT_FOR_OFFICERS = frozenset(
    {
        "custody", "evidence_hashed", "note_erased", "case_reviewed", "case_status", "hold_set", "hold_lifted",
        "penalty_decided", "visit_commented", "visit_comment_answered",
    }
)  # fmt: skip
"""They may be about the officer himself: who looked at the evidence, reviews, holds, decisions, what an enterprise wrote."""


def _officer(session: Session) -> str | None:
    """Whose tasks alone this session sees; None for the roles that see all."""
    return session.officer if session.role == Role.OFFICER else None


def targets_of(session: Session) -> tuple[str, ...]:
    """As whom a session is told things."""
    if session.role == Role.OFFICER:
        return (session.officer,) if session.officer else ()
    return ("centre", "city") if session.role in (Role.CENTRE, Role.ADMIN) else ()


def _officers_for(frame: Frame, seers: Mapping[int, frozenset[str]]) -> frozenset[str]:
    """Who hears of a task's events beside the roles that see all."""
    if frame.task is None or frame.type in NOT_FOR_OFFICERS:
        return frozenset()
    return seers.get(frame.task, frozenset())


def visible(
    frames: Sequence[Frame], session: Session, seers: Mapping[int, frozenset[str]]
) -> Sequence[Frame]:
    """An officer sees the events of tasks that he holds or was ever offered; the other roles see all that is streamed."""
    officer = _officer(session)
    told = [f for f in frames if f.type not in NOT_STREAMED]
    return told if officer is None else [f for f in told if officer in _officers_for(f, seers)]
