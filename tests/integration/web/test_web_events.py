import asyncio

import httpx
import pytest

from farwatch.storage import users
from farwatch.storage.database import connect
from farwatch.storage.sessions import Session
from farwatch.storage.users import Role
from server.web import event_hub, events
from server.web.app import create_app
from tests.support.web_house import House, listening, served

EVENTS = "/api/v1/events"


async def test_what_happens_is_told_in_order_and_at_once(house: House) -> None:
    task = await house.task()
    async with served(house.app) as url, listening(url, await house.token("chen")) as stream:
        for kind in ("task_opened", "task_offered", "camera_status"):
            await house.logged(kind, None if kind == "camera_status" else task, step=kind)

        told = [await stream.next() for _ in range(3)]

    assert [(n, kind) for n, kind, _ in told] == [
        (1, "task_opened"),
        (2, "task_offered"),
        (3, "camera_status"),
    ]
    assert told[1][2] | {"at": ""} == {
        "n": 2,
        "at": "",
        "type": "task_offered",
        "task": task,
        "actor": None,
        "step": "task_offered",
    }


async def test_a_client_that_comes_back_gets_all_that_it_missed_once_even_from_another_server(
    house: House,
) -> None:
    token = await house.token("chen")
    async with served(house.app) as url, listening(url, token) as stream:
        await house.logged("task_opened")
        last, _, _ = await stream.next()
    for _ in range(event_hub.PAGE + 3):
        await house.logged("readings")

    async with served(create_app(house.deps)) as url, listening(url, token, last=last) as stream:
        missed = [(await stream.next())[0] for _ in range(event_hub.PAGE + 3)]
        live = await house.logged("task_closed")
        assert (await stream.next())[0] == live

    assert last == 1
    assert missed == list(range(2, event_hub.PAGE + 5))


async def test_an_officer_hears_of_his_own_tasks_only_live_and_replayed(house: House) -> None:
    mine, held, declined = (
        await house.task(),
        await house.task(offered_to=(), officer="o1"),
        await house.task(offered_to=(), declined_by=["o1"]),
    )
    other = await house.task(offered_to=("o2",), officer="o2")
    token = await house.token("wang")

    async def happen() -> None:
        for task in (other, mine, None, held, declined):
            await house.logged("task_offered", task)

    await happen()
    async with served(house.app) as url, listening(url, token, last=0) as stream:
        replayed = [(await stream.next())[2]["task"] for _ in range(3)]
        await happen()
        live = [(await stream.next())[2]["task"] for _ in range(3)]

    assert replayed == live == [mine, held, declined]


@pytest.mark.parametrize("how", ["sign-out", "deactivated", "expired"])
async def test_the_end_of_a_session_ends_its_streams_within_five_seconds(house: House, how: str) -> None:
    token = await house.token("chen")
    async with (
        served(house.app) as url,
        listening(url, token) as stream,
        listening(url, await house.token("bo")) as other,
    ):
        if how == "sign-out":
            async with httpx.AsyncClient(base_url=url, cookies={"farwatch_session": token}) as client:
                assert (await client.delete("/api/v1/session")).status_code == 204
        elif how == "deactivated":
            await users.deactivate(house.pool, "chen")
        else:
            await house.pool.execute("UPDATE sessions SET expires_at = now() WHERE user_name = 'chen'")
            house.clock.seconds += 60

        assert await stream.next(5) == (None, "bye", {})
        with pytest.raises(StopAsyncIteration):
            await stream.next(1)
        n = await house.logged("task_opened")
        assert (await other.next())[0] == n


async def test_a_quiet_stream_ticks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "TICK_S", 0.05)
    async with served(house.app) as url, listening(url, await house.token("chen")) as stream:
        async with asyncio.timeout(5):
            while await anext(stream.lines) != ": tick":
                pass


