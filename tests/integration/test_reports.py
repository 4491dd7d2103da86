"""What the rows say is what was written, and reports of a month are made in seconds."""

import random
import time
from datetime import datetime, timedelta
from uuid import uuid4

from alerting.reports.figures import counted, total
from farwatch.domain.case import Case, Missed, Span
from farwatch.domain.review import CITY
from farwatch.storage import report_rows
from farwatch.storage.database import Pool
from tests.support.cases import some_cases, write

BEGIN = datetime(2026, 11, 1, tzinfo=CITY)
END = datetime(2026, 12, 1, tzinfo=CITY)
SPAN = Span(BEGIN, END, END)

CITY_ROWS = """
INSERT INTO enterprises (id, name, lat, lon) VALUES ('e1', '东方钢铁', 39.9, 116.4), ('e2', '西方', 39.9, 116.4);
INSERT INTO teams (id, name) VALUES ('t1', '一队'), ('t2', '二队');
INSERT INTO grids (id, name, team, street, geometry) VALUES ('g1', '一网格', 't1', 's1', '{"coordinates": []}'),
  ('g2', '二网格', 't2', '', '{"coordinates": []}');
INSERT INTO cameras (id, name, lat, lon, url) VALUES ('c1', '东门', 39.9, 116.4, 'rtsp://h/1'), ('c2', '西门', 39.9, 116.4, 'rtsp://h/2');
"""


async def test_figures_from_the_rows_are_those_of_the_cases(pool: Pool) -> None:
    await pool.execute(CITY_ROWS)
    for seed in (1, 2, 3):
        await pool.execute("TRUNCATE tasks, findings CASCADE")
        written = list(some_cases(random.Random(seed), 120, BEGIN, 40))
        await write(pool, written)
        read = {c.id: c for c in await report_rows.cases(pool, SPAN)}
        wanted = {c.id: c for c in written}
        assert {i: c for i, c in read.items() if c != wanted[i]} == {}
        assert total(counted(read.values(), SPAN)).counts == total(counted(written, SPAN)).counts
        assert all(total(counted([c], SPAN)).counts == {} for i, c in wanted.items() if i not in read), (
            "whoever is not read counts for nothing"
        )


async def test_an_arrival_whose_ten_minutes_ended_after_midnight_counts_on_the_new_day(pool: Pool) -> None:
    await pool.execute(CITY_ROWS)
    midnight = BEGIN + timedelta(days=20)
    before = [midnight - timedelta(minutes=m) for m in range(10)]
    case = Case(
        id=1, severity=2, opened_at=before[9], event_at=before[9], accepted_at=before[8], arrived_at=before[4],
        handled_at=before[2], verified_at=before[1], closed_at=before[1], outcome="handled", found_at=(before[9],),
        kinds=("smoke",), rules=("smoke",), cameras=("c1",),
    )  # fmt: skip
    await write(pool, [case])
    arrivals = []
    for since in (midnight - timedelta(days=1), midnight, midnight + timedelta(days=1)):
        day = Span(since, since + timedelta(days=1), END)
        figures = total(counted(await report_rows.cases(pool, day), day)).counts
        arrivals.append((figures["opened"], figures["should_arrive"], figures["arrived_10"]))
    assert arrivals == [(1, 0, 0), (0, 1, 1), (0, 0, 0)]


async def test_a_breach_that_was_revoked_is_none(pool: Pool) -> None:
    await pool.execute(CITY_ROWS)
    opened = BEGIN + timedelta(days=1)
    one = Case(
        id=1, severity=2, opened_at=opened, event_at=opened, found_at=(opened,), kinds=("smoke",), rules=("smoke",),
        cameras=("c1",), missed=(Missed("accept", opened + timedelta(minutes=5)),),
    )  # fmt: skip
    await write(pool, [one])
    assert total(counted(await report_rows.cases(pool, SPAN), SPAN)).counts["missed_accept"] == 1
    await pool.execute("UPDATE deadlines SET state = 'met'")
    assert total(counted(await report_rows.cases(pool, SPAN), SPAN)).counts["missed_accept"] == 0


async def test_minutes_without_a_picture_are_counted_once_and_within_the_span(pool: Pool) -> None:
    await pool.execute(CITY_ROWS)
    day = Span(BEGIN, BEGIN + timedelta(days=1), BEGIN + timedelta(days=2))
    faults = [
        ("c1", -60, 30, None), ("c1", 20, 90, None), ("c1", 200, 210, None), ("c1", 300, 310, "d"), ("c2", 1430, None, None),
        ("c2", 1500, 1600, None), ("c2", -90, -30, None),
    ]  # fmt: skip
    for camera, begin, end, drill in faults:
        await pool.execute(
            "INSERT INTO findings (id, rule, kind, tier, fingerprint, camera, lat, lon, onset_at, found_at, ended_at, severity,"
            " reason_key, reason_params, detector, late, drill_id) VALUES ($1, 'camera_black', 'camera_fault', 'fault', $2, $3,"
            " 39, 116, $4, $4, $5, 1, 'camera_black', '{}', '{}', false, $6)",
            uuid4(), f"camera_fault/{camera}/", camera, BEGIN + timedelta(minutes=begin),
            None if end is None else BEGIN + timedelta(minutes=end), drill,
        )  # fmt: skip
    facts = await report_rows.facts(pool, day)
    assert facts.blind_min == {"c1": 100.0, "c2": 10.0}
    assert (facts.cameras, facts.found["camera_fault"], facts.reported["camera_fault"]) == (2, 3, 2)
    assert [(t.fingerprint, t.findings) for t in facts.talkers] == [("camera_fault/c1/", 2)]
    assert facts.names["grid"] == {"g1": "一网格", "g2": "二网格"}


