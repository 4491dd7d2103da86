"""Which tasks have a visit code, and what becomes of one that another key made."""

import logging
from typing import Any
from uuid import uuid4

import httpx
import pytest

from server import visit_key
from tests.support.web_house import House


async def code(house: House, task: int) -> httpx.Response:
    async with house.client("wang") as client:
        return await client.get(f"/api/v1/tasks/{task}/visit-code")


async def test_a_code_of_another_key_is_renewed_and_said_aloud(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Another machine made it, or the data folder came back without its keys: what its officer is shown opens."""
    task = await house.task(officer="o1", state="accepted")
    await house.matter(task)

    async def token() -> str:
        return str((await code(house, task)).json()["url"]).rpartition("/")[2]

    async def opens(token: str) -> int:
        async with house.client() as client:
            return (await client.get(f"/api/v1/visit/{token}")).status_code

    before = await token()
    visit_key.path_in(house.deps.data_dir).unlink()
    house.use()  # as after a restart
    after = [await token() for _ in range(2)]

    assert after[0] == after[1] != before
    assert [await opens(t) for t in (before, after[0])] == [404, 200]
    (said,) = [r for r in caplog.records if visit_key.FILE in r.getMessage()]
    assert (said.levelno, said.getMessage().endswith("all machines need the same")) == (logging.ERROR, True)


@pytest.mark.parametrize(
    ("kinds", "enterprise", "calls_for_code"),
    [
        (("camera_fault",), None, False),
        (("camera_fault", "camera_fault"), None, False),
        (("camera_fault",), "e1", True),
        (("data_fault",), "e1", True),
        (("data_fault",), None, True),  # a storm's: whose, its matters say
        (("camera_fault", "burning"), None, True),
        (("smoke",), "e1", True),
    ],
)
async def test_a_camera_of_no_enterprise_is_looked_after_without_a_code(
    house: House, kinds: tuple[str, ...], enterprise: str | None, calls_for_code: bool
) -> None:
    task = await house.task(officer="o1", state="accepted", enterprise=enterprise)
    for kind in kinds:
        await house.matter(task, kind=kind)
    deed: dict[str, Any] = {"client_id": str(uuid4()), "at": house.clock.now().isoformat()}
    deed["position"] = {"lat": 39.9, "lon": 116.4, "accuracy_m": 5}
    async with house.client("wang") as client:
        assert (await client.post(f"/api/v1/tasks/{task}/arrive", json=deed)).status_code == 200
    answer = await code(house, task)
    async with house.client("chen") as client:
        standing = (await client.get(f"/api/v1/tasks/{task}/visits")).json()["standing"]["key"]

    assert await house.pool.fetchval("SELECT count(*) FROM visit_codes") == int(calls_for_code)
    if calls_for_code:
        assert (answer.status_code, standing) == (200, "visit_code_never_shown")
    else:
        assert (answer.status_code, answer.json()["error"]["key"]) == (409, "no_enterprise_visited")
        assert standing == "visit_without_enterprise"
