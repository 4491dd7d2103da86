from datetime import UTC, datetime, timedelta

import pytest

from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.review import CITY
from farwatch.storage import camera_status, readings, warnings
from farwatch.storage.camera_status import CameraState, CameraStatus
from farwatch.storage.channels import note_heard
from farwatch.storage.database import transaction
from farwatch.storage.heartbeats import database_now
from server.web import readings as readings_route
from tests.support.web_house import House

A_LIMIT = {
    "kind": "rtd",
    "limit": 35.0,
    "lower": None,
    "converted": True,
    "schedule": "",
    "source": "",
    "unverified": False,
}


async def read(house: House, count: int, *, last: datetime, kind: ReadingKind = ReadingKind.RTD) -> None:
    async with transaction(house.pool) as connection:
        ids = await readings.channel_ids(connection)
        received_at = await database_now(connection)
        made = [
            Reading(
                "MN1",
                "a21026",
                kind,
                last - timedelta(seconds=i),
                float(i),
                received_at,
                converted=i * 2.0,
            )
            for i in range(count)
        ]
        await readings.insert(connection, ids, made)


async def test_the_city_is_shown_as_the_registry_has_it_and_as_it_is_now(house: House) -> None:
    now = house.clock.now()
    await read(house, 3, last=now)
    async with transaction(house.pool) as connection:
        await camera_status.report(
            connection, [CameraStatus(camera="c1", state=CameraState.ONLINE, last_frame_at=now)]
        )
    async with house.client("bo") as client:
        (grid,) = (await client.get("/api/v1/grids")).json()["features"]
        (station,) = (await client.get("/api/v1/stations")).json()["items"]
        (camera,) = (await client.get("/api/v1/cameras")).json()["items"]

    assert grid["properties"] == {"id": "g1", "name": "一网格", "team": "t1"}
    assert grid["geometry"]["coordinates"][0][0][0] == [116.0, 39.0]
    (channel,) = station["channels"]
    assert station["enterprise"] == {"id": "e1", "name": "东方钢铁"}
    assert channel["limits"] == [A_LIMIT]
    assert (channel["latest"]["value"], channel["latest"]["converted"], channel["latest"]["kind"]) == (
        0.0,
        0.0,
        "rtd",
    )
    assert (camera["state"], camera["still_url"]) == ("online", "/api/v1/cameras/c1/still")
    assert camera["zones"][0]["polygon"][0] == [0.1, 0.1]
    assert "rtsp" not in str(camera)


async def test_a_changed_registry_is_shown_without_a_restart(house: House) -> None:
    async with house.client("bo") as client:
        await client.get("/api/v1/grids")
        await house.pool.execute(
            "UPDATE grids SET name = '新网格'; UPDATE registry_version SET version = version + 1"
        )
        assert (await client.get("/api/v1/grids")).json()["features"][0]["properties"]["name"] == "新网格"


async def test_a_code_that_is_heard_for_the_first_time_is_shown_without_a_restart(house: House) -> None:
    async with house.client("bo") as client:
        await client.get("/api/v1/stations")
        async with transaction(house.pool) as connection:
            await note_heard(connection, {("MN1", "a99054"): "mg/m3"}, house.clock.now())
        (station,) = (await client.get("/api/v1/stations")).json()["items"]
    assert [(c["code"], c["registered"]) for c in station["channels"]] == [
        ("a21026", True),
        ("a99054", False),
    ]


async def test_a_curve_comes_in_order_and_in_pages_without_gap_or_repeat(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings_route, "PAGE", 4)
    now = house.clock.now()
    await read(house, 10, last=now - timedelta(seconds=1))
    seen: list[float] = []
    async with house.client("bo") as client:
        query = {"code": "a21026"}
        while True:
            page = (await client.get("/api/v1/stations/MN1/readings", params=query)).json()
            seen += [r["value"] for r in page["items"]]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]

    assert seen == [float(i) for i in reversed(range(10))]
    assert (page["unit"], page["limits"]) == ("mg/m3", [A_LIMIT])