async def test_a_month_of_many_cases_is_read_and_counted_in_seconds(pool: Pool) -> None:
    """5,000 here; the figures for 50,000 are in docs/decisions/0058."""
    await pool.execute(CITY_ROWS)
    await pool.execute(MANY, BEGIN, 5000)
    began = time.monotonic()
    cases = await report_rows.cases(pool, SPAN)
    found = total(counted(cases, SPAN))
    assert time.monotonic() - began < 10
    assert (len(cases), found.counts["opened"], found.counts["should_handle"]) == (5000, 5000, 5000)


MANY = """
WITH made AS (
  INSERT INTO tasks (state, severity, lat, lon, grid, enterprise, opened_at, dispatched_at, accepted_at, arrived_at, handled_at,
    verified_at, closed_at, outcome, policy)
  SELECT 'closed', 2, 39.9, 116.4, CASE WHEN n % 2 = 0 THEN 'g1' ELSE 'g2' END, 'e1', t, t + interval '2 s', t + interval '2 min',
    t + interval '8 min', t + interval '20 min', t + interval '30 min', t + interval '40 min', 'handled', '{}'
  FROM generate_series(1, $2::int) AS n, LATERAL (SELECT $1::timestamptz + interval '29 days' * n / $2::int AS t) AS x
  RETURNING id, opened_at
), found AS (
  INSERT INTO findings (id, rule, kind, tier, fingerprint, camera, lat, lon, onset_at, found_at, severity, reason_key,
    reason_params, detector, late)
  SELECT gen_random_uuid(), 'smoke', 'smoke', 'violation', 'smoke/c1/' || id, 'c1', 39.9, 116.4, opened_at, opened_at, 2,
    'smoke_seen', '{}', '{}', false FROM made RETURNING id, fingerprint, found_at
), matter AS (
  INSERT INTO matters (task_id, fingerprint, kind, camera, event_at, found_at, severity, reason_key, reason_params, closed_at)
  SELECT id, 'smoke/c1/' || id, 'smoke', 'c1', opened_at, opened_at, 2, 'smoke_seen', '{}', opened_at FROM made
  RETURNING id, fingerprint
), clocks AS (
  INSERT INTO deadlines (task_id, kind, due_at, state) SELECT id, kind, opened_at + interval '2 hours', 'met'
  FROM made, (VALUES ('accept'), ('arrive'), ('handle')) AS k (kind)
)
INSERT INTO matter_findings (finding_id, matter_id) SELECT f.id, m.id FROM found f JOIN matter m USING (fingerprint)
"""


async def test_what_other_parts_keep_is_counted_within_the_span_and_as_it_stands(pool: Pool) -> None:
    await pool.execute(CITY_ROWS)
    inside = BEGIN + timedelta(days=3)
    values = {
        "id": 1, "severity": 2, "opened_at": inside, "event_at": inside, "found_at": (inside,), "kinds": ("smoke",),
        "rules": ("smoke",), "cameras": ("c1",),
    }  # fmt: skip
    await write(pool, [Case(**values), Case(**{**values, "id": 2, "drill": True})])
    for task, at, withdrawn in ((1, inside, None), (1, END, None), (2, inside, None), (1, inside, inside)):
        matter = await pool.fetchval("SELECT id FROM matters WHERE task_id = $1", task)
        await pool.execute(
            "INSERT INTO case_reviews (task_id, part, verdict, reviewer, pieces, at, withdrawn_at)"
            " VALUES ($1, $2, 'passed', 'a', '', $3, $4)",
            task, "legal" if at == inside else "technical", at, withdrawn,
        )  # fmt: skip
        if at == inside:
            await pool.execute(
                "INSERT INTO penalty_decisions (task_id, matter_id, suggestion_key, suggestion_params, list_version, decision,"
                " note, salt, decided_by, decided_at, withdrawn_at)"
                " VALUES ($1, $2, 'minor', '{}', 0, 'no_penalty_minor', '', '', 'bo', $3, $4)",
                task, matter, at, withdrawn,
            )  # fmt: skip
    await pool.execute(
        "INSERT INTO silences (kind, enterprise, reason, made_by, made_at, from_at, to_at, ended_at)"
        " VALUES ('silence', 'e1', 'x', 'bo', $1, $1, $2, NULL), ('silence', 'e1', 'x', 'bo', $1, $1, $2, $3),"
        " ('maintenance', 'e1', 'x', 'bo', $4, $4, $5, NULL)",
        BEGIN - timedelta(days=2), BEGIN + timedelta(days=2), BEGIN - timedelta(days=1), END, END + timedelta(days=1),
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO storms (began_at, last_at, ended_at) VALUES ($1, $1, $1), ($2, $2, NULL)", inside, END
    )
    facts = await report_rows.facts(pool, SPAN)
    assert facts.held_back == {"silences": 1, "silenced": 0, "storms": 1}
    assert {key: n for key, n in facts.kept.items() if n} == {"no_penalty_minor": 1, "legal_passed": 1}
