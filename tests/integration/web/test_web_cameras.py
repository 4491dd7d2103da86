"""A camera's page: its state and stream as its worker tells them, its picture's age, what was found by it."""

from datetime import datetime
from typing import Any

import pytest

from farwatch.domain.share import Share
from farwatch.storage import camera_status, leases
from farwatch.storage.blobs import live_still_path
from farwatch.storage.camera_status import CameraState, CameraStatus
from farwatch.storage.database import transaction
from tests.support.web_house import House

STREAM = {"codec": "h265", "width": 1920, "height": 1080, "clock_offset_s": 12.5}


async def said(house: House, **status: object) -> None:
    known: dict[str, object] = {"camera": "c1", "state": CameraState.ONLINE} | status
    async with transaction(house.pool) as connection:
        await camera_status.report(connection, [CameraStatus(**known)])  # type: ignore[arg-type]


async def test_a_camera_is_shown_with_its_stream_its_picture_and_what_it_found(house: House) -> None:
    await said(house, stream=STREAM)
    await said(house, state=CameraState.OFFLINE, reason="timed_out")
    still = live_still_path(house.deps.data_dir, "c1")
    still.parent.mkdir()
    still.write_bytes(b"\xff\xd8\xff")
    task = await house.task()
    _, finding = await house.matter(task)
    picture = await house.evidence(finding, b"\xff\xd8\xff")
    async with house.client("chen") as client:
        page = (await client.get("/api/v1/cameras/c1")).json()

    assert (page["state"], page["reason"], page["stream"]) == ("offline", "timed_out", STREAM)
    assert page["live_url"] == "/api/v1/cameras/c1/live"
    assert page["player_url"] is None
    assert datetime.fromisoformat(page["picture_at"]).timestamp() == pytest.approx(still.stat().st_mtime)
    (found,) = page["findings"]
    assert (found["id"], found["task_id"], found["zone"]) == (str(finding), task, "stack")
    assert found["evidence"][0]["url"] == f"/api/v1/evidence/{picture}"
    assert "10.0.0.9" not in str(page)


async def test_a_camera_of_which_nothing_is_known_says_so(house: House) -> None:
    async with house.client("bo") as client:
        page = (await client.get("/api/v1/cameras/c1")).json()
        assert (await client.get("/api/v1/cameras/none")).status_code == 404

    assert (page["state"], page["reason"]) == ("unknown", "never_seen")
    assert (page["picture_at"], page["stream"], page["findings"]) == (None, dict.fromkeys(STREAM), [])


async def test_who_watches_a_camera_is_told_by_share_machine_and_process(
    house: House, database_url: str
) -> None:
    mine = Share.of("c1", 3)
    other = Share((mine.index + 1) % 3, 3)

    async def said() -> tuple[str | None, str | None]:
        async with house.client("bo") as client:
            told = (await client.get("/api/v1/cameras/c1")).json()["watched_by"]
        return told["share"], told["holder"]

    assert await said() == (None, None)
    async with leases.hold_share(database_url, other, "cam-b/2"):
        assert await said() == (str(mine), None)
        async with leases.hold_share(database_url, mine, "cam-a/1"):
            assert await said() == (str(mine), "cam-a/1")


async def test_the_citys_own_player_is_offered_where_there_is_one(house: House) -> None:
    house.use(camera_player_url="https://video.example/play?id={camera}")
    await house.pool.execute(
        "INSERT INTO cameras (id, name, lat, lon, url) VALUES ('门/1', 'x', 39, 116, 'rtsp://10.0.0.9/x')"
    )
    await house.pool.execute("UPDATE registry_version SET version = version + 1")
    async with house.client("bo") as client:
        page = (await client.get("/api/v1/cameras/c1")).json()
        strange = [c for c in (await client.get("/api/v1/cameras")).json()["items"] if c["id"] != "c1"]
    assert page["player_url"] == "https://video.example/play?id=c1"
    assert strange[0]["still_url"] == "/api/v1/cameras/%E9%97%A8%2F1/still"


@pytest.mark.parametrize(
    ("columns", "sees"),
    [
        ({"officer": "o1", "state": "accepted"}, ["c1"]),
        ({"officer": "o1", "state": "handled"}, ["c1"]),
        ({"officer": "o2", "state": "accepted", "handover_to": "o1"}, ["c1"]),
        ({"offered_to": ("o1",)}, ["c1"]),
        ({"officer": "o1", "state": "closed"}, []),
        ({"officer": "o2", "state": "accepted", "offered_to": ("o2",)}, []),
    ],
)
async def test_an_officer_is_told_of_the_cameras_of_his_open_tasks_alone(
    house: House, columns: dict[str, Any], sees: list[str]
) -> None:
    await house.pool.execute(
        "INSERT INTO cameras (id, name, lat, lon, url) VALUES ('c2', '西门', 39, 116, 'rtsp://10.0.0.9/c2')"
    )
    await house.pool.execute("UPDATE registry_version SET version = version + 1")
    await house.matter(await house.task(**columns))
    shown = {}
    for who in ("wang", "chen", "bo"):
        async with house.client(who) as client:
            shown[who] = [c["id"] for c in (await client.get("/api/v1/cameras")).json()["items"]]

    assert shown == {"wang": sees, "chen": ["c1", "c2"], "bo": ["c1", "c2"]}
