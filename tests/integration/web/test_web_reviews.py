"""What a bureau reads of judged hours: the day's table, the register of a month, rates, marks."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from farwatch.domain.reading import Reading, ReadingKind
from farwatch.storage import readings
from farwatch.storage.database import transaction
from server.web import exceedances as register
from tests.support.web_house import House

DAY = datetime(2026, 11, 20, 16, tzinfo=UTC)  # 21 November begins in the city
HOUR = timedelta(hours=1)


def table_of(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


@pytest.fixture
def later(house: House) -> House:
    house.clock.at = datetime(2026, 11, 22, 4, tzinfo=UTC)
    return house


async def test_a_day_is_a_table_of_its_24_hours_with_what_was_judged_and_the_days_own_verdict(
    later: House,
) -> None:
    await later.pool.execute("UPDATE limits SET kind = 'hour', source = 'GB 13271-2014', unverified = true")
    await later.reviewed(DAY)
    await later.reviewed(DAY + 5 * HOUR, verdict="over", judged_value=52.5, late=True, revision=2)
    await later.reviewed(DAY - HOUR)
    await later.reviewed(DAY, kind="day", verdict="no_limit", expected=24, received=2, valid=2)
    async with later.client("bo") as client:
        table = (await client.get("/api/v1/stations/MN1/reviews?date=2026-11-21")).json()
        text = (await client.get("/api/v1/stations/MN1/reviews?date=2026-11-21&format=csv")).text

    assert (table["station"]["name"], table["enterprise"]["name"]) == ("一号排口", "东方钢铁")
    assert [c["code"] for c in table["channels"]] == ["a21026"]
    assert [datetime.fromisoformat(r["ts"]) for r in table["rows"]] == [DAY + n * HOUR for n in range(24)]
    assert [n for n, r in enumerate(table["rows"]) if r["cells"]] == [0, 5]
    over = table["rows"][5]["cells"]["a21026"]
    assert (over["verdict"], over["judged_value"], over["limit"], over["late"], over["revision"], over["unverified"]) == (
        "over", 52.5, 35.0, True, 2, True,
    )  # fmt: skip
    assert table["whole"]["a21026"]["valid"] == 2
    assert [(r["ts"], r["verdict"]) for r in table_of(text)] == [
        ("2026-11-21T00:00:00+08:00", "ok"),
        ("2026-11-21T05:00:00+08:00", "over"),
    ]


async def test_the_days_of_a_month_are_a_table_too(later: House) -> None:
    await later.reviewed(DAY, kind="day")
    async with later.client("bo") as client:
        table = (await client.get("/api/v1/stations/MN1/reviews?kind=day&date=2026-11-08")).json()

    assert len(table["rows"]) == 30
    assert [n for n, r in enumerate(table["rows"]) if r["cells"]] == [20]
    assert table["whole"] == {}


async def test_the_register_lists_a_month_in_pages_newest_first_with_finding_and_task(
    later: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "CSV_PAGE", 2)
    task = await later.task()
    _, finding = await later.matter(task, kind="exceedance")
    await later.pool.execute(
        "UPDATE findings SET rule = 'limit_hour', fingerprint = 'exceedance/MN1/a21026', camera = NULL, station = 'MN1',"
        " onset_at = $1", DAY + HOUR,
    )  # fmt: skip
    for n in range(5):
        await later.reviewed(DAY + n * HOUR, verdict="over", judged_value=70.0, late=n == 4)
    await later.reviewed(DAY, kind="day", verdict="below", judged_value=5.5, lower_value=6.0, limit_value=9.0)
    await later.reviewed(DAY + 7 * HOUR)
    await later.reviewed(
        datetime(2026, 10, 31, 15, tzinfo=UTC), verdict="over"
    )  # October's last hour in the city
    seen, query = [], {"month": "2026-11", "limit": 4}
    async with later.client("bo") as client:
        while True:
            page = (await client.get("/api/v1/exceedances", params=query)).json()
            seen += page["items"]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        late = (await client.get("/api/v1/exceedances?month=2026-11&late=true")).json()["items"]
        october = (await client.get("/api/v1/exceedances?month=2026-10")).json()["items"]
        text = (await client.get("/api/v1/exceedances?month=2026-11", headers={"Accept": "text/csv"})).text

    assert [((datetime.fromisoformat(i["ts"]) - DAY) / HOUR, i["kind"]) for i in seen] == [
        (4, "hour"), (3, "hour"), (2, "hour"), (1, "hour"), (0, "hour"), (0, "day"),
    ]  # fmt: skip
    assert [i["task_id"] for i in seen] == [None, None, None, task, None, None]
    assert [i["finding_id"] for i in seen] == [None, None, None, str(finding), None, None]
    assert [i["ratio"] for i in seen] == [2.0] * 5 + [5.5 / 6.0]
    assert [i["ts"] for i in late] == [seen[0]["ts"]]
    assert len(october) == 1
    assert [(r["mn"], r["ts"], r["late"]) for r in table_of(text)][:2] == [
        ("MN1", "2026-11-21T04:00:00+08:00", "1"),
        ("MN1", "2026-11-21T03:00:00+08:00", "0"),
    ]
    assert len(table_of(text)) == 6


async def test_drills_stand_neither_in_the_register_nor_in_the_rates(later: House) -> None:
    await later.reviewed(DAY, verdict="over")
    await later.pool.execute("UPDATE stations SET drill = true")
    async with later.client("bo") as client:
        assert (await client.get("/api/v1/exceedances?month=2026-11")).json()["items"] == []
        assert (await client.get("/api/v1/rates")).json()["stations"] == []


async def test_rates_count_hours_by_the_calendar_and_take_the_stopped_ones_out_of_validity(
    later: House,
) -> None:
    await later.mark(label="stopped", hours=12)  # 22 November, from midnight in the city
    for n in range(16):
        await later.reviewed(DAY + n * HOUR)
    for n in range(16, 18):
        await later.reviewed(DAY + n * HOUR, verdict="invalid")
    for n in range(24, 28):
        await later.reviewed(
            DAY + n * HOUR, verdict="marked", received=0, valid=0, device_value=None, device_flag=None
        )
    later.clock.at += timedelta(minutes=20)
    async with later.client("bo") as client:
        asked = "/api/v1/rates?from=2026-11-21&to=2026-11-23"
        report = (await client.get(asked)).json()
        (row,) = table_of((await client.get(f"{asked}&format=csv")).text)

    (station,) = report["stations"]
    assert datetime.fromisoformat(report["until"]) == datetime(2026, 11, 22, 4, tzinfo=UTC)
    assert [station[k] for k in ("expected", "sent", "valid", "stopped")] == [36, 18, 16, 12]
    assert station["transmission"] == 0.5
    assert station["validity"] == pytest.approx(16 / 24)
    assert station["effective"] == report["enterprises"][0]["effective"] == pytest.approx(1 / 3)
    assert (row["mn"], float(row["effective"])) == ("MN1", pytest.approx(1 / 3))


async def test_rates_leave_out_the_hour_that_nobody_can_have_reviewed_yet(later: House) -> None:
    for n in range(35):
        await later.reviewed(DAY + n * HOUR)
    async with later.client("bo") as client:
        (station,) = (await client.get("/api/v1/rates?from=2026-11-21&to=2026-11-23")).json()["stations"]
    assert (station["expected"], station["validity"]) == (35, 1.0)


async def test_a_mark_is_declared_and_withdrawn_once_and_asks_for_the_reviews_it_touches(
    later: House,
) -> None:
    body = {
        "label": "start_up",
        "from_at": "2026-11-21T23:30:00Z",
        "to_at": "2026-11-22T01:10:00Z",
        "code": "a21026",
        "note": "冷态启炉",
    }
    async with later.client("bo") as client:
        added = await client.post("/api/v1/stations/MN1/marks", json=body)
        due = await later.pool.fetch("SELECT kind, ts, seq FROM review_due ORDER BY kind DESC, ts")
        path = f"/api/v1/stations/MN1/marks/{added.json()['id']}"
        withdrawn = [(await client.delete(path)).json() for _ in range(2)]
        other = await client.delete("/api/v1/stations/MN2/marks/1")
        (listed,) = (await client.get("/api/v1/stations/MN1/marks")).json()["items"]

    assert added.status_code == 201
    assert (
        await later.pool.fetchval("SELECT version FROM registry_version") == 2
    )  # the live lane hears of both
    assert [(r["kind"], r["ts"].hour) for r in due] == [("hour", 23), ("hour", 0), ("hour", 1), ("day", 16)]
    assert withdrawn[0] == withdrawn[1] == listed
    assert (listed["declared_by"], listed["withdrawn_by"], listed["note"]) == ("bo", "bo", "冷态启炉")
    assert other.status_code == 404
    assert {r["seq"] for r in await later.pool.fetch("SELECT seq FROM review_due")} == {1}
    audit = await later.pool.fetch("SELECT action, actor FROM audit ORDER BY id")
    assert [(r["action"], r["actor"]) for r in audit] == [("mark_added", "bo"), ("mark_withdrawn", "bo")]


async def test_a_senseless_mark_or_question_is_refused_by_name(later: House) -> None:
    hour = {"label": "fault", "from_at": "2026-11-21T00:00:00Z", "to_at": "2026-11-21T01:00:00Z"}
    marks = {
        "invalid": hour | {"label": "holiday"},
        "ends_before_it_begins": hour | {"to_at": hour["from_at"]},
        "span_too_long": hour | {"to_at": "2027-11-23T00:00:00Z"},
        "unknown_channel": hour | {"code": "w99999"},
    }
    asked = {
        "/stations/none/reviews": 404,
        "/stations/MN1/reviews?date=0001-01-01": 422,
        "/stations/MN1/reviews?kind=min": 422,
        "/exceedances?month=2026-13": 422,
        "/exceedances?cursor=MjAyNg": 422,
        "/rates?from=2024-01-01&to=2026-01-01": 422,
        "/rates?from=2030-01-01": 200,
        "/stations/MN1/readings/revisions?code=none": 404,
    }
    async with later.client("bo") as client:
        for key, body in marks.items():
            answer = await client.post("/api/v1/stations/MN1/marks", json=body)
            assert (answer.status_code, answer.json()["error"]["key"]) == (422, key)
        assert {p: (await client.get(f"/api/v1{p}")).status_code for p in asked} == asked


async def test_what_was_replaced_is_shown_side_by_side_with_the_verdicts_it_had(later: House) -> None:
    async with transaction(later.pool) as connection:
        ids = await readings.channel_ids(connection)
        for value, flag in ((52.0, "N"), (52.0, "M"), (30.0, "N")):
            reading = Reading("MN1", "a21026", ReadingKind.HOUR, DAY, value, later.clock.now(), flag=flag)
            await readings.insert(connection, ids, [reading])
        await readings.insert(
            connection, ids, [Reading("MN1", "a21026", ReadingKind.HOUR, DAY + HOUR, 1.0, later.clock.now())]
        )
    await later.reviewed(DAY, verdict="over", judged_value=52.0)
    await later.pool.execute(
        "INSERT INTO review_revisions SELECT * FROM reviews; UPDATE reviews SET verdict = 'ok', revision = 1"
    )
    async with later.client("bo") as client:
        (revised,) = (
            await client.get(
                "/api/v1/stations/MN1/readings/revisions?code=a21026&kind=hour&from=2026-11-01T00:00:00Z"
            )
        ).json()["items"]

    assert [(v["value"], v["flag"], v["revision"]) for v in revised["versions"]] == [
        (52.0, "N", 0),
        (52.0, "M", 1),
        (30.0, "N", 2),
    ]
    assert [(v["verdict"], v["revision"]) for v in revised["verdicts"]] == [("over", 0), ("ok", 1)]


async def test_a_curve_is_given_as_csv_in_one_piece_and_no_cell_runs_as_a_formula(
    later: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.web.readings.PAGE", 3)
    async with transaction(later.pool) as connection:
        ids = await readings.channel_ids(connection)
        made = [
            Reading(
                "MN1",
                "a21026",
                ReadingKind.MIN,
                DAY + n * timedelta(minutes=1),
                -1.5 - n,
                later.clock.now(),
                flag="=1+1",
            )
            for n in range(7)
        ]
        await readings.insert(connection, ids, made)
    path = "/api/v1/stations/MN1/readings?code=a21026&kind=min&from=2026-11-20T16:00:00Z&format=csv"
    async with later.client("bo") as client:
        answer = await client.get(path)

    rows = table_of(answer.text)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="readings-MN1-a21026-min.csv"'
    assert [r["value"] for r in rows] == [f"-{n}.5" for n in range(1, 8)]
    assert {r["flag"] for r in rows} == {"'=1+1"}
    assert rows[0]["ts"] == "2026-11-21T00:00:00+08:00"


async def test_a_station_tells_how_its_device_is_heard(later: House) -> None:
    await later.pool.execute(
        "INSERT INTO station_clocks VALUES ('MN1', 75.5, 2.0, now());"
        "INSERT INTO station_links (mn, way, dialect, system, checksum, heard_at)"
        " VALUES ('MN1', 'tcp', 2017, '31', 'modbus', now());"
        "INSERT INTO channels (mn, code, unit, role, registered) VALUES ('MN1', 'a19001', '%', 'o2', false)"
    )
    async with later.client("bo") as client:
        (station,) = (await client.get("/api/v1/stations")).json()["items"]

    assert (station["clock"]["offset_s"], station["link"]["dialect"], station["link"]["checksum"]) == (
        75.5,
        2017,
        "modbus",
    )
    assert [(c["code"], c["registered"], c["limits"] != []) for c in station["channels"]] == [
        ("a19001", False, False),
        ("a21026", True, True),
    ]


async def test_what_was_found_is_listed_in_pages_also_when_nobody_was_sent(later: House) -> None:
    task = await later.task()
    found = []
    for n in range(5):
        _, finding = await later.matter(task, kind="data_fault")
        found.append(str(finding))
        await later.pool.execute(
            "UPDATE findings SET rule = 'data_constant', reason_key = 'data_constant', camera = NULL, zone = NULL, station = 'MN1',"
            " code = 'a21026', enterprise = 'e1', onset_at = $2 WHERE id = $1", finding, DAY + n * HOUR,
        )  # fmt: skip
    await later.pool.execute("DELETE FROM matter_findings WHERE finding_id = $1", found[3])
    await later.pool.execute("UPDATE findings SET drill_id = 'd' WHERE id = $1", found[0])
    seen, query = [], {"month": "2026-11", "limit": 2}
    async with later.client("bo") as client:
        while True:
            page = (await client.get("/api/v1/findings", params=query)).json()
            seen += page["items"]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        others = [
            (await client.get(f"/api/v1/findings?{asked}")).json()["items"]
            for asked in (
                "month=2026-10",
                "month=2026-11&station=none",
                "month=2026-11&rule=data_zero",
                "month=2026-11&kind=smoke",
            )
        ]

    assert [i["id"] for i in seen] == found[:0:-1]
    assert [i["task_id"] for i in seen] == [task, None, task, task]
    assert seen[0]["station"] == {"id": "MN1", "name": "一号排口"}
    assert seen[0]["reason"]["key"] == "data_constant"
    assert others == [[], [], [], []]
