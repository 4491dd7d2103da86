"""Rows of reports: cases flat, and what is counted besides them. One snapshot a span, read in pages."""

from typing import Any

from farwatch.domain.case import Case, Missed, Span
from farwatch.domain.report_facts import Facts, Talker
from farwatch.storage.database import Pool, Record, snapshot

PAGE = 1000
TALKERS = 20
MOST_CASES = 200_000
"""Of one span; a city that has more is asked for a shorter one."""


class TooManyCasesError(Exception):
    """The span has more than MOST_CASES."""


# Cases that were open at some time of the span, and those that were closed before a limit which fell into it: a legal one, or
# the ten minutes to the arrival (alerting.reports.figures sorts out for whom they ended within the span).
_PICKED = """
SELECT id FROM tasks WHERE opened_at <= $2 AND (state <> 'closed' OR closed_at >= $1::timestamptz - interval '10 minutes')
UNION SELECT task_id FROM deadlines WHERE kind = 'handle' AND due_at > $1 AND due_at <= $2
"""
_TIMES = """t.id, t.severity, t.opened_at, coalesce(m.event_at, t.opened_at) AS event_at, t.drill_id IS NOT NULL AS drill,
  t.dispatched_at, t.accepted_at, t.arrived_at, t.handled_at, t.verified_at, t.closed_at, t.outcome, t.reopened_from,
  d.handle_due_at, m.found_at, m.kinds, d.excused"""
_BARE_CASES = f"""
WITH picked AS MATERIALIZED ({_PICKED} LIMIT {MOST_CASES + 1}),
of_matters AS (
  SELECT m.task_id, min(m.event_at) AS event_at, array_agg(m.found_at) AS found_at, array_agg(DISTINCT m.kind) AS kinds
  FROM picked p JOIN matters m ON m.task_id = p.id GROUP BY m.task_id
), of_deadlines AS (
  SELECT d.task_id, min(d.due_at) FILTER (WHERE d.kind = 'handle') AS handle_due_at,
    array_agg(DISTINCT d.kind) FILTER (WHERE d.excused_at IS NOT NULL) AS excused
  FROM picked p JOIN deadlines d ON d.task_id = p.id
  WHERE d.kind = 'handle' OR d.kind IN ('accept', 'arrive') AND d.excused_at IS NOT NULL GROUP BY d.task_id
)
SELECT {_TIMES} FROM picked p JOIN tasks t ON t.id = p.id LEFT JOIN of_matters m ON m.task_id = t.id
LEFT JOIN of_deadlines d ON d.task_id = t.id ORDER BY t.id
"""
_CASES = f"""
WITH picked AS MATERIALIZED ({_PICKED} LIMIT {MOST_CASES + 1}),
of_matters AS (
  SELECT m.task_id, min(m.event_at) AS event_at, array_agg(m.found_at ORDER BY m.id) AS found_at,
    array_agg(DISTINCT m.kind) AS kinds, array_agg(DISTINCT m.camera) FILTER (WHERE m.camera IS NOT NULL) AS cameras
  FROM picked p JOIN matters m ON m.task_id = p.id GROUP BY m.task_id
), of_rules AS (
  SELECT m.task_id, array_agg(DISTINCT f.rule) AS rules
  FROM picked p JOIN matters m ON m.task_id = p.id JOIN matter_findings mf ON mf.matter_id = m.id
    JOIN findings f ON f.id = mf.finding_id GROUP BY m.task_id
), of_deadlines AS (
  SELECT d.task_id, min(d.due_at) FILTER (WHERE d.kind = 'handle') AS handle_due_at,
    array_agg(DISTINCT d.kind) FILTER (WHERE d.excused_at IS NOT NULL) AS excused,
    array_agg(d.kind ORDER BY d.id) FILTER (WHERE d.state = 'breached') AS missed_kinds,
    array_agg(d.due_at ORDER BY d.id) FILTER (WHERE d.state = 'breached') AS missed_due,
    array_agg(d.excused_at IS NOT NULL ORDER BY d.id) FILTER (WHERE d.state = 'breached') AS missed_excused
  FROM picked p JOIN deadlines d ON d.task_id = p.id
  WHERE d.kind = 'handle' OR d.kind IN ('accept', 'arrive') AND (d.excused_at IS NOT NULL OR d.state = 'breached')
  GROUP BY d.task_id
)
SELECT {_TIMES}, t.grid, g.street, g.team, t.enterprise, r.rules, m.cameras, d.missed_kinds, d.missed_due, d.missed_excused
FROM picked p JOIN tasks t ON t.id = p.id LEFT JOIN grids g ON g.id = t.grid LEFT JOIN of_matters m ON m.task_id = t.id
LEFT JOIN of_rules r ON r.task_id = t.id LEFT JOIN of_deadlines d ON d.task_id = t.id ORDER BY t.id
"""


