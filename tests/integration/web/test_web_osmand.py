"""Phones' tracking apps: whose position is taken, what is set aside, and that nothing is kept of who is off duty."""

import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest

from farwatch.storage import holds, positions
from farwatch.storage.database import transaction
from tests.support.web_house import House


async def device(house: House, officer: str = "o1") -> str:
    async with house.client("chen") as client:
        answer = await client.post(f"/api/v1/officers/{officer}/device", json={})
    assert (answer.status_code, answer.json()["path"]) == (201, "/osmand")
    return str(answer.json()["token"])


async def send(house: House, token: str, age_s: float = 0.0, **fields: Any) -> httpx.Response:
    at = house.clock.now() - timedelta(seconds=age_s)
    params = {"id": token, "lat": 39.9, "lon": 116.4, "timestamp": at.timestamp(), **fields}
    async with house.client() as client:
        return await client.get("/osmand", params=params)


async def kept(house: House) -> list[tuple[str, float, str]]:
    return [(p.officer, p.place.lat, p.source) for p in (await positions.latest(house.pool)).values()]


async def test_a_phone_with_its_secret_tells_where_its_officer_is(house: House) -> None:
    token = await device(house)
    assert (await send(house, token.upper(), lat=39.91)).status_code == 200
    assert await kept(house) == [("o1", 39.91, "osmand")]
    async with house.client("chen") as client:
        listed = {o["id"]: o for o in (await client.get("/api/v1/officers")).json()["items"]}
    assert (listed["o1"]["device"], listed["o2"]["device"]) == (True, False)
    assert (listed["o1"]["place"]["source"], listed["o1"]["place"]["age_s"] < 60) == ("osmand", True)


async def test_a_form_and_json_are_taken_without_a_page_around_them(house: House) -> None:
    token = await device(house)
    async with house.client() as client:
        form = await client.post("/osmand", data={"id": token, "lat": "39.92", "lon": "116.4"})
        location = {"coords": {"latitude": 39.93, "longitude": 116.4, "accuracy": 5, "speed": 1}}
        listed = await client.post("/osmand", json={"device_id": token, "location": [location]})
        foreign = await client.post("/osmand", data={"id": token}, headers={"Origin": "http://evil.test"})
        elsewhere = await client.post("/api/v1/position", data={"lat": "1", "lon": "2"})
    assert [form.status_code, listed.status_code] == [200, 200]
    assert [foreign.status_code, elsewhere.status_code] == [403, 415], "forms are taken at this path only"
    assert await kept(house) == [("o1", 39.93, "osmand")]


@pytest.mark.parametrize(("age_s", "fields"), [(601, {}), (-301, {}), (0, {"valid": "0"})])
async def test_what_says_nothing_of_now_is_set_aside_and_not_sent_again(
    house: House, age_s: float, fields: dict[str, str]
) -> None:
    token = await device(house)
    assert (await send(house, token, age_s, **fields)).status_code == 200
    assert await kept(house) == []


async def test_an_older_position_never_replaces_a_newer_one(house: House) -> None:
    token = await device(house)
    for lat, age_s in ((39.91, 60), (39.92, 30), (39.93, 200)):
        await send(house, token, age_s, lat=lat)
    assert await kept(house) == [("o1", 39.92, "osmand")]
    latest = (await positions.latest(house.pool))["o1"]
    assert latest.taken_at < latest.received_at, "it ages from when he was there"


async def test_nothing_is_kept_of_an_officer_off_shift_without_a_task(house: House) -> None:
    token = await device(house, "o2")
    assert (await send(house, token)).status_code == 200
    assert await kept(house) == []
    task = await house.task(officer="o2", state="accepted", offered_to=("o2",))
    await send(house, token, lat=39.94)
    assert await kept(house) == [("o2", 39.94, "osmand")]
    rows = await house.pool.fetch("SELECT officer, task_id, lat FROM officer_tracks")
    assert [tuple(r) for r in rows] == [("o2", task, 39.94)], "his way, while the task is open"


async def test_on_shift_without_a_task_no_way_is_kept_and_old_ways_end(house: House) -> None:
    token = await device(house)
    await send(house, token)
    assert await house.pool.fetchval("SELECT count(*) FROM officer_tracks") == 0
    task = await house.task(officer="o1", state="arrived")
    await send(house, token)
    yesterday, tomorrow = (house.clock.now() + timedelta(days=n) for n in (-1, 1))
    assert await positions.drop_tracks(house.pool, yesterday) == 0
    async with transaction(house.pool) as connection:
        await holds.put(connection, task, by="ada", reason="诉讼")
    assert await positions.drop_tracks(house.pool, tomorrow) == 0, "it is evidence"
    async with transaction(house.pool) as connection:
        await holds.lift(connection, task, by="ada", note="")
    assert await positions.drop_tracks(house.pool, tomorrow) == 1


async def test_a_new_secret_ends_the_one_before_and_an_ended_one_is_unknown(house: House) -> None:
    first, second = await device(house), await device(house)
    assert [(await send(house, t)).status_code for t in (first, second)] == [401, 200]
    async with house.client("ada") as client:
        assert (await client.delete("/api/v1/officers/o1/device")).status_code == 204
        assert (await client.delete("/api/v1/officers/o1/device")).status_code == 404
        assert (await client.post("/api/v1/officers/nobody/device", json={})).status_code == 404
    assert (await send(house, second)).json()["error"]["key"] == "unknown_device"
    done = await house.pool.fetch("SELECT action, subject FROM audit WHERE action LIKE 'device%' ORDER BY id")
    assert [tuple(r) for r in done] == [("device_made", "officer/o1")] * 2 + [("device_ended", "officer/o1")]


async def test_a_secret_is_neither_stored_nor_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="server")
    token = await device(house)
    await send(house, token, lat="x")
    await send(house, token + "y")
    await send(house, token)
    rows = await house.pool.fetch(
        "SELECT d::text AS row FROM officer_devices d UNION ALL SELECT a::text FROM audit a"
    )
    assert token not in caplog.text
    assert all(token not in r["row"] for r in rows)


async def test_a_phone_that_sends_too_often_and_who_guesses_are_held_back(house: House) -> None:
    token = await device(house)
    answers = [(await send(house, token)).status_code for _ in range(61)]
    assert (answers[:60], answers[60]) == ([200] * 60, 429)
    house.clock.seconds += 1
    assert (await send(house, token)).status_code == 200
    guesses = [(await send(house, f"guess{n}")).status_code for n in range(31)]
    assert (set(guesses[:30]), guesses[30]) == ({401}, 429)


async def test_an_officer_sees_colleagues_of_his_team_on_shift_and_not_where_they_are(house: House) -> None:
    await house.pool.execute(
        "INSERT INTO officers (id, name, team, lat, lon, shift) VALUES ('o3', '赵', 't1', 39.9, 116.4, 'always')"
    )
    await house.task(officer="o3", state="accepted", offered_to=("o3",))
    async with house.client("wang") as client:
        answer = (await client.get("/api/v1/colleagues")).json()
    assert answer["items"] == [{"id": "o3", "name": "赵", "open_tasks": 1}]
