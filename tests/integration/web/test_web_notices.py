"""Receipts of pages, and the list of what did not arrive."""

import asyncio
from typing import Any

import pytest

from farwatch.storage import notices
from farwatch.storage.database import transaction
from farwatch.storage.notices import Notice
from tests.support.web_house import House, listening, served

SEEN = "/api/v1/notices/seen"


async def told(
    house: House, task: int | None, target: str, step: str = "offer", channel: str = "page"
) -> None:
    notice = Notice(
        task=task, finding=None, step=step, channel=channel, target=target, key="offered", params={"severity": 2}, drill_id=None
    )  # fmt: skip
    async with transaction(house.pool) as connection:
        assert await notices.add(connection, notice, house.clock.now())


async def states(house: House) -> dict[str, str]:
    rows = await house.pool.fetch("SELECT target || '/' || channel AS way, state FROM notices ORDER BY id")
    return {r["way"]: r["state"] for r in rows}


async def settled(house: House, expected: dict[str, str]) -> None:
    async with asyncio.timeout(10):
        while await states(house) != expected:
            await asyncio.sleep(0.02)


async def test_the_stream_delivers_what_each_page_is_told_and_nobody_elses(house: House) -> None:
    task, other = await house.task(), await house.task(offered_to=("o2",))
    for who in ("o1", "o2", "centre"):
        await told(house, task, who)
    await told(house, other, "city", "escalated:1:0")
    async with served(house.app) as url, listening(url, await house.token("wang")) as stream:
        await house.logged("task_offered", task, officer="o1")
        await stream.next()
        await settled(
            house, {"o1/page": "delivered", "o2/page": "sent", "centre/page": "sent", "city/page": "sent"}
        )
        async with listening(url, await house.token("chen")) as wall:
            await house.logged("escalated", task)
            await house.logged("escalated", other)
            await wall.next()
            await wall.next()
            await settled(
                house,
                {
                    "o1/page": "delivered",
                    "o2/page": "sent",
                    "centre/page": "delivered",
                    "city/page": "delivered",
                },
            )
    assert await house.pool.fetchval("SELECT count(*) FROM notices WHERE delivered_at IS NOT NULL") == 3


async def test_a_page_that_asks_was_told_and_the_bureau_is_nobody(house: House) -> None:
    task = await house.task()
    await told(house, task, "o1")
    await told(house, task, "centre")
    async with house.client("bo") as client:
        assert (await client.get("/api/v1/tasks")).status_code == 200
    assert await states(house) == {"o1/page": "sent", "centre/page": "sent"}
    async with house.client("wang") as client:
        assert (await client.get("/api/v1/tasks")).status_code == 200
    assert await states(house) == {"o1/page": "delivered", "centre/page": "sent"}
    async with house.client("chen") as client:
        await client.get(f"/api/v1/tasks/{task}")
    assert await states(house) == {"o1/page": "delivered", "centre/page": "delivered"}


@pytest.mark.parametrize(
    ("who", "mine"), [("wang", "o1"), ("li", "o2"), ("chen", "centre"), ("ada", "centre")]
)
async def test_seen_is_said_for_oneself_only_and_never_takes_anything_back(
    house: House, who: str, mine: str
) -> None:
    task = await house.task()
    for target in ("o1", "o2", "centre"):
        await told(house, task, target)
    await told(house, task, mine, channel="wecom")
    async with house.client(who) as client:
        assert (await client.post(SEEN, json={"task": task})).status_code == 204
        after = await states(house)
        assert {way for way, state in after.items() if state == "seen"} == {f"{mine}/page"}
        await house.pool.execute("UPDATE notices SET state = 'accepted' WHERE state = 'seen'")
        assert (await client.post(SEEN, json={"task": task})).status_code == 204
        assert (await states(house))[f"{mine}/page"] == "accepted"
        assert (await client.post(SEEN, json={"task": 10**9})).status_code == 204
        assert (await client.post(SEEN, json={"task": 0})).status_code == 422


async def test_the_tasks_page_says_how_far_each_notice_came(house: House) -> None:
    task = await house.task()
    await told(house, task, "o1")
    await told(house, task, "o1", channel="wecom")
    await house.pool.execute(
        "UPDATE notices SET attempts = 8, state = 'failed', error = 'timeout' WHERE channel = 'wecom'"
    )
    async with house.client("wang") as client:
        await client.post(SEEN, json={"task": task})
        body: dict[str, Any] = (await client.get(f"/api/v1/tasks/{task}")).json()
    page, wecom = body["notices"]
    assert (page["state"], page["seen_at"] is not None, page["accepted_at"]) == ("seen", True, None)
    assert (wecom["channel"], wecom["state"], wecom["error"], wecom["attempts"]) == (
        "wecom",
        "failed",
        "timeout",
        8,
    )


async def test_lost_notices_are_listed_page_by_page(house: House) -> None:
    task = await house.task()
    for n in range(5):
        await told(house, task, "o1", f"offer:{n}", "wecom")
    await house.pool.execute(
        "UPDATE notices SET state = CASE id % 3 WHEN 0 THEN 'failed' WHEN 1 THEN 'expired' ELSE state END"
    )
    async with house.client("chen") as client:
        first = (await client.get("/api/v1/notices?limit=2")).json()
        rest = (await client.get("/api/v1/notices", params={"limit": 2, "cursor": first["next"]})).json()
        waiting = (await client.get("/api/v1/notices?state=waiting")).json()
        assert (await client.get("/api/v1/notices?cursor=nonsense!")).status_code == 422
    lost = [n["id"] for n in first["items"] + rest["items"]]
    assert lost == sorted(lost, reverse=True)
    assert {n["state"] for n in first["items"] + rest["items"]} == {"failed", "expired"}
    assert len(lost) + len(waiting["items"]) == 5
    assert all(n["task"] == task for n in waiting["items"])