async def cases(pool: Pool, span: Span, *, bare: bool = False) -> list[Case]:
    """Drills too, marked as such. `bare`: without places, rules, cameras and missed targets, for counts of the whole and of kinds.

    Raises TooManyCasesError, CONTENTION_ERRORS.
    """
    found: list[Case] = []
    sql, case = (_BARE_CASES, _bare_case) if bare else (_CASES, _case)
    async with snapshot(pool) as connection:
        await connection.execute("SET LOCAL work_mem = '64MB'")
        cursor = await connection.cursor(sql, span.since, span.end)
        while rows := await cursor.fetch(PAGE):
            found += map(case, rows)
            if len(found) > MOST_CASES:
                raise TooManyCasesError
    return found


def _bare_case(r: Record) -> Case:
    return Case(**_times(r))


def _case(r: Record) -> Case:
    missed = zip(r["missed_kinds"] or (), r["missed_due"] or (), r["missed_excused"] or (), strict=True)
    return Case(
        **_times(r), grid=r["grid"] or "", street=r["street"] or "", team=r["team"] or "", enterprise=r["enterprise"] or "",
        rules=tuple(r["rules"] or ()), cameras=tuple(r["cameras"] or ()), missed=tuple(Missed(*one) for one in missed),
    )  # fmt: skip


def _times(r: Record) -> dict[str, Any]:
    return {
        "id": r["id"], "severity": r["severity"], "opened_at": r["opened_at"], "event_at": r["event_at"], "drill": r["drill"],
        "dispatched_at": r["dispatched_at"], "accepted_at": r["accepted_at"], "arrived_at": r["arrived_at"],
        "handled_at": r["handled_at"], "verified_at": r["verified_at"], "closed_at": r["closed_at"], "outcome": r["outcome"],
        "reopened_from": r["reopened_from"], "handle_due_at": r["handle_due_at"], "found_at": tuple(r["found_at"] or ()),
        "kinds": tuple(r["kinds"] or ()), "excused": frozenset(r["excused"] or ()),
    }  # fmt: skip


