"""Who saw or took out what of a case is in the chain, once, and with what it was for."""

from typing import Any
from uuid import UUID

import pytest

from farwatch.storage import custody, evidence, task_views
from farwatch.storage.database import Pool, transaction
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState
from farwatch.storage.sequencer import sequence_once
from tests.support.alerting import NoLease
from tests.support.web_house import House, a_city

CLIP = bytes(range(256)) * 40


@pytest.fixture
async def house(pool: Pool, tmp_path: Any) -> House:
    await a_city(pool)
    return House(pool, tmp_path)


async def a_clip(house: House) -> tuple[int, UUID]:
    task = await house.task(officer="o1", state="accepted")
    _, finding = await house.matter(task)
    return task, await house.evidence(finding, CLIP, media_type="video/mp4", kind="clip")


async def told(house: House) -> list[tuple[str, str, str]]:
    rows = await house.pool.fetch(
        "SELECT event FROM event_queue WHERE event->>'type' = 'custody' ORDER BY id"
    )
    return [(r["event"]["actor"], r["event"]["what"], r["event"]["purpose"]) for r in rows]


async def test_a_clip_that_is_searched_is_one_view_of_a_session_for_twelve_hours(house: House) -> None:
    task, clip = await a_clip(house)
    async with house.client("chen") as centre, house.client("bo") as bureau:
        for first in range(0, 5000, 500):
            await centre.get(f"/api/v1/evidence/{clip}", headers={"Range": f"bytes={first}-"})
        await bureau.get(f"/api/v1/evidence/{clip}")
        for seconds in (601, 12 * 3600 - 1):
            house.clock.seconds = seconds
            await centre.get(f"/api/v1/evidence/{clip}")
    assert await told(house) == [("chen", "viewed", ""), ("bo", "viewed", "")]
    event = await house.pool.fetchval("SELECT event FROM event_queue ORDER BY id LIMIT 1")
    assert (event["task"], event["evidence"]) == (task, str(clip))
    audit = await house.pool.fetch("SELECT action, subject FROM audit WHERE action LIKE 'evidence_%'")
    assert [tuple(r) for r in audit] == [("evidence_viewed", f"evidence/{clip}")] * 2


async def test_a_download_is_an_export_with_its_purpose_and_not_for_officers(house: House) -> None:
    _, clip = await a_clip(house)
    path = f"/api/v1/evidence/{clip}"
    async with house.client("bo") as bureau, house.client("wang") as officer:
        download = await bureau.get(f"{path}?purpose=complaint")
        by_header = await bureau.get(path, headers={"X-Purpose": "training"})
        refused = await officer.get(f"{path}?purpose=case")
        unknown = await bureau.get(f"{path}?purpose=curiosity")
    assert download.content == CLIP
    assert download.headers["content-disposition"].startswith("attachment")
    assert by_header.headers["content-type"] == "application/octet-stream"
    assert (refused.status_code, unknown.status_code) == (403, 422)
    assert await told(house) == [("bo", "exported", "complaint"), ("bo", "exported", "training")]


async def test_what_the_browser_has_already_is_no_view(house: House) -> None:
    _, clip = await a_clip(house)
    async with house.client("bo") as bureau:
        tag = (await bureau.get(f"/api/v1/evidence/{clip}")).headers["etag"]
        house.clock.seconds = 11 * 3600
        again = await bureau.get(f"/api/v1/evidence/{clip}", headers={"If-None-Match": tag})
    async with house.client("bo") as another:
        house.clock.seconds = 11.5 * 3600
        kept = await another.get(f"/api/v1/evidence/{clip}", headers={"If-None-Match": tag})
    assert (again.status_code, kept.status_code) == (304, 304)
    assert await told(house) == [("bo", "viewed", "")]


async def test_views_push_neither_a_tasks_life_nor_its_reviews_off_the_page(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custody, "MOST", 3)
    monkeypatch.setattr(task_views, "TIMELINE_MAX", 3)
    task = await house.task(officer="o1", state="handled")
    for kind in ("task_opened", "hold_set", "custody", "case_reviewed", *["custody"] * 5):
        detail = {"what": "viewed", "purpose": ""} if kind == "custody" else {}
        last = await house.logged(kind, task, **detail)
    async with house.client("chen") as centre:
        timeline = (await centre.get(f"/api/v1/tasks/{task}")).json()["timeline"]
        chain = (await centre.get(f"/api/v1/tasks/{task}/custody")).json()["entries"]
    assert [e["type"] for e in timeline] == ["task_opened", "hold_set", "case_reviewed"]
    assert [(e["n"], e["type"]) for e in chain] == [
        (2, "hold_set"),
        (4, "case_reviewed"),
        (last, "custody"),
    ]


