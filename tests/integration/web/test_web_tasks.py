from datetime import timedelta

from tests.support.web_house import House

TASKS = "/api/v1/tasks"


async def test_a_task_is_shown_with_its_matters_evidence_and_clocks(house: House) -> None:
    task = await house.task(dispatch_reason="nearest_on_shift", dispatch_params={"officer": "o1"})
    matter, finding = await house.matter(task)
    evidence = await house.evidence(finding, b"\xff\xd8\xff still")
    now = house.clock.now()
    other, _ = await house.matter(task)
    clocks = (
        (other, "accept", "met", 300),
        (matter, "accept", "pending", 400),
        (matter, "arrive", "pending", 600),
    )
    for of, kind, state, due in clocks:
        await house.pool.execute(
            "INSERT INTO deadlines (task_id, matter_id, kind, step, due_at, state) VALUES ($1, $2, $3, $4, $5, $6)",
            task, of, kind, due, now + timedelta(seconds=due), state,
        )  # fmt: skip

    async with house.client("chen") as client:
        listed = (await client.get(TASKS)).json()
        page = (await client.get(f"{TASKS}/{task}")).json()

    (item,) = listed["items"]
    assert listed["next"] is None
    assert {k: page[k] for k in item} == item
    assert item["kinds"] == ["smoke"]
    assert item["place"] == {"lat": 39.9, "lon": 116.4}
    assert item["enterprise"] == {"id": "e1", "name": "东方钢铁"}
    assert item["dispatch"] == {"key": "nearest_on_shift", "params": {"officer": "o1"}}
    assert item["deadlines"]["accept"]["state"] == "pending"
    assert item["deadlines"]["arrive"]["due_at"] == (now + timedelta(seconds=600)).isoformat().replace(
        "+00:00", "Z"
    )
    shown, answered = item["matters"]
    assert answered["deadlines"]["accept"]["state"] == "met"
    assert (shown["camera"], shown["zone"], shown["reason"]) == (
        "c1",
        "stack",
        {"key": "smoke_seen", "params": {"share": 0.3}},
    )
    assert shown["deadlines"]["accept"] == item["deadlines"]["accept"]
    assert "station" not in shown
    assert "code" not in shown
    assert shown["evidence"][0]["url"] == f"/api/v1/evidence/{evidence}"
    assert (page["timeline"], page["photos"], page["notices"]) == ([], [], [])


async def test_the_time_line_tells_what_happened_to_the_task(house: House) -> None:
    task = await house.task()
    await house.logged("task_opened", task, severity=2)
    await house.logged("camera_status", camera="c1")

    async with house.client("chen") as client:
        (entry,) = (await client.get(f"{TASKS}/{task}")).json()["timeline"]

    assert (entry["n"], entry["type"], entry["actor"], entry["detail"]) == (
        1,
        "task_opened",
        None,
        {"severity": 2},
    )


async def test_pages_go_on_where_the_last_one_ended_whatever_is_opened_meanwhile(house: House) -> None:
    first = [await house.task() for _ in range(5)]
    seen: list[int] = []
    async with house.client("chen") as client:
        page = (await client.get(TASKS, params={"limit": 2})).json()
        while True:
            seen += [t["id"] for t in page["items"]]
            await house.task()
            if page["next"] is None:
                break
            page = (await client.get(TASKS, params={"limit": 2, "cursor": page["next"]})).json()

    assert seen == sorted(first, reverse=True)


async def test_open_is_everything_that_is_not_closed(house: House) -> None:
    for task_state in ("offered", "verified", "closed"):
        await house.task(state=task_state)
    async with house.client("bo") as client:
        for state, shown in {"open": [2, 1], "closed": [3], "all": [3, 2, 1]}.items():
            items = (await client.get(TASKS, params={"state": state})).json()["items"]
            assert [t["id"] for t in items] == shown


async def test_an_officer_sees_the_tasks_he_holds_or_was_offered_and_no_trace_of_others(house: House) -> None:
    mine = [
        await house.task(),
        await house.task(offered_to=("o2", "o1")),
        await house.task(offered_to=(), officer="o1"),
    ]
    other = await house.task(offered_to=("o2",), officer="o2")
    async with house.client("wang") as client:
        assert [t["id"] for t in (await client.get(TASKS)).json()["items"]] == mine[::-1]
        assert (await client.get(f"{TASKS}/{mine[0]}")).status_code == 200
        hidden, missing = await client.get(f"{TASKS}/{other}"), await client.get(f"{TASKS}/999999")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() == missing.json() == {"error": {"key": "not_found", "params": {}}}


