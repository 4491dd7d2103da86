"""Cases taken out over the API, the seals and the key beside them, and the page that verifies."""

import asyncio
import io
import itertools
import json
from pathlib import Path

import pytest
from starlette.types import Message

from alerting.sealing import keys, sealing
from alerting.verifier import single
from alerting.verifier.verify import verify
from farwatch.domain.merkle import fingerprint
from farwatch.storage import case_export, events, job_failures, seals
from farwatch.storage.blobs import BlobStore
from farwatch.storage.custody import Purpose
from farwatch.storage.database import transaction
from farwatch.storage.sequencer import sequence_once
from farwatch.storage.sessions import Session
from farwatch.storage.users import Role
from server.web import exports
from server.web.errors import ApiError
from server.web.export_gate import AT_ONCE, ExportGate
from tests.support.alerting import NoLease
from tests.support.web_house import House

FENCE = NoLease()


async def a_case(house: House) -> int:
    """With a picture that came before its task; sealed an hour ago, with one more entry since."""
    await sealing.open_key(house.pool, FENCE, house.deps.data_dir)
    task = await house.task(state="closed", officer="o1")
    _, finding = await house.matter(task)
    digests = house.deps.blobs.put_bytes(b"\xff\xd8\xff")
    row = await house.evidence(finding, b"\xff\xd8\xff", sm3=digests.sm3)
    async with transaction(house.pool) as connection:
        await events.append(
            connection, "evidence_stored", evidence=str(row), kind="still", sha256=digests.sha256
        )
        await events.append(connection, "task_opened", task=task, kinds=["smoke"])
        await connection.execute("UPDATE event_queue SET at = at - interval '90 minutes'")
    await sequence_once(house.pool, FENCE)
    key = await sealing.open_key(house.pool, FENCE, house.deps.data_dir)
    assert await sealing.seal_once(house.pool, FENCE, key)
    async with transaction(house.pool) as connection:
        await events.append(connection, "task_closed", task=task)
        await connection.execute("UPDATE tasks SET closed_at = clock_timestamp() WHERE id = $1", task)
    await sequence_once(house.pool, FENCE)
    return task


@pytest.mark.parametrize("who", ["bo", "ada"])
async def test_the_bureau_and_the_admin_take_a_case_out(house: House, who: str) -> None:
    task = await a_case(house)
    async with house.client(who) as client:
        answer = await client.get(f"/api/v1/tasks/{task}/evidence.zip?purpose=case")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["x-farwatch-unsealed"] == "1"
    assert answer.headers["x-farwatch-broken"] == "0"
    assert answer.headers["content-length"] == str(len(answer.content))
    verdict = verify(io.BytesIO(answer.content), [await seals.current_fingerprint(house.pool)])
    assert verdict.found == []
    assert (verdict.manifest["exported_by"], verdict.manifest["purpose"]) == (who, "case")
    told = json.loads(
        await house.pool.fetchval("SELECT event::text FROM event_queue ORDER BY id DESC LIMIT 1")
    )
    assert (told["type"], told["actor"], told["task"]) == ("custody", who, task)


async def test_who_may_not_and_what_is_not_there(house: House) -> None:
    task = await a_case(house)
    asked = {
        ("wang", f"{task}/evidence.zip?purpose=case"): (403, "not_your_role"),
        ("chen", f"{task}/evidence.zip?purpose=case"): (403, "not_your_role"),
        (None, f"{task}/evidence.zip?purpose=case"): (401, "not_signed_in"),
        ("bo", f"{task}/evidence.zip"): (422, "invalid"),
        ("bo", f"{task}/evidence.zip?purpose=fun"): (422, "invalid"),
        ("bo", f"{task + 9}/evidence.zip?purpose=case"): (404, "not_found"),
    }
    for (who, path), expected in asked.items():
        async with house.client(who) as client:
            answer = await client.get(f"/api/v1/tasks/{path}")
        assert (answer.status_code, answer.json()["error"]["key"]) == expected, path
    assert await house.pool.fetchval("SELECT count(*) FROM event_queue") == 0


