import asyncio
import re
from dataclasses import replace
from uuid import uuid4

from farwatch.storage import heartbeats, sequencer
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Connection, Pool
from server.web.app import create_app
from tests.support.web_house import House, listening, served

AT = "2026-11-22T04:00:00Z"


class Unfenced:
    async def check(self, connection: Connection) -> None: ...


async def offered(house: House) -> int:
    task = await house.task()
    await house.matter(task)
    return task


async def test_an_officer_answers_arrives_and_handles(house: House) -> None:
    task = await offered(house)
    here = {"lat": 39.9001, "lon": 116.4001, "accuracy_m": 12}
    states = []
    async with house.client("wang") as client:
        for action, more in (("accept", {}), ("arrive", {"position": here}), ("handle", {"note": "关停"})):
            body = {"client_id": str(uuid4()), "at": AT, **more}
            answer = await client.post(f"/api/v1/tasks/{task}/{action}", json=body)
            assert answer.status_code == 200, answer.text
            states.append((answer.json()["result"], answer.json()["task"]["state"]))

    assert states == [("done", "accepted"), ("done", "arrived"), ("done", "handled")]


async def test_the_same_deed_again_is_harmless(house: House) -> None:
    task = await offered(house)
    body = {"client_id": str(uuid4()), "at": AT}
    async with house.client("wang") as client:
        first = await client.post(f"/api/v1/tasks/{task}/accept", json=body)
        again = await client.post(f"/api/v1/tasks/{task}/accept", json=body)

    assert (first.json()["result"], again.json()["result"]) == ("done", "repeated")


async def test_a_refusal_is_named_with_its_numbers(house: House) -> None:
    task = await offered(house)
    far = {"lat": 39.95, "lon": 116.4, "accuracy_m": 12}
    async with house.client("wang") as client:
        await client.post(f"/api/v1/tasks/{task}/accept", json={"client_id": str(uuid4()), "at": AT})
        answer = await client.post(
            f"/api/v1/tasks/{task}/arrive", json={"client_id": str(uuid4()), "at": AT, "position": far}
        )

    assert answer.status_code == 409
    assert answer.json()["error"]["key"] == "too_far"
    assert answer.json()["error"]["params"]["distance_m"] > 5000


async def test_a_deed_that_makes_no_sense_is_refused_before_anything_is_written(house: House) -> None:
    task = await offered(house)
    good = {"client_id": str(uuid4()), "at": AT}
    wrong = [
        {"client_id": "x"}, {"at": "yesterday"}, {"at": "2026-11-22T04:00:00"}, {"note": "nul \x00"}, {"note": "x" * 2001},
        {"position": {"lat": 91, "lon": 0}}, {"position": {"lat": 0, "lon": 0, "accuracy_m": -1}},
    ]  # fmt: skip
    async with house.client("wang") as client:
        for change in wrong:
            answer = await client.post(f"/api/v1/tasks/{task}/accept", json=good | change)
            assert answer.status_code == 422, change

    assert await house.pool.fetchval("SELECT count(*) FROM actions") == 0


async def test_an_offer_is_delivered_when_the_officers_stream_was_sent_it(house: House) -> None:
    task = await offered(house)
    async with (
        served(house.app) as url,
        listening(url, await house.token("chen")) as centre,
        listening(url, await house.token("wang")) as officer,
    ):
        await house.logged("task_offered", task, officer="o2")
        await house.logged("matter_joined", task)
        for stream in (centre, officer):
            assert [(await stream.next())[1] for _ in range(2)] == ["task_offered", "matter_joined"]
        assert await house.pool.fetchval("SELECT delivered_at IS NULL FROM tasks WHERE id = $1", task)

        await house.logged("task_offered", task, officer="o1")
        for stream in (centre, officer):
            assert (await stream.next())[2]["officer"] == "o1"
        await _sequenced(house.pool)

        assert (await centre.next())[1] == "task_delivered"
        assert (await officer.next())[1] == "task_delivered"
    assert await house.pool.fetchval("SELECT delivered_at IS NOT NULL FROM tasks WHERE id = $1", task)


async def _sequenced(pool: Pool) -> None:
    """What the engine's sequencer does, as soon as there is something to number."""
    async with asyncio.timeout(5):
        while not await sequencer.sequence_once(pool, Unfenced()):
            await asyncio.sleep(0.02)