_FOUND = """
SELECT kind, count(*) AS found, count(DISTINCT fingerprint) AS reported FROM findings
WHERE found_at >= $1 AND found_at < $2 AND drill_id IS NULL GROUP BY kind
"""
_TALKERS = f"""
SELECT fingerprint, count(*) AS findings FROM findings WHERE found_at >= $1 AND found_at < $2 AND drill_id IS NULL
GROUP BY fingerprint HAVING count(*) > 1 ORDER BY findings DESC, fingerprint LIMIT {TALKERS}
"""
_WARNED = """
SELECT state, count(*) AS n FROM warnings WHERE told_at >= $1 AND told_at < $2 AND drill_id IS NULL GROUP BY state
"""
# Faults of one camera may overlap: their union counts. As long as a fault lasts, it has no end.
_BLIND = """
SELECT camera, extract(epoch FROM sum(upper(part) - lower(part)))::float8 / 60 AS minutes
FROM (SELECT f.camera, unnest(range_agg(tstzrange(greatest(f.onset_at, $1), least(coalesce(f.ended_at, $2), $2)))) AS part
  FROM findings f JOIN cameras c ON c.id = f.camera
  WHERE f.kind = 'camera_fault' AND f.drill_id IS NULL AND c.active AND NOT c.drill AND f.onset_at < $2
    AND (f.ended_at IS NULL OR f.ended_at > $1) AND f.onset_at > $1 - interval '400 days'
    AND greatest(f.onset_at, $1) < least(coalesce(f.ended_at, $2), $2)
  GROUP BY f.camera) AS parts GROUP BY camera
"""
# What runs at any time of the span; a finding that was held back counts where it was found.
_HELD_BACK = """
SELECT (SELECT count(*) FROM silences WHERE from_at < $2 AND coalesce(ended_at, to_at) > $1) AS silences,
  (SELECT count(*) FROM findings WHERE silence_id IS NOT NULL AND found_at >= $1 AND found_at < $2 AND drill_id IS NULL)
    AS silenced,
  (SELECT count(*) FROM storms WHERE began_at < $2 AND coalesce(ended_at, $2) >= $1) AS storms
"""
# Decisions, reviews and holds of real cases that were made in the span and not taken back since; seals and stamps over its hours.
_KEPT = """
WITH real AS (SELECT id FROM tasks WHERE drill_id IS NULL),
decided AS (SELECT decision FROM penalty_decisions WHERE decided_at >= $1 AND decided_at < $2 AND withdrawn_at IS NULL
  AND task_id IN (SELECT id FROM real)),
reviewed AS (SELECT part, verdict FROM case_reviews WHERE at >= $1 AND at < $2 AND withdrawn_at IS NULL
  AND task_id IN (SELECT id FROM real))
SELECT (SELECT count(*) FROM decided WHERE decision = 'no_penalty_first') AS no_penalty_first,
  (SELECT count(*) FROM decided WHERE decision = 'no_penalty_minor') AS no_penalty_minor,
  (SELECT count(*) FROM decided WHERE decision = 'warn_only') AS warn_only,
  (SELECT count(*) FROM decided WHERE decision = 'penalty') AS penalty,
  (SELECT count(*) FROM decided WHERE decision = 'transferred') AS transferred,
  (SELECT count(*) FROM reviewed WHERE part = 'legal' AND verdict = 'passed') AS legal_passed,
  (SELECT count(*) FROM reviewed WHERE part = 'technical' AND verdict = 'passed') AS technical_passed,
  (SELECT count(*) FROM reviewed WHERE verdict = 'rejected') AS rejected,
  (SELECT count(*) FROM legal_holds WHERE set_at < $2 AND coalesce(lifted_at, $2) >= $2) AS holds,
  (SELECT count(*) FROM audit WHERE action = 'evidence_exported' AND at >= $1 AND at < $2) AS exports,
  (SELECT count(*) FROM log_seals WHERE hour > $1 AND hour <= $2) AS seals,
  (SELECT count(DISTINCT hour) FROM seal_stamps WHERE hour > $1 AND hour <= $2) AS stamped
"""
_CAMERAS = "SELECT count(*) FROM cameras WHERE active AND NOT drill"
_NAMES = {
    "grid": "SELECT id, name FROM grids",
    "team": "SELECT id, name FROM teams",
    "enterprise": "SELECT id, name FROM enterprises",
    "camera": "SELECT id, name FROM cameras",
}


async def facts(pool: Pool, span: Span) -> Facts:
    """Of the span, drills left out. Raises CONTENTION_ERRORS."""
    async with snapshot(pool) as connection:
        found = await connection.fetch(_FOUND, span.since, span.end)
        talkers = await connection.fetch(_TALKERS, span.since, span.end)
        warned = await connection.fetch(_WARNED, span.since, span.end)
        blind = await connection.fetch(_BLIND, span.since, span.end)
        return Facts(
            reported={r["kind"]: r["reported"] for r in found},
            found={r["kind"]: r["found"] for r in found},
            talkers=tuple(Talker(r["fingerprint"], r["findings"]) for r in talkers),
            warned={r["state"]: r["n"] for r in warned},
            cameras=await connection.fetchval(_CAMERAS),
            blind_min={r["camera"]: r["minutes"] for r in blind},
            held_back=dict(await connection.fetchrow(_HELD_BACK, span.since, span.end)),
            kept=dict(await connection.fetchrow(_KEPT, span.since, span.end)),
            names={group: dict(await connection.fetch(sql)) for group, sql in _NAMES.items()},
        )
