"""When a worker process has to be replaced, and whom it could not get on with. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from farwatch.runtime.vitals import Signs


class Trouble(StrEnum):
    NEVER_BEGAN = "never_began"
    SILENT = "silent"
    STUCK = "stuck"
    TOO_BIG = "too_big"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a worker may take: time to begin, silence of its loop, and memory: a base and so much for each subject."""

    start_s: float = 60.0
    silent_s: float = 6.0
    base_bytes: int
    each_bytes: int


class Allowance:
    """Who wanted a core and had none is late through no fault of his own: on a machine that is overloaded, replacing him would
    only add to the load. `waited_s` tells of a thread for how long it waited so far."""

    def __init__(self, loop_thread: int, waited_s: Callable[[int], float]) -> None:
        self._loop_thread = loop_thread
        self._waited_s = waited_s
        self._at_first: dict[tuple[int, float], float] = {}

    def made(self, signs: Signs) -> Signs:
        """The same signs, later by what was waited since each was seen first."""
        if signs.beat_s is None:
            return signs
        begun = {(job.thread, job.due_s) for job in signs.jobs} | {(self._loop_thread, signs.beat_s)}
        now = {key: self._waited_s(key[0]) for key in begun}
        self._at_first = {key: self._at_first.get(key, now[key]) for key in begun}
        extra_s = {key: now[key] - self._at_first[key] for key in begun}
        jobs = (replace(job, due_s=job.due_s + extra_s[job.thread, job.due_s]) for job in signs.jobs)
        beat_s = signs.beat_s + extra_s[self._loop_thread, signs.beat_s]
        return replace(signs, beat_s=beat_s, jobs=tuple(jobs))


def judge(signs: Signs, *, resident_bytes: int, age_s: float, now_s: float, bounds: Bounds) -> Trouble | None:
    """`age_s`: since the process was started; `resident_bytes` 0 where nobody can tell."""
    if signs.beat_s is None:
        return Trouble.NEVER_BEGAN if age_s > bounds.start_s else None
    if now_s - signs.beat_s > bounds.silent_s:
        return Trouble.SILENT
    if any(now_s > job.due_s for job in signs.jobs):
        return Trouble.STUCK
    if resident_bytes > bounds.base_bytes + bounds.each_bytes * signs.subjects:
        return Trouble.TOO_BIG
    return None


def suspects(
    trouble: Trouble, signs: Signs, now_s: float, *, resident_bytes: int = 0, each_bytes: int = 0
) -> frozenset[str]:
    """Whom the signs name: who was served when the loop fell silent, whose work is late, whose error ended the process, or
    during whose work it grew by more than `each_bytes`. Where they name nobody, all whose work was under way, unless it is
    memory: much of that has nothing to do with pictures."""
    if trouble is Trouble.NEVER_BEGAN:
        return frozenset()
    if trouble is Trouble.TOO_BIG:
        growth = [*((job.subject, resident_bytes - job.began_bytes) for job in signs.jobs), signs.grown]
        subject, grown_bytes = max(growth, key=lambda pair: pair[1])
        return frozenset({subject} if grown_bytes > each_bytes else ())
    named = {Trouble.SILENT: signs.served, Trouble.CRASHED: signs.blamed}.get(trouble)
    if named:
        return frozenset({named})
    late = frozenset(job.subject for job in signs.jobs if now_s > job.due_s)
    return late or frozenset(job.subject for job in signs.jobs)


FIRST_REST_S, LONGEST_REST_S = 60.0, 3600.0
FORGET_AFTER_S = 1800.0
"""Of work without a break after the rest."""


@dataclass(slots=True)
class Rests:
    """Subjects that broke a worker again rest for a while, each time twice as long, so that the others are not broken with
    them. The first time counts for nothing: who else was at work then is innocent."""

    _times: dict[str, tuple[int, float]] = field(default_factory=dict)

    def suspect(self, subjects: Iterable[str], now_s: float) -> None:
        for subject in subjects:
            self._times[subject] = (self._times.get(subject, (0, 0.0))[0] + 1, now_s)

    def remaining(self, now_s: float) -> dict[str, float]:
        """Seconds that each subject still has to rest."""
        left = {s: at_s + _rest_s(times) - now_s for s, (times, at_s) in self._times.items()}
        self._times = {s: t for s, t in self._times.items() if left[s] > -FORGET_AFTER_S}
        return {s: rest_s for s, rest_s in left.items() if rest_s > 0}


def _rest_s(times: int) -> float:
    return 0.0 if times < 2 else min(FIRST_REST_S * 2.0 ** min(times - 2, 16), LONGEST_REST_S)