async def test_an_offer_is_delivered_when_his_page_opens_after_it_and_not_when_the_centre_looks(
    house: House,
) -> None:
    task = await offered(house)
    for who, delivered in (("chen", False), ("wang", True)):
        async with house.client(who) as client:
            await client.get("/api/v1/tasks")
        assert (
            await house.pool.fetchval("SELECT delivered_at IS NOT NULL FROM tasks WHERE id = $1", task)
            is delivered
        )


async def test_a_position_is_kept_on_shift_or_with_a_task_and_never_else(house: House) -> None:
    report = {"lat": 39.9, "lon": 116.4, "accuracy_m": 8, "at": AT}
    async with house.client("li") as off_shift, house.client("chen") as centre:
        refused = await off_shift.post("/api/v1/position", json=report)
        await house.task(offered_to=("o2",), officer="o2", state="accepted")
        accepted = await off_shift.post("/api/v1/position", json=report)
        shown = {o["id"]: o for o in (await centre.get("/api/v1/officers")).json()["items"]}
    async with house.client("bo") as bureau:
        named = (await bureau.get("/api/v1/officers")).json()["items"]

    assert (refused.status_code, refused.json()["error"]["key"]) == (409, "not_on_shift")
    assert accepted.status_code == 204
    assert (shown["o2"]["on_shift"], shown["o2"]["open_tasks"], shown["o2"]["place"]["accuracy_m"]) == (
        False,
        1,
        8,
    )
    assert (shown["o1"]["on_shift"], shown["o1"]["place"]) == (True, None)
    assert {(o["id"], o["name"], o["place"]) for o in named} == {
        (id_, o["name"], None) for id_, o in shown.items()
    }


async def test_status_and_readiness_follow_the_engines_beat(house: House) -> None:
    async with house.client("chen") as client:
        before = await client.get("/readyz")
        await heartbeats.beat(house.pool, "engine")
        after = await client.get("/readyz")
        status = (await client.get("/api/v1/status")).json()

    assert (before.status_code, before.json()["checks"]["engine"]["ok"]) == (503, False)
    assert (after.status_code, after.json()["ready"]) == (200, True)
    assert 0 <= status["engine_tick_age_s"] < 5
    assert status["intake_age_s"] is None
    assert abs(status["clock_offset_s"]) < 5
    assert status["evidence_free_bytes"] > 0
    assert status["evidence_short"] is False
    assert status["cameras_unwatched"] == await house.pool.fetchval("SELECT count(*) FROM cameras") > 0


async def test_a_disk_without_room_for_clips_is_told_to_the_centre_and_to_scrapers(house: House) -> None:
    house.deps = replace(house.deps, blobs=BlobStore(house.deps.data_dir / "blobs", floor_bytes=1 << 62))
    house.app = create_app(house.deps)
    async with house.client("chen", address="127.0.0.1") as client:
        status = (await client.get("/api/v1/status")).json()
        metrics = (await client.get("/metrics")).text

    assert status["evidence_short"] is True
    assert re.search(r"^farwatch_evidence_free_bytes \d", metrics, re.MULTILINE)


async def test_the_centre_moves_a_task_and_its_holder_hands_it_over(house: House) -> None:
    task = await offered(house)

    async def say(who: str, action: str, **more: str) -> tuple[int, str]:
        async with house.client(who) as client:
            body = {"client_id": str(uuid4()), "at": AT, **more}
            answer = await client.post(f"/api/v1/tasks/{task}/{action}", json=body)
        got = answer.json()
        return answer.status_code, got["task"]["state"] if answer.status_code == 200 else got["error"]["key"]

    assert await say("wang", "accept") == (200, "accepted")
    assert await say("wang", "hand-over", to="o2", note="换班") == (200, "accepted")
    async with house.client("li") as client:
        shown = (await client.get(f"/api/v1/tasks/{task}")).json()
    assert (shown["officer"], shown["handover_to"]) == ("o1", "o2")
    assert await say("li", "accept") == (200, "accepted")
    assert await say("chen", "reassign", to="nobody", note="更近") == (409, "unknown_officer")
    assert await say("chen", "reassign", to="o1") == (409, "note_needed")
    assert await say("chen", "reassign", to="o1", note="更近") == (200, "offered")
    assert await say("chen", "excuse", deadline="accept", note="断网") == (409, "nothing_to_excuse")
    assert (await say("chen", "excuse", deadline="offer", note="断网"))[0] == 422