async def test_a_curve_is_cut_by_event_time_and_kind(house: House) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    await read(house, 5, last=at, kind=ReadingKind.MIN)
    query = {
        "code": "a21026",
        "kind": "min",
        "from": "2026-10-31T23:59:57Z",
        "to": "2026-11-01T08:00:00+08:00",
    }
    async with house.client("bo") as client:
        items = (await client.get("/api/v1/stations/MN1/readings", params=query)).json()["items"]

    assert [i["value"] for i in items] == [3.0, 2.0, 1.0]


async def test_a_senseless_curve_is_refused(house: House) -> None:
    asked = {
        "/MN1/readings": 422,
        "/MN1/readings?code=a21026&from=yesterday": 422,
        "/MN1/readings?code=a21026&cursor=x": 422,
        "/MN1/readings?code=none": 404,
        "/none/readings?code=a21026": 404,
        "/%00/readings?code=a21026": 422,
        "/MN1/readings?code=a21026&to=0001-01-01T00:00:00Z": 200,
    }
    async with house.client("bo") as client:
        assert {p: (await client.get(f"/api/v1/stations{p}")).status_code for p in asked} == asked


async def test_open_warnings_are_listed_with_their_reason(house: House) -> None:
    task = await house.task()
    _, finding = await house.matter(task)
    now = house.clock.now()
    async with transaction(house.pool) as connection:
        await connection.execute(
            "INSERT INTO warnings (finding_id, fingerprint, enterprise, told_at, window_ends_at, state)"
            " VALUES ($1, 'x', 'e1', $2, $3, 'open')", finding, now, now + timedelta(minutes=10),
        )  # fmt: skip
        assert await warnings.listed(connection)
    async with house.client("chen") as client:
        (warning,) = (await client.get("/api/v1/warnings?state=open")).json()["items"]

    assert (warning["finding_id"], warning["state"]) == (str(finding), "open")
    assert warning["enterprise"] == {"id": "e1", "name": "东方钢铁"}
    assert warning["reason"] == {"key": "smoke_seen", "params": {"share": 0.3}}


async def test_the_days_figures_count_since_the_citys_midnight_and_never_drills(house: House) -> None:
    start = house.clock.now().astimezone(CITY).replace(hour=0, minute=0, second=0, microsecond=0)
    house.clock.at = start + timedelta(hours=12)

    def after(minutes: float) -> datetime:
        return start + timedelta(hours=1, minutes=minutes)

    quick = await house.task(
        state="closed", opened_at=after(0), accepted_at=after(2), arrived_at=after(8), closed_at=after(60)
    )
    slow = await house.task(
        state="closed", opened_at=after(0), accepted_at=after(6), arrived_at=after(20), handled_at=after(30),
        verified_at=after(40), closed_at=after(60), outcome="false_alarm",
    )  # fmt: skip
    await house.task(state="offered", opened_at=start - timedelta(hours=2))
    await house.task(
        state="closed", opened_at=start - timedelta(hours=9), closed_at=start - timedelta(hours=8)
    )
    await house.task(
        state="closed", opened_at=after(0), closed_at=after(9), accepted_at=after(1), drill_id="d1"
    )
    for task, kind in ((quick, "smoke"), (quick, "smoke"), (slow, "burning")):
        await house.matter(task, kind=kind)
    for _ in range(2):  # what is sent twice is one reading
        await read(house, 4, last=start + timedelta(seconds=1))

    async with house.client("chen") as client:
        figures = (await client.get("/api/v1/figures/today")).json()

    assert datetime.fromisoformat(figures.pop("since")) == start
    assert figures == {
        "opened": 2, "open": 1, "closed": 2, "by_kind": {"burning": 1, "smoke": 1}, "accepted_within_5min_share": 0.5,
        "arrived_within_10min_share": 0.5, "response_p50_s": 120.0, "response_p90_s": 360.0, "false_alarms": 1, "readings": 4,
        "cameras_online": 0, "cameras_total": 1, "stations_reporting": 1, "stations_total": 1,
    }  # fmt: skip


async def test_readings_of_a_drills_station_are_not_counted(house: House) -> None:
    await house.pool.execute("UPDATE stations SET drill = true")
    await read(house, 4, last=house.clock.now())
    async with house.client("chen") as client:
        assert (await client.get("/api/v1/figures/today")).json()["readings"] == 0
