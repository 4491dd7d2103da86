"""The judge's answer depends on the readings alone: not on batches, nor on the short way for quiet channels."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from detectors.sensors.gate import gate_for
from detectors.sensors.judge import Key, LimitJudge, Memo
from detectors.sensors.limit import Begin, LimitState, judge_live
from farwatch.domain.judging import Outcome
from farwatch.domain.place import Position
from farwatch.domain.policy import SHIPPED
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Limit, Registry, Station
from farwatch.domain.review import Mark

T0 = datetime(2026, 11, 22, 8, tzinfo=UTC)
"""16:00 in the city: the edge of a schedule below."""

ALWAYS = T0 - timedelta(days=9)
RTD, HOUR, DAY = ReadingKind.RTD, ReadingKind.HOUR, ReadingKind.DAY


def a_limit(code: str, kind: ReadingKind, **fields: object) -> Limit:
    usual: dict[str, object] = {"mn": "MN1", "code": code, "unit": "-", "kind": kind, "limit": None}
    return Limit(**({**usual, "valid_from": ALWAYS} | fields))  # type: ignore[arg-type]


LIMITS = {
    "day and night": (
        a_limit("day and night", HOUR, limit=50.0, schedule="08:00-16:00"),
        a_limit("day and night", HOUR, limit=25.0, schedule="16:00-08:00"),
    ),
    "two bounds": (a_limit("two bounds", RTD, limit=60.0, lower=20.0),),
    "changed, then withdrawn": (
        a_limit("changed, then withdrawn", RTD, limit=50.0, converted=True, valid_to=T0),
        a_limit(
            "changed, then withdrawn", RTD, limit=30.0, converted=True, valid_from=T0,
            valid_to=T0 + timedelta(seconds=60),
        ),
    ),
    "the day's mean": (a_limit("the day's mean", DAY, limit=30.0),),
    "none": (),
}  # fmt: skip
MARK = Mark(
    label="停炉",
    from_at=T0 + timedelta(seconds=20),
    to_at=T0 + timedelta(seconds=40),
    declared_at=ALWAYS,
    code="day and night",
)
CITY = Registry(
    stations={"MN1": Station(mn="MN1", enterprise="E1", name="x", place=Position(30, 120), medium="air")},
    limits={("MN1", code): limits for code, limits in LIMITS.items()},
    marks={"MN1": (MARK,)},
)


def a_reading(
    code: str, kind: ReadingKind, at_s: int, value: float, flag: str = "N", late: bool = False
) -> Reading:
    ts = T0 + timedelta(seconds=at_s)
    received_at = T0 + timedelta(hours=1)
    converted = None if value == 11 else value
    return Reading("MN1", code, kind, ts, value, received_at, converted=converted, flag=flag, late=late)


readings = st.lists(
    st.builds(
        a_reading,
        code=st.sampled_from(sorted(LIMITS)),
        kind=st.sampled_from([RTD, RTD, ReadingKind.MIN, HOUR]),
        at_s=st.integers(-30, 90).map(lambda s: s if s < 80 else s * 10),
        value=st.sampled_from([5.0, 11.0, 29.0, 40.0, 55.0, 70.0, 150.0]),
        flag=st.sampled_from("NNNNM"),
        late=st.sampled_from([False, False, False, True]),
    ),
    max_size=80,
).map(lambda found: sorted(found, key=lambda r: r.ts))


def told(outcomes: Iterable[Outcome]) -> tuple[set[tuple[object, ...]], set[tuple[object, ...]]]:
    outcomes = list(outcomes)
    findings = [f for o in outcomes for f in o.findings]
    begun: set[tuple[object, ...]] = {
        (f.id, f.code, f.tier, f.onset_at, f.reason.key, str(f.reason.params), f.late) for f in findings
    }
    assert len(begun) == len(findings), "nothing is said twice"
    return begun, {(e.finding_id, e.ended_at) for o in outcomes for e in o.ended}


def is_unambiguous(batch: list[Reading]) -> bool:
    return len({(r.code, r.kind, r.late, r.ts) for r in batch}) == len(batch)


@given(readings, st.lists(st.integers(0, 80), max_size=6), st.randoms(use_true_random=False))
def test_any_batches_of_the_same_readings_say_the_same(
    known: list[Reading], cuts: list[int], chance: Random
) -> None:
    judge, outcomes = LimitJudge(), list[Outcome]()
    state: dict[Key, Memo] = {}
    for begin, end in pairwise(sorted({0, len(known), *(cut for cut in cuts if cut < len(known))})):
        batch = known[begin:end]
        if is_unambiguous(batch):
            chance.shuffle(batch)
        outcomes.append(judge.judge(CITY, SHIPPED, state, batch))
        state.update(outcomes[-1].changes)
    assert told(outcomes) == told([LimitJudge().judge(CITY, SHIPPED, {}, known)])


@given(readings)
def test_the_short_way_for_quiet_channels_says_what_a_close_look_at_each_reading_says(
    known: list[Reading],
) -> None:
    begun: list[tuple[object, ...]] = []
    ended: list[object] = []
    states: dict[object, LimitState] = {}
    for r in known:
        if r.kind is HOUR:
            continue
        gate = gate_for(r.code, r.kind, LIMITS[r.code], (MARK,), SHIPPED.limit)
        key, bounds = (r.code, r.kind, r.late), gate.look(r.ts)
        before = states.get(key, LimitState())
        judgement = judge_live(before, r, bounds, SHIPPED.limit, is_marked=gate.is_marked(r))
        states[key] = judgement.state
        for change in judgement.changes:
            if isinstance(change, Begin):
                begun.append((change.tier, change.onset_at, change.value))
            else:
                ended.append(change.ended_at)
    outcome = LimitJudge().judge(CITY, SHIPPED, {}, known)
    assert [(f.tier, f.onset_at, f.reason.params["value"]) for f in outcome.findings] == begun
    assert [e.ended_at for e in outcome.ended] == ended


def test_a_quiet_channel_remembers_how_far_it_was_heard() -> None:
    """What comes again, or too late for its lane, says nothing, however the batches were cut."""
    judge, code = LimitJudge(), "two bounds"
    state: dict[Key, Memo] = {}
    for at_s, value in ((10, 40.0), (5, 40.0), (7, 150.0), (10, 150.0)):
        outcome = judge.judge(CITY, SHIPPED, state, [a_reading(code, RTD, at_s, value)])
        state.update(outcome.changes)
        assert outcome.findings == ()
    (finding,) = judge.judge(CITY, SHIPPED, state, [a_reading(code, RTD, 11, 150.0)]).findings
    assert finding.onset_at == T0 + timedelta(seconds=11)


def test_another_registry_or_policy_counts_from_the_next_batch() -> None:
    judge, reading = LimitJudge(), a_reading("none", RTD, 0, 55.0)
    assert judge.judge(CITY, SHIPPED, {}, [reading]).findings == ()
    limited = Registry(stations=CITY.stations, limits={("MN1", "none"): (a_limit("none", RTD, limit=50.0),)})
    assert len(judge.judge(limited, SHIPPED, {}, [reading]).findings) == 1
    assert judge.judge(CITY, SHIPPED, {}, [reading]).findings == ()


def remembered(judge: LimitJudge, known: list[Reading]) -> list[Reading]:
    """What farwatch.storage.readings gives a judge that starts again."""
    memory, channels = judge.memory(SHIPPED), defaultdict[Key, list[Reading]](list)
    for r in known:
        if r.kind in memory.kinds and not r.late:
            rows = channels[r.mn, r.code, r.kind, False]
            if not rows or rows[-1].ts < r.ts:
                rows.append(r)
    return [
        r
        for rows in channels.values()
        for n, r in enumerate(rows)
        if n >= len(rows) - memory.readings or rows[-1].ts - r.ts <= memory.span
    ]


@given(readings, st.integers(0, 80))
def test_a_judge_that_starts_again_begins_and_ends_what_the_old_one_would_have(
    known: list[Reading], cut: int
) -> None:
    judge, known = LimitJudge(), [r for r in known if not r.late]
    before, after = known[:cut], known[cut:]
    first = judge.judge(CITY, SHIPPED, {}, before)
    over = {e.finding_id for e in first.ended}
    still_open = {
        (f.rule, str(f.tier), "MN1", str(f.code), False): f.onset_at
        for f in first.findings
        if f.id not in over
    }
    resumed = LimitJudge().resume(CITY, SHIPPED, remembered(judge, before), still_open)
    went_on = judge.judge(CITY, SHIPPED, dict(first.changes), after)
    assert told([LimitJudge().judge(CITY, SHIPPED, resumed, after)]) == told([went_on])