async def test_without_the_citys_key_or_beyond_the_gate_nothing_is_packed(house: House) -> None:
    task = await a_case(house)
    path = f"/api/v1/tasks/{task}/evidence.zip?purpose=case"
    gate = house.app.state.web.exports
    async with house.client("bo") as client:
        with gate.entered(1, 9), gate.entered(1, 9):
            assert AT_ONCE == 2
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]["key"]) == (503, "busy")
        assert (await client.get(path)).status_code == 200
        keys.path(house.deps.data_dir).unlink()
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["error"]["key"]) == (503, "no_signing_key")


@pytest.mark.parametrize("waiting", ["deed", "piece"])
async def test_a_case_is_not_packed_before_the_log_tells_all_that_its_rows_do(
    house: House, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sequencer runs: the verifier would call the honest case forged."""
    task = await a_case(house)
    monkeypatch.setattr(house.clock, "monotonic", itertools.count(0, 3).__next__)
    path = f"/api/v1/tasks/{task}/evidence.zip?purpose=case"
    piece = await house.pool.fetchval("SELECT id::text FROM evidence")
    async with transaction(house.pool) as connection:
        if waiting == "deed":
            await connection.execute(
                "UPDATE tasks SET outcome = 'handled', handled_at = clock_timestamp() WHERE id = $1", task
            )
            await events.append(connection, "task_handled", task=task, outcome="handled")
        else:
            await events.append(connection, "evidence_stored", evidence=piece, kind="still")
    async with house.client("bo") as client:
        for _ in range(2):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]["key"]) == (503, "log_behind")
        assert await house.pool.fetchval("SELECT count(*) FROM event_queue") == 1, "nothing was exported"
        await sequence_once(house.pool, FENCE)
        answer = await client.get(path)
        assert answer.status_code == 200
    verdict = verify(io.BytesIO(answer.content), [await seals.current_fingerprint(house.pool)])
    assert verdict.found == []


async def test_an_export_waits_for_the_number_of_a_deed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As each is some 50 ms after its deed: while it looks again, the sequencer comes by."""
    task = await a_case(house)

    await events.append(house.pool, "task_verified", task=task)
    looked, looks = asyncio.Event(), itertools.count()

    def a_look() -> float:
        if next(looks):
            looked.set()
        return 0.0

    monkeypatch.setattr(house.clock, "monotonic", a_look)
    async with asyncio.timeout(30), house.client("bo") as client, asyncio.TaskGroup() as group:
        asked = group.create_task(client.get(f"/api/v1/tasks/{task}/evidence.zip?purpose=case"))
        await looked.wait()
        await sequence_once(house.pool, FENCE)
    answer = asked.result()
    assert answer.status_code == 200
    assert b"task_verified" in answer.content


async def stalled(_: Message) -> None:
    await asyncio.Event().wait()


async def ignored(_: Message) -> None:
    pass


async def nobody_leaves() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


SCOPE = {"type": "http", "asgi": {"spec_version": "2.3"}}


async def test_a_place_at_the_gate_is_held_until_the_last_byte_is_sent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else as many packages as are asked for lie on the evidence's disk while slow readers take them."""
    task, web = await a_case(house), house.app.state.web
    bo = Session("bo", Role.BUREAU, None, b"")
    packages = [await exports.evidence_zip(web, bo, task, Purpose.CASE) for _ in range(AT_ONCE)]
    with pytest.raises(ApiError) as refused:
        await exports.evidence_zip(web, bo, task, Purpose.CASE)
    assert refused.value.key == "busy"
    await packages[0](SCOPE, nobody_leaves, ignored)
    packages[0] = await exports.evidence_zip(web, bo, task, Purpose.CASE)
    monkeypatch.setattr(exports, "SEND_WITHIN_S", 0.01)
    for package in packages:
        await package(SCOPE, nobody_leaves, stalled)
    for _ in range(AT_ONCE):
        await (await exports.evidence_zip(web, bo, task, Purpose.CASE))(SCOPE, nobody_leaves, ignored)


async def test_a_case_goes_out_in_pieces_that_a_slow_line_takes_in_time(house: House) -> None:
    task, sizes = await a_case(house), list[int]()

    async def take(message: Message) -> None:
        sizes.append(len(message.get("body", b"")))

    package = await exports.evidence_zip(
        house.app.state.web, Session("bo", Role.BUREAU, None, b""), task, Purpose.CASE
    )
    await package(SCOPE, nobody_leaves, take)
    assert sum(sizes) > exports.PIECE_BYTES
    assert max(sizes) / exports.SEND_WITHIN_S < 4000, "bytes a second"


@pytest.mark.parametrize(("spare_bytes", "is_room"), [(1000, True), (999, False)])
def test_the_disk_has_room_for_all_that_are_under_way(spare_bytes: int, is_room: bool) -> None:
    gate = ExportGate()
    with gate.entered(400, spare_bytes):
        if is_room:
            with gate.entered(600, spare_bytes):
                pass
        else:
            with pytest.raises(ApiError) as refused, gate.entered(600, spare_bytes):
                pass
            assert refused.value.key == "disk_short"
    with gate.entered(999, spare_bytes):
        pass


async def test_a_case_that_the_disk_has_no_room_for_is_not_packed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await a_case(house)
    size = await case_export.size_bytes(house.pool, task)
    assert size == 3
    monkeypatch.setattr(BlobStore, "spare_bytes", lambda _: size - 1)
    async with house.client("bo") as client:
        answer = await client.get(f"/api/v1/tasks/{task}/evidence.zip?purpose=case")
    assert (answer.status_code, answer.json()["error"]["key"]) == (503, "disk_short")
    await house.pool.execute("UPDATE evidence SET state = 'purged', purged_at = now(), erased_at = now()")
    assert await case_export.size_bytes(house.pool, task) == 0


async def test_the_key_is_for_everybody_who_is_signed_in(house: House) -> None:
    async with house.client("wang") as client:
        assert (await client.get("/api/v1/seals/key")).json()["error"]["key"] == "no_signing_key"
        key = await sealing.open_key(house.pool, FENCE, house.deps.data_dir)
        answer = (await client.get("/api/v1/seals/key")).json()
    assert answer == {
        "fingerprint": fingerprint(key.public_key),
        "public_key": keys.public_pem(key.public_key),
    }


async def test_the_seals_are_listed_newest_first_page_by_page(house: House) -> None:
    await a_case(house)
    async with house.client("bo") as client:
        (seal,) = (await client.get("/api/v1/seals")).json()["items"]
        assert (seal["n_first"], seal["n_last"], seal["prev_root"]) == (1, 2, "00" * 32)
        assert seal["key"] == await seals.current_fingerprint(house.pool)
        page = (await client.get("/api/v1/seals?limit=1")).json()
        assert (len(page["items"]), page["next"]) == (1, None)
        assert (await client.get("/api/v1/seals?cursor=bm9uZQ")).status_code == 422


async def test_the_verifier_is_served_to_everybody_and_loads_nothing(house: House, tmp_path: Path) -> None:
    async with house.client() as client:
        answer = await client.get("/verify")
    assert (answer.status_code, answer.content) == (200, single.page())
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


async def test_readiness_warns_of_a_log_that_only_a_trigger_protects(house: House) -> None:
    async with house.client() as client:
        answer = await client.get("/readyz")
    assert answer.json()["warnings"] == ["log_unprotected"]
    await events.append(house.pool, "task_opened", task=1)
    await house.pool.execute("UPDATE event_queue SET at = at - interval '3 hours'")
    await sequence_once(house.pool, FENCE)
    async with house.client() as client:
        answer = await client.get("/readyz")
    assert answer.json()["warnings"] == ["log_unprotected", "log_unsealed"]


async def test_readiness_warns_of_a_job_that_fails(house: House) -> None:
    await job_failures.note(house.pool, "evidence quota", "ValueError", again_in_s=300)
    async with house.client() as client:
        assert "job_failing:evidence quota" in (await client.get("/readyz")).json()["warnings"]
