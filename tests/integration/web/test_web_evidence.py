import hashlib
from uuid import uuid4

import pytest

from farwatch.storage.blobs import live_still_path
from tests.support.web_house import House

CLIP = bytes(range(256)) * 400


async def a_clip(house: House, officer: str = "o1") -> str:
    task = await house.task(officer=officer, offered_to=(officer,), state="accepted")
    _, finding = await house.matter(task)
    row = await house.evidence(finding, CLIP, media_type="video/mp4", kind="clip")
    return f"/api/v1/evidence/{row}"


RANGES = {
    None: (200, CLIP),
    "bytes=0-": (206, CLIP),
    "bytes=100-199": (206, CLIP[100:200]),
    "bytes=102300-": (206, CLIP[102300:]),
    "bytes=-100": (206, CLIP[-100:]),
    "bytes=102400-": (416, None),
    "bytes=9-5": (416, None),
    "bytes=0-1,5-9": (416, None),
    "bytes=-": (416, None),
    "bytes=-0": (416, None),
    "bytes=" + "9" * 5000 + "-": (416, None),
    "lines=1-2": (416, None),
}


async def test_a_clip_can_be_searched(house: House) -> None:
    path = await a_clip(house)
    async with house.client("wang") as client:
        for asked, (status, part) in RANGES.items():
            answer = await client.get(path, headers={"Range": asked} if asked else {})
            assert answer.status_code == status, asked
            if part is None:
                error = {"key": "range_not_satisfiable", "params": {"size_bytes": len(CLIP)}}
                assert answer.json() == {"error": error}
            else:
                assert answer.content == part
                assert (answer.headers["accept-ranges"], answer.headers["content-type"]) == (
                    "bytes",
                    "video/mp4",
                )


async def test_evidence_is_shown_as_inert_bytes_that_are_asked_for_each_time(house: House) -> None:
    path = await a_clip(house)
    async with house.client("wang") as client:
        first = await client.get(path)
        again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["cache-control"] == "private, no-cache"
    assert (again.status_code, again.content) == (304, b"")


async def test_an_unknown_media_type_is_only_a_download(house: House) -> None:
    _, finding = await house.matter(await house.task())
    row = await house.evidence(finding, b"<script>", media_type="text/html")
    async with house.client("chen") as client:
        answer = await client.get(f"/api/v1/evidence/{row}")

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


async def test_an_officer_cannot_tell_anothers_evidence_from_none(house: House) -> None:
    path = await a_clip(house, officer="o2")
    async with house.client("wang") as client:
        other, none = await client.get(path), await client.get(f"/api/v1/evidence/{uuid4()}")

    assert other.status_code == none.status_code == 404
    assert other.json() == none.json()


async def test_evidence_without_a_task_is_the_centres_alone(house: House) -> None:
    row = await house.evidence(None, b"\xff\xd8\xff")
    async with house.client("wang") as officer, house.client("chen") as centre:
        assert (await officer.get(f"/api/v1/evidence/{row}")).status_code == 404
        assert (await centre.get(f"/api/v1/evidence/{row}")).status_code == 200


async def test_a_view_is_on_record_once_however_often_it_is_searched_and_a_refused_one_never(
    house: House,
) -> None:
    path = await a_clip(house)
    async with house.client("wang") as mine, house.client("li") as other:
        await other.get(path)
        await mine.get(path)
        await mine.get(path, headers={"Range": "bytes=5-9"})

    rows = await house.pool.fetch("SELECT actor, action, subject, detail FROM audit ORDER BY id")
    assert [(r["actor"], r["action"], r["detail"]["purpose"]) for r in rows] == [
        ("wang", "evidence_viewed", "")
    ]
    assert rows[0]["subject"] == path.removeprefix("/api/v1/")


@pytest.mark.parametrize(("state", "key"), [("pending", "evidence_pending"), ("lost", "evidence_lost")])
async def test_bytes_that_are_not_there_have_a_reason(house: House, state: str, key: str) -> None:
    _, finding = await house.matter(await house.task())
    row = await house.evidence(finding, b"x", state=state, sha256=None, reason="camera_lost")
    async with house.client("chen") as client:
        answer = await client.get(f"/api/v1/evidence/{row}")

    assert (answer.status_code, answer.json()["error"]) == (
        404,
        {"key": key, "params": {"reason": "camera_lost"}},
    )


async def test_purged_bytes_have_a_reason_and_the_task_still_names_their_hash(house: House) -> None:
    task = await house.task()
    _, finding = await house.matter(task)
    row = await house.evidence(finding, b"x")
    await house.pool.execute(
        "UPDATE evidence SET state = 'purged', purged_at = now(), reason = 'quota_closed' WHERE id = $1", row
    )
    async with house.client("chen") as client:
        answer = await client.get(f"/api/v1/evidence/{row}")
        (shown,) = (await client.get(f"/api/v1/tasks/{task}")).json()["matters"][0]["evidence"]

    assert (answer.status_code, answer.json()["error"]) == (
        404,
        {"key": "evidence_purged", "params": {"reason": "quota_closed"}},
    )
    assert (shown["state"], shown["reason"], shown["url"]) == ("purged", "quota_closed", None)
    assert shown["sha256"] == hashlib.sha256(b"x").hexdigest()


async def test_a_task_tells_what_is_known_of_its_pictures_and_nothing_of_their_makers(house: House) -> None:
    task = await house.task()
    _, finding = await house.matter(task)
    known = {
        "codec": "h265",
        "duration_s": 30.1,
        "key_distance_s": 2.0,
        "time_source": "rtcp",
        "clock_offset_s": 0.12,
    }
    await house.evidence(
        finding, b"x", kind="clip", camera="c1", meta=known | {"cut_short": None, "by": "wang"}
    )
    async with house.client("chen") as client:
        (shown,) = (await client.get(f"/api/v1/tasks/{task}")).json()["matters"][0]["evidence"]

    assert shown["details"] == known
    assert (shown["camera"], shown["size_bytes"]) == ("c1", 1)


async def test_a_missing_file_is_no_server_error(house: House) -> None:
    path = await a_clip(house)
    for sha256 in list(house.deps.blobs.all()):
        house.deps.blobs.path(sha256).unlink()
    async with house.client("chen") as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["error"]["key"]) == (404, "evidence_missing")


async def test_a_live_picture_is_seen_by_the_centre_and_by_officers_on_its_case_only(house: House) -> None:
    async with house.client("chen") as centre, house.client("wang") as officer:
        none_yet = await centre.get("/api/v1/cameras/c1/still")
        file = live_still_path(house.deps.data_dir, "c1")
        file.parent.mkdir()
        file.write_bytes(b"\xff\xd8\xff")
        shown = [await centre.get("/api/v1/cameras/c1/still") for _ in range(3)]
        before = await officer.get("/api/v1/cameras/c1/still")
        await house.matter(await house.task(officer="o1", state="accepted"))
        during = await officer.get("/api/v1/cameras/c1/still")
        unknown = await centre.get("/api/v1/cameras/..%2fc1/still")

    assert (none_yet.status_code, none_yet.json()["error"]["key"]) == (404, "no_picture")
    assert [s.status_code for s in shown] == [200, 200, 200]
    assert (before.status_code, during.status_code, unknown.status_code) == (404, 200, 404)
    assert await house.pool.fetchval("SELECT count(*) FROM audit WHERE actor = 'chen'") == 1
