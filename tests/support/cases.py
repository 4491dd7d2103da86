"""Cases written as rows, as the engine leaves them, for tests of what is read from them."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from farwatch.domain.case import Case, Missed
from farwatch.storage.database import Pool

_TASK = """
INSERT INTO tasks (id, state, severity, lat, lon, grid, enterprise, opened_at, dispatched_at, accepted_at, arrived_at, handled_at,
  verified_at, closed_at, outcome, policy, drill_id, reopened_from) OVERRIDING SYSTEM VALUE
VALUES ($1, $2, $3, 39.9, 116.4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '{}', $14, $15)
"""


GRIDS = {"g1": ("s1", "t1"), "g2": ("", "t2"), "": ("", "")}
"""With the street and team of each."""


def some_cases(dice: random.Random, count: int, begin: datetime, days: int) -> Iterator[Case]:
    """Opened at most so many days before `begin` or after, with everything that a case may lack, and drills among them; closing
    comes last."""
    most_min = days * 24 * 60

    def sometime(after: datetime) -> datetime | None:
        return dice.choice(
            [None, after + timedelta(minutes=dice.randrange(1, dice.choice([8, 15, most_min])))]
        )

    for number in range(1, count + 1):
        opened = begin + timedelta(minutes=dice.randrange(-most_min, most_min))
        grid = dice.choice(list(GRIDS))
        kinds = tuple(sorted(dice.sample(["smoke", "dumping", "exceedance"], dice.randrange(1, 3))))
        moments = [sometime(opened) for _ in range(5)]
        closed = max((m for m in moments if m), default=sometime(opened)) if dice.random() < 0.6 else None
        due = sometime(opened)
        missed = tuple(
            Missed(kind, opened + timedelta(minutes=m), dice.random() < 0.3)
            for kind, m in (("accept", 5), ("arrive", 10))
            if dice.random() < 0.4
        )
        yield Case(
            id=number, severity=dice.randrange(1, 4), opened_at=opened, event_at=opened - timedelta(seconds=dice.randrange(60)),
            grid=grid, street=GRIDS[grid][0], team=GRIDS[grid][1], enterprise=dice.choice(["", "e1", "e2"]),
            drill=dice.random() < 0.1, dispatched_at=moments[0], accepted_at=moments[1], arrived_at=moments[2],
            handled_at=moments[3], verified_at=moments[4], closed_at=closed,
            outcome=dice.choice([None, "handled", "false_alarm", "ceased"]), handle_due_at=due,
            reopened_from=number - 1 if number > 1 and dice.random() < 0.1 else None,
            found_at=tuple(opened + timedelta(minutes=5 * i) for i in range(len(kinds))), kinds=kinds, rules=("smoke",),
            cameras=("c1",), missed=missed,
            excused=frozenset(m.kind for m in missed if m.excused) | ({"handle"} if due and dice.random() < 0.2 else frozenset()),
        )  # fmt: skip


async def write(pool: Pool, cases: Sequence[Case]) -> None:
    """Grids, streets and teams must be there. Each of `kinds` (one at least) is a matter; `found_at` has as many."""
    async with pool.acquire() as connection, connection.transaction():
        for c in cases:
            await connection.execute(
                _TASK, c.id, "closed" if c.closed_at else "open", c.severity, c.grid or None, c.enterprise or None, c.opened_at,
                c.dispatched_at, c.accepted_at, c.arrived_at, c.handled_at, c.verified_at, c.closed_at, c.outcome,
                "d" if c.drill else None, c.reopened_from,
            )  # fmt: skip
            for place, (kind, found_at) in enumerate(zip(c.kinds, c.found_at, strict=True)):
                camera, rule = c.cameras[place % len(c.cameras)], c.rules[place % len(c.rules)]
                finding, mark = uuid4(), f"{kind}/{camera}/{c.id}"
                await connection.execute(
                    "INSERT INTO findings (id, rule, kind, tier, fingerprint, camera, lat, lon, onset_at, found_at, severity,"
                    " reason_key, reason_params, detector, late, drill_id) VALUES ($1, $2, $3, 'violation', $4, $5, 39.9, 116.4,"
                    " $6, $7, 2, 'smoke_seen', '{}', '{}', false, $8)",
                    finding, rule, kind, mark, camera, c.event_at, found_at, "d" if c.drill else None,
                )  # fmt: skip
                matter = await connection.fetchval(
                    "INSERT INTO matters (task_id, fingerprint, kind, camera, event_at, found_at, severity, reason_key,"
                    " reason_params, closed_at, drill_id) VALUES ($1, $2, $3, $4, $5, $6, $7, 'smoke_seen', '{}', $8, $9)"
                    " RETURNING id",
                    c.id, mark, kind, camera, c.event_at, found_at, c.severity, c.closed_at, "d" if c.drill else None,
                )  # fmt: skip
                await connection.execute("INSERT INTO matter_findings VALUES ($1, $2)", finding, matter)
            if c.handle_due_at and not any(m.kind == "handle" for m in c.missed):
                await connection.execute(
                    "INSERT INTO deadlines (task_id, kind, due_at, excused_at) VALUES ($1, 'handle', $2, $3)",
                    c.id, c.handle_due_at, c.opened_at if "handle" in c.excused else None,
                )  # fmt: skip
            for m in c.missed:
                await connection.execute(
                    "INSERT INTO deadlines (task_id, kind, due_at, state, excused_at) VALUES ($1, $2, $3, 'breached', $4)",
                    c.id, m.kind, m.due_at, c.opened_at if m.excused else None,
                )  # fmt: skip
