"""How a visit stands for its task, and what the month's visits add up to."""

from datetime import timedelta

import pytest

from tests.support.visits import code, opened, token_of, visited, with_badge
from tests.support.web_house import House


@pytest.fixture
async def house(house: House) -> House:
    return await with_badge(house)


async def test_no_code_no_visit(house: House) -> None:
    """Arrived without, never shown, and shown are three things."""
    arrived = {"state": "arrived", "arrived_at": house.clock.now()}
    tasks = [await visited(house), *[await visited(house, **arrived) for _ in range(3)]]
    for task in tasks[2:]:
        await code(house, task)
    await opened(house, await token_of(house, tasks[3]))
    async with house.client("chen") as client:
        standings = [
            (await client.get(f"/api/v1/tasks/{task}/visits")).json()["standing"]["key"] for task in tasks
        ]
    assert standings == [
        "no_visit_yet",
        "visit_without_code",
        "visit_code_never_shown",
        "visit_code_shown",
    ]


async def test_visits_of_a_month_and_how_many_were_saved(house: House) -> None:
    now = house.clock.now()
    with_code = await visited(house, state="arrived", arrived_at=now)
    await house.matter(with_code)
    await house.matter(with_code)
    await code(house, with_code)
    await visited(house, state="arrived", arrived_at=now)
    await visited(house, state="arrived", arrived_at=now, drill_id="d1")
    await visited(house, state="arrived", arrived_at=now - timedelta(days=62))
    await visited(house, state="arrived", arrived_at=now, enterprise=None)
    await visited(house)
    await visited(house, state="closed", outcome="ceased", closed_at=now)
    told = [
        ("cleared", now, None),
        ("cleared", now, "d1"),
        ("cleared", now - timedelta(days=62), None),
        ("became_task", now, None),
    ]
    for n, (state, at, drill) in enumerate(told):
        _, finding = await house.matter(await visited(house))
        await house.pool.execute(
            "INSERT INTO warnings (finding_id, fingerprint, enterprise, told_at, window_ends_at, state, decided_at, drill_id)"
            " VALUES ($1, $2, 'e1', $3, $3, $4, $3, $5)",
            finding, f"f{n}", at, state, drill,
        )  # fmt: skip
    async with house.client("bo") as client:
        report = (await client.get("/api/v1/visits")).json()
        sheet = await client.get("/api/v1/visits?format=csv")
        empty = (await client.get("/api/v1/visits?month=2020-01")).json()

    (row,) = report["rows"]
    assert row == {
        "enterprise": {"id": "e1", "name": "东方钢铁"}, "visits": 2, "without_code": 1, "never_shown": 1, "matters": 4,
        "warnings_cleared": 1, "ceased": 1, "saved": 3,
    }  # fmt: skip
    assert {**report["total"], "enterprise": None} == {**row, "enterprise": None}
    assert "东方钢铁,2,1,1,4,1,1,3" in sheet.text
    assert (empty["rows"], empty["total"]["visits"]) == ([], 0)
