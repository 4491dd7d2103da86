"""OGC API - Features: what is declared holds, nothing is lost or doubled while cases are opened, and nobody's name is in it."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.place import Area
from farwatch.storage import feed_tokens
from server.web.feature_shapes import touches
from server.web.features import CONFORMS_TO
from tests.support.web_house import House

TASKS = "/ogc/collections/tasks/items"


async def asked(house: House, path: str, who: str = "bo", **query: str) -> httpx.Response:
    async with house.client(who) as client:
        return await client.get(path, params=query or None)


async def ids(house: House, **query: str) -> list[Any]:
    answer = await asked(house, TASKS, **query)
    assert answer.status_code == 200, answer.text
    return [f["id"] for f in answer.json()["features"]]


async def test_from_the_landing_page_everything_is_found_by_its_links(house: House) -> None:
    await house.task()
    async with house.client("bo") as client:
        landing = (await client.get("/ogc")).json()
        links = {link["rel"]: link["href"] for link in landing["links"]}
        assert links.keys() == {"self", "service-desc", "conformance", "data"}
        assert (await client.get(links["service-desc"])).json()["openapi"].startswith("3.")
        assert (await client.get(links["conformance"])).json() == {"conformsTo": list(CONFORMS_TO)}
        collections = (await client.get(links["data"])).json()["collections"]
        assert [c["id"] for c in collections] == ["tasks", "stations", "cameras", "grids"]
        for collection in collections:
            here = {link["rel"]: link["href"] for link in collection["links"]}
            assert (await client.get(here["self"])).json() == collection
            answer = await client.get(here["items"])
            assert answer.headers["content-type"] == "application/geo+json"
            page = answer.json()
            assert (page["type"], page["numberReturned"]) == ("FeatureCollection", 1)
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", page["timeStamp"])
            (feature,) = page["features"]
            one = await client.get(f"{here['items']}/{feature['id']}")
            assert one.json()["geometry"] == feature["geometry"]
            assert {link["rel"] for link in one.json()["links"]} == {"self", "collection"}
            west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
            for lon, lat in _points(feature["geometry"]):
                assert west <= lon <= east
                assert south <= lat <= north


def _points(geometry: dict[str, Any]) -> Iterator[tuple[float, float]]:
    if geometry["type"] == "Point":
        yield tuple(geometry["coordinates"])
    else:
        yield from ((lon, lat) for rings in geometry["coordinates"] for ring in rings for lon, lat in ring)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"box": "1,2,3,4"}, "unknown"),
        ({"f": "html"}, "only_json"),
        ({"limit": "0"}, "not_a_positive_number"),
        ({"limit": "-1"}, "not_a_positive_number"),
        ({"limit": "ten"}, "not_a_positive_number"),
        ({"bbox": "1,2,3"}, "not_four_or_six_numbers"),
        ({"bbox": "1,2,3,4,5"}, "not_four_or_six_numbers"),
        ({"bbox": "1,2,nan,4"}, "not_four_or_six_numbers"),
        ({"bbox": "a,b,c,d"}, "not_numbers"),
        ({"bbox": "1,20,3,10"}, "south_over_north"),
        ({"bbox": "1,2,200,4"}, "not_on_earth"),
        ({"datetime": "yesterday"}, "not_rfc3339"),
        ({"datetime": "2026-11-22T00:00:00"}, "without_zone"),
        ({"datetime": "2026-11-23T00:00:00Z/2026-11-22T00:00:00Z"}, "ends_before_it_begins"),
        ({"cursor": "???"}, "not_from_here"),
        ({"cursor": "eA"}, "not_from_here"),
        ({"drills": "yes"}, "not_true_or_false"),
    ],
)
async def test_a_wrong_parameter_is_400_by_name(house: House, query: dict[str, str], why: str) -> None:
    answer = await asked(house, TASKS, **query)
    assert (answer.status_code, answer.json()["error"]["params"]) == (
        400,
        {"at": next(iter(query)), "why": why},
    )


async def test_a_parameter_that_comes_twice_is_refused(house: House) -> None:
    async with house.client("bo") as client:
        assert (await client.get(f"{TASKS}?limit=1&limit=2")).status_code == 400


async def test_paging_while_cases_are_opened_loses_and_doubles_none(house: House) -> None:
    at_first = [await house.task() for _ in range(25)]
    found: list[int] = []
    async with house.client("bo") as client:
        href = f"{TASKS}?limit=4"
        while href:
            page = (await client.get(href)).json()
            found += [f["id"] for f in page["features"]]
            href = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
            await house.task()
            await house.pool.execute(
                "UPDATE tasks SET state = 'closed', closed_at = now() WHERE id = $1", found[-1]
            )
    assert found == sorted(at_first, reverse=True)


async def test_the_other_collections_are_paged_by_their_names(house: House) -> None:
    await house.pool.execute(
        "INSERT INTO cameras (id, name, lat, lon, url) SELECT '相机/' || n, 'x', 39, 116, 'rtsp://h'"
        " FROM generate_series(1, 7) n"
    )
    await house.pool.execute("UPDATE registry_version SET version = version + 1")
    found: list[str] = []
    async with house.client("bo") as client:
        href = "/ogc/collections/cameras/items?limit=3"
        while href:
            page = (await client.get(href)).json()
            found += [f["id"] for f in page["features"]]
            href = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert found == sorted({"c1", *(f"相机/{n}" for n in range(1, 8))})


async def test_more_than_the_most_is_the_most(house: House) -> None:
    assert len(await ids(house, limit="1000000")) == 0
    await house.task()
    assert len(await ids(house, limit="1001")) == 1


async def test_boxes_and_times(house: House) -> None:
    day = datetime(2026, 11, 20, tzinfo=UTC)
    here = await house.task(
        lat=39.9, lon=116.4, opened_at=day, state="closed", closed_at=day + timedelta(hours=2)
    )
    there = await house.task(lat=31.2, lon=121.5, opened_at=day + timedelta(hours=1))
    boxes = {
        "116,39,117,40": [here], "116.4,39.9,116.4,39.9": [here], "100,20,130,45": [there, here], "0,0,1,1": [],
        "116,39,-500,117,40,8848": [here],
    }  # fmt: skip
    for box, expected in boxes.items():
        assert await ids(house, bbox=box) == expected, box
    times = {
        "2026-11-20T00:30:00Z": [here], "2026-11-20T08:30:00+08:00": [here], "2026-11-20T01:30:00Z": [there, here],
        "2026-11-19T00:00:00Z/2026-11-20T00:00:00Z": [here], "2026-11-20T02:00:00Z/..": [there, here],
        "2026-11-20T02:00:01Z/": [there], "../2026-11-19T23:59:59Z": [], "/2026-11-20T01:00:00Z": [there, here],
        "../..": [there, here],
    }  # fmt: skip
    for interval, expected in times.items():
        assert await ids(house, datetime=interval) == expected, interval
    assert (
        len(
            (await asked(house, "/ogc/collections/stations/items", datetime="2020-01-01T00:00:00Z")).json()[
                "features"
            ]
        )
        == 1
    )


async def test_a_box_over_the_antimeridian_is_both_its_halves(house: House) -> None:
    places = {"fiji": (-18, 178.4), "samoa": (-13.8, -171.8), "city": (39.9, 116.4), "edge": (0, 180)}
    tasks = {name: await house.task(lat=lat, lon=lon) for name, (lat, lon) in places.items()}
    boxes = {
        "170,-30,-170,10": ["edge", "samoa", "fiji"], "170,-15,-170,-10": ["samoa"], "179,-30,-179,10": ["edge"],
        "170,-30,-90,-170,10,8848": ["edge", "samoa", "fiji"], "100,30,-170,50": ["city"], "-170,-30,170,50": ["city"],
    }  # fmt: skip
    for box, expected in boxes.items():
        assert await ids(house, bbox=box) == sorted((tasks[n] for n in expected), reverse=True), box
    for name in ("stations", "cameras", "grids"):
        counts = [
            (await asked(house, f"/ogc/collections/{name}/items", bbox=box)).json()["numberReturned"]
            for box in ("100,30,-170,50", "117.5,30,100,50", "170,-30,-170,10")
        ]
        assert counts == [1, 0, 0], name


SQUARE = Area(((((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0), (0.0, 0.0)),),))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((2, 2, 3, 3), True),
        ((-5, -5, 20, 20), True),
        ((-5, 4, 20, 5), True),  # a band across it, without a corner of either in the other
        ((11, 11, 12, 12), False),
        ((-5, -5, -1, 20), False),
        ((10, 10, 12, 12), True),
        ((170, 2, 1, 3), True),  # west beyond east: over the antimeridian
        ((170, 2, -1, 3), False),
        ((9, 2, -170, 3), True),
        ((11, 2, -1, 3), False),
    ],
)
def test_an_area_touches_a_box(box: tuple[float, float, float, float], expected: bool) -> None:
    assert touches(SQUARE, box) is expected


@given(st.tuples(*[st.floats(-20, 20)] * 4))
def test_two_squares_touch_as_their_sides_do(numbers: tuple[float, float, float, float]) -> None:
    west, east = sorted(numbers[:2])
    south, north = sorted(numbers[2:])
    assert touches(SQUARE, (west, south, east, north)) == (
        west <= 10 and east >= 0 and south <= 10 and north >= 0
    )


async def test_drills_come_only_when_asked_for_and_say_so(house: House) -> None:
    real, drill = await house.task(), await house.task(drill_id="d1")
    assert await ids(house) == [real]
    assert await ids(house, drills="true") == [drill, real]
    assert (await asked(house, f"{TASKS}/{drill}")).status_code == 404
    assert (await asked(house, f"{TASKS}/{real}", drills="true")).status_code == 200
    feature = (await asked(house, f"{TASKS}/{drill}", drills="true")).json()
    assert feature["links"][0]["href"].endswith(f"/{drill}?drills=true")
    assert feature["properties"]["drill"] is True


async def test_no_person_note_picture_or_address_of_a_camera_is_in_a_feed(house: House) -> None:
    await house.pool.execute("UPDATE officers SET name = '王秘密', phone = '13800000000'")
    task = await house.task(officer="o1", state="accepted")
    _, finding = await house.matter(task)
    await house.evidence(finding, b"\xff\xd8\xff")
    await house.pool.execute("UPDATE cameras SET url = 'rtsp://10.9.9.9/secret', credential = 'cam-secret'")
    await house.pool.execute("UPDATE registry_version SET version = version + 1")
    texts = [
        (await asked(house, path)).text
        for path in ("/ogc", "/ogc/collections", TASKS, *(f"/ogc/collections/{c}/items" for c in ("stations", "cameras", "grids")),
                     f"{TASKS}/{task}", "/cap", f"/cap/{task}", "/api/v1/cases", "/api/v1/cases?format=csv")
    ]  # fmt: skip
    for text in texts:
        assert not re.search(
            r"王|o1\b|13800000000|rtsp|10\.9\.9\.9|secret|evidence|/api/v1/evidence", text
        ), text


async def test_what_is_not_there(house: House) -> None:
    for path in ("/ogc/collections/officers", "/ogc/collections/officers/items", f"{TASKS}/999", f"{TASKS}/x", f"{TASKS}/{10**30}",
                 "/ogc/collections/cameras/items/zzz"):  # fmt: skip
        assert (await asked(house, path)).status_code == 404, path


async def test_a_program_reads_with_its_token_until_it_is_revoked(house: House) -> None:
    number, token = await feed_tokens.add(house.pool, "QGIS")
    basic = "Basic " + base64.b64encode(f"anybody:{token}".encode()).decode()
    async with house.client() as client:
        for header in (f"Bearer {token}", f"bearer {token}", basic):
            assert (
                await client.get("/ogc/collections/tasks/items", headers={"Authorization": header})
            ).status_code == 200
        wrong = (
            "Bearer",
            "Bearer x",
            "Basic !!!",
            "Basic " + base64.b64encode(b"u:wrong").decode(),
            "Digest x",
            f"Basic {token}",
        )
        for header in (*wrong, ""):
            answer = await client.get("/ogc", headers={"Authorization": header} if header else {})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Basic ")
        assert (
            await client.get("/api/v1/tasks", headers={"Authorization": f"Bearer {token}"})
        ).status_code == 401
        assert await feed_tokens.revoke(house.pool, number)
        assert not await feed_tokens.revoke(house.pool, number)
        assert (await client.get("/ogc", headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_a_token_may_ask_ten_times_a_second_and_its_first_use_of_a_day_is_audited(house: House) -> None:
    _, token = await feed_tokens.add(house.pool, "总线")
    async with house.client() as client:
        answers = [await client.get("/ogc", headers={"Authorization": f"Bearer {token}"}) for _ in range(11)]
        assert [a.status_code for a in answers] == [*[200] * 10, 429]
        assert answers[-1].headers["retry-after"] == "1"
        house.clock.seconds += 1
        assert (await client.get("/ogc", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    rows = await house.pool.fetch("SELECT actor, detail FROM audit WHERE action = 'feed_token_used'")
    assert [(r["actor"], r["detail"]) for r in rows] == [("feed/1", {"name": "总线"})]


async def test_links_lead_to_the_public_address(house: House) -> None:
    house.use(public_url="https://farwatch.example")
    landing = (await asked(house, "/ogc")).json()
    assert {link["href"].split("/ogc")[0].removesuffix("/openapi.json") for link in landing["links"]} == {
        "https://farwatch.example"
    }