async def test_a_senseless_query_or_id_is_refused(house: House) -> None:
    queries = ("cursor=x", "cursor=%00", "cursor=LTE", "limit=0", "limit=1000", "state=lost")
    paths = [*(f"{TASKS}?{q}" for q in queries), *(f"{TASKS}/{i}" for i in ("0", "-1", "x", "9" * 20))]
    async with house.client("chen") as client:
        assert {p: (await client.get(p)).status_code for p in paths} == dict.fromkeys(paths, 422)


async def test_each_matter_has_its_place_its_arrival_and_its_clock(house: House) -> None:
    task = await house.task(state="arrived", officer="o1")
    (here, _), (there, _) = await house.matter(task), await house.matter(task)
    now = house.clock.now()
    await house.pool.execute(
        "UPDATE matters SET lat = 39.8, lon = 116.3, arrived_at = $2 WHERE id = $1", there, now
    )
    await house.pool.execute(
        "INSERT INTO deadlines (task_id, matter_id, kind, due_at) VALUES ($1, $2, 'arrive', $3)",
        task,
        here,
        now,
    )
    async with house.client("wang") as client:
        shown = (await client.get(f"{TASKS}/{task}")).json()["matters"]
    assert [m["place"] for m in shown] == [{"lat": 39.9, "lon": 116.4}, {"lat": 39.8, "lon": 116.3}]
    assert [m["arrived_at"] is None for m in shown] == [True, False]
    assert [(m["deadlines"]["arrive"] or {}).get("state") for m in shown] == ["pending", None]


async def test_a_task_that_makes_no_sense_is_refused_by_name_and_hides_no_other(house: House) -> None:
    lost, later, well = [await house.task() for _ in range(3)]
    await house.pool.execute("UPDATE tasks SET policy = '\"lost\"' WHERE id = $1", lost)
    await house.pool.execute("UPDATE tasks SET state = 'of a later release' WHERE id = $1", later)
    deed = {"client_id": "6f0c1a52-0b0f-4c53-9a39-2a4d43a6e001", "at": "2026-11-22T08:00:00Z"}
    async with house.client("wang") as client:
        items = (await client.get(TASKS)).json()["items"]
        pages = [await client.get(f"{TASKS}/{task}") for task in (lost, later, well)]
        deeds = [await client.post(f"{TASKS}/{task}/accept", json=deed) for task in (lost, later)]
    assert [t["id"] for t in items] == [well, lost]
    assert [p.status_code for p in pages] == [200, 409, 200]
    assert [d.status_code for d in deeds] == [409, 409]
    assert {r.json()["error"]["key"] for r in (pages[1], *deeds)} == {"task_unreadable"}


async def test_of_two_missed_clocks_that_which_nobody_excused_is_shown(house: House) -> None:
    task = await house.task(state="accepted")
    for due_s, excused_at in ((-20, house.clock.now()), (-10, None)):
        matter, _ = await house.matter(task)
        await house.pool.execute(
            "INSERT INTO deadlines (task_id, matter_id, kind, due_at, state, excused_at)"
            " VALUES ($1, $2, 'accept', $3, 'breached', $4)",
            task, matter, house.clock.now() + timedelta(seconds=due_s), excused_at,
        )  # fmt: skip
    async with house.client("chen") as client:
        shown = (await client.get(f"{TASKS}/{task}")).json()["deadlines"]["accept"]
    assert (shown["state"], "excused_at" in shown) == ("breached", False)


async def test_the_centre_and_the_lead_of_the_grids_team_are_told_that_they_may_excuse(house: House) -> None:
    of_team, elsewhere = (
        await house.task(offered_to=("o1", "o2")),
        await house.task(offered_to=("o1",), grid=None),
    )
    expected = {
        "chen": (True, True),
        "ada": (True, True),
        "bo": (False, False),
        "wang": (True, False),
        "li": (False, None),
    }
    told = {}
    for who in expected:
        async with house.client(who) as client:
            pages = [(await client.get(f"{TASKS}/{task}")).json() for task in (of_team, elsewhere)]
        told[who] = tuple(page.get("may_excuse") for page in pages)
    assert told == expected
