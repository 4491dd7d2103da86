from datetime import UTC, datetime, timedelta

from simulators.centre_desk import due

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def a_task(id: int, state: str, minutes_ago: float) -> dict[str, object]:
    return {"id": id, "state": state, f"{state}_at": (NOW - timedelta(minutes=minutes_ago)).isoformat()}


def test_a_person_at_the_wall_has_the_first_chance() -> None:
    tasks = [
        a_task(1, "handled", 2),
        a_task(2, "handled", 4),
        a_task(3, "verified", 0.5),
        a_task(4, "verified", 2),
        a_task(5, "accepted", 60),
        a_task(6, "closed", 60),
    ]
    assert due(tasks, NOW) == [(2, "verify"), (4, "close")]