async def test_a_view_that_could_not_be_noted_is_not_given_and_is_noted_when_it_is(house: House) -> None:
    _, clip = await a_clip(house)
    await house.pool.execute("ALTER TABLE audit RENAME TO audit_gone")
    async with house.client("bo") as bureau:
        assert (await bureau.get(f"/api/v1/evidence/{clip}")).status_code == 500
        await house.pool.execute("ALTER TABLE audit_gone RENAME TO audit")
        assert (await bureau.get(f"/api/v1/evidence/{clip}")).status_code == 200
    assert await told(house) == [("bo", "viewed", "")]


async def test_the_chain_of_custody_of_a_task_names_its_pieces_and_everybody_who_had_them(
    house: House,
) -> None:
    task, clip = await a_clip(house)
    async with house.client("bo") as bureau:
        await bureau.get(f"/api/v1/evidence/{clip}?purpose=case")
        await bureau.put(f"/api/v1/tasks/{task}/hold", json={"reason": "appeal"})
        await bureau.delete(f"/api/v1/tasks/{task}/hold", params={"note": "over"})
        while await sequence_once(house.pool, NoLease()):
            pass
        body = (await bureau.get(f"/api/v1/tasks/{task}/custody")).json()
        timeline = (await bureau.get(f"/api/v1/tasks/{task}")).json()["timeline"]
    (piece,) = body["pieces"]
    kept = house.deps.blobs.digests(piece["sha256"])
    assert (piece["id"], piece["sha256"], piece["sm3"]) == (str(clip), kept.sha256, kept.sm3)
    assert [(e["type"], e["actor"]) for e in body["entries"]] == [
        ("custody", "bo"),
        ("hold_set", "bo"),
        ("hold_lifted", "bo"),
    ]
    assert body["entries"][0]["detail"] == {"what": "exported", "evidence": str(clip), "purpose": "case"}
    assert "custody" not in [entry["type"] for entry in timeline], "each look would drown what was done"


CERTIFIED = (
    "UPDATE {devices} SET certificate = 'JD-2026-12', certificate_until = current_date + {days},"
    " calibrated_on = '2026-01-05'"
)


@pytest.mark.parametrize(("devices", "camera"), [("cameras", "c1"), ("stations", None)])
@pytest.mark.parametrize(("days", "expired"), [(30, False), (-2, True)])
async def test_the_certificate_that_a_device_had_then_stays_with_the_piece(
    house: House, devices: str, camera: str | None, days: int, expired: bool
) -> None:
    task = await house.task()
    _, finding = await house.matter(task)
    if camera is None:
        await house.pool.execute(
            "UPDATE findings SET camera = NULL, zone = NULL, station = 'MN1', code = 'a21026' WHERE id = $1",
            finding,
        )
    await house.pool.execute(CERTIFIED.format(devices=devices, days=days))
    piece = Evidence(
        id=evidence.evidence_id(finding, EvidenceKind.CLIP), kind=EvidenceKind.CLIP, state=EvidenceState.PENDING,
        media_type="video/mp4", finding_id=finding, camera=camera, meta={"width": 8},
    )  # fmt: skip
    async with transaction(house.pool) as connection:
        await evidence.add(connection, piece)
    await house.pool.execute(f"UPDATE {devices} SET certificate = 'another', certificate_until = NULL")
    kept = house.deps.blobs.put_bytes(CLIP)
    async with transaction(house.pool) as connection:
        await evidence.mark_stored(
            connection, piece.id, sha256=kept.sha256, sm3=kept.sm3, size_bytes=len(CLIP), captured_at=house.clock.now(),
            meta={"codec": "h264"},
        )  # fmt: skip
    (told_of,) = await custody.pieces(house.pool, task)
    assert (told_of["certificate"], told_of["certificate_expired"]) == ("JD-2026-12", expired)
    meta = await house.pool.fetchval("SELECT meta FROM evidence")
    assert (meta["width"], meta["codec"], meta["calibrated_on"]) == (8, "h264", "2026-01-05")
    async with house.client("bo") as bureau:
        details = (await bureau.get(f"/api/v1/tasks/{task}")).json()["matters"][0]["evidence"][0]["details"]
    assert details["certificate"] == "JD-2026-12"
    assert details.get("certificate_expired", False) is expired