async def test_a_client_that_is_too_slow_is_dropped_and_nobody_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_hub, "WAITING_MAX", 3)
    hub = house.app.state.web.hub
    async with served(house.app) as url, listening(url, await house.token("chen")) as stream:
        slow = hub.subscribe(next(iter(hub._subscriptions)).session)
        for n in range(1, 6):
            await house.logged("camera_status")
            assert (await stream.next())[0] == n

    assert slow.ended is event_hub.End.TOO_SLOW


async def test_a_stream_whose_session_is_over_takes_nothing_more_however_slowly_it_is_read() -> None:
    session = Session("chen", Role.CENTRE, None, b"")
    stream = event_hub.Subscription(session, 0)
    stream.offer_or_drop_client(event_hub.Frame(1, None, "x", None, b""))
    stream.end(event_hub.End.SESSION_OVER)
    stream.offer_or_drop_client(event_hub.Frame(2, None, "x", None, b""))
    assert await stream.next(0) is event_hub.End.SESSION_OVER


async def test_a_client_that_has_gone_is_forgotten(house: House) -> None:
    hub = house.app.state.web.hub
    async with served(house.app) as url:
        async with listening(url, await house.token("chen")):
            assert len(hub._subscriptions) == 1
        async with asyncio.timeout(5):
            while hub._subscriptions:
                await asyncio.sleep(0.02)


async def test_streams_per_session_are_bounded(house: House) -> None:
    token = await house.token("chen")
    async with served(house.app) as url, listening(url, token):
        hub = house.app.state.web.hub
        session = next(iter(hub._subscriptions)).session
        for _ in range(event_hub.STREAMS_PER_SESSION_MAX - 1):
            hub.subscribe(session)
        async with httpx.AsyncClient(base_url=url, cookies={"farwatch_session": token}) as client:
            answer = await client.get(EVENTS)
            assert (answer.status_code, answer.json()["error"]["key"]) == (503, "no_stream_free")


async def test_streams_go_on_where_they_were_when_the_database_comes_back(
    house: House, database_url: str
) -> None:
    async with served(house.app) as url, listening(url, await house.token("chen")) as stream:
        await house.logged("task_opened")
        await stream.next()
        own = await connect(database_url)
        await own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await own.execute(
            "INSERT INTO log VALUES (2, now(), $1, NULL, '', '')", '{"type": "task_closed", "n": 2}'
        )
        await own.close()

        assert (await stream.next(10))[0] == 2


async def test_nobody_listens_without_a_session(house: House) -> None:
    async with house.client() as client:
        assert (await client.get(EVENTS)).status_code == 401


SAID_OF_HIM = (
    "case_reviewed", "case_status", "hold_set", "hold_lifted", "penalty_decided", "evidence_hashed", "note_erased",
    "visit_commented", "visit_comment_answered",
)  # fmt: skip


async def test_an_officer_reads_no_review_hold_or_decision_in_his_stream_or_on_his_page(house: House) -> None:
    task = await house.task(officer="o1", state="handled")
    for kind in (*SAID_OF_HIM, "task_handled"):
        await house.logged(kind, task, reason="complaint", note="rejected")
    seen = {}
    async with served(house.app) as url:
        for who in ("wang", "chen"):
            async with listening(url, await house.token(who), last=0) as stream, house.client(who) as client:
                first = (await stream.next())[1]
                page = (await client.get(f"/api/v1/tasks/{task}")).json()
            seen[who] = (first, [entry["type"] for entry in page["timeline"]])
    assert seen["wang"] == ("task_handled", ["task_handled"])
    assert seen["chen"] == (SAID_OF_HIM[0], [*SAID_OF_HIM, "task_handled"])


async def test_who_looked_at_evidence_goes_to_no_stream(house: House) -> None:
    task = await house.task()
    async with served(house.app) as url, listening(url, await house.token("chen"), last=0) as stream:
        heard = []
        for _ in range(2):
            await house.logged("custody", task)
            await house.logged("task_opened", task)
            heard.append((await stream.next())[1])
    assert heard == ["task_opened", "task_opened"]
