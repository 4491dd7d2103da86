"""An officer's visit to an enterprise, its code, and what the enterprise does with it."""

from typing import Any
from uuid import uuid4

import httpx

from tests.support.web_house import House


async def with_badge(house: House) -> House:
    """`house` with all that a code shows: the officer's badge, the bureau's name and the public address."""
    await house.pool.execute("UPDATE officers SET badge = '京执-0417' WHERE id = 'o1'")
    house.use(bureau_name="东城区生态环境局", public_url="https://watch.example")
    return house


async def visited(house: House, **columns: Any) -> int:
    """Task of o1, accepted, with one matter of a camera."""
    values: dict[str, Any] = {"officer": "o1", "state": "accepted", "accepted_at": house.clock.now()}
    task = await house.task(**values | columns)
    await house.matter(task)
    return task


async def arrive(house: House, task: int) -> int:
    deed: dict[str, Any] = {"client_id": str(uuid4()), "at": house.clock.now().isoformat()}
    deed["position"] = {"lat": 39.9, "lon": 116.4, "accuracy_m": 5}
    async with house.client("wang") as client:
        return (await client.post(f"/api/v1/tasks/{task}/arrive", json=deed)).status_code


async def code(house: House, task: int, who: str = "wang") -> httpx.Response:
    async with house.client(who) as client:
        return await client.get(f"/api/v1/tasks/{task}/visit-code")


async def token_of(house: House, task: int, who: str = "wang") -> str:
    return str((await code(house, task, who)).json()["url"]).rpartition("/")[2]


async def look(
    house: House, token: str, address: str = "172.16.0.9", mine: tuple[str, ...] = ()
) -> httpx.Response:
    async with house.client(address=address) as client:
        return await client.get(f"/api/v1/visit/{token}", params={"mine": list(mine)})


async def opened(
    house: House, token: str, who: str | None = None, address: str = "172.16.0.9"
) -> httpx.Response:
    """What the page tells when it is open in a browser."""
    async with house.client(who, address) as client:
        return await client.post(f"/api/v1/visit/{token}/looks", json={})


async def write(
    house: House, token: str, text: str, client_id: str = "", address: str = "172.16.0.9"
) -> httpx.Response:
    async with house.client(address=address) as client:
        body = {"client_id": client_id or str(uuid4()), "text": text}
        return await client.post(f"/api/v1/visit/{token}/comments", json=body)


async def events(house: House, *types: str) -> list[dict[str, Any]]:
    rows = await house.pool.fetch("SELECT event FROM event_queue ORDER BY id")
    return [r["event"] for r in rows if r["event"]["type"] in types]
