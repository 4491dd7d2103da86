import asyncio
import hashlib
import io
import json
import zlib
from datetime import UTC, datetime, timedelta
from struct import pack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image, PngImagePlugin

from server.web import photo_workshop
from server.web.guard import PHOTO_MAX_BYTES
from tests.support.waiting import until
from tests.support.web_house import House, served


def a_photo(kind: str = "JPEG", size: tuple[int, int] = (64, 48)) -> bytes:
    """Left half red; EXIF says that it lies on its side, who made it and where; a comment besides."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "secret maker"
    exif.get_ifd(0x8825)[2] = (39.0, 54.0, 0.0)
    out = io.BytesIO()
    extra = {"comment": b"secret comment"} if kind == "JPEG" else {}
    image.save(out, kind, exif=exif, **extra)
    return out.getvalue()


async def send(
    house: House,
    task: int,
    content: bytes,
    *,
    who: str = "wang",
    media_type: str = "image/jpeg",
    client_id: str | None = None,
    said: dict[str, str] | None = None,
) -> httpx.Response:
    async with house.client(who) as client:
        headers = {"Content-Type": media_type, "X-Client-Id": client_id or str(uuid4()), **(said or {})}
        return await client.post(f"/api/v1/tasks/{task}/photos", content=content, headers=headers)


async def my_task(house: House) -> int:
    return await house.task(officer="o1", state="arrived")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_pages_get_an_upright_copy_of_the_pixels_alone_and_the_original_stays_untouched(
    house: House, kind: str
) -> None:
    task, photo = await my_task(house), a_photo(kind)
    answer = await send(house, task, photo, media_type=f"image/{kind.lower()}")
    assert answer.status_code == 201, answer.text
    row = answer.json()
    async with house.client("wang") as client:
        copy = await client.get(row["url"])
        shown = (await client.get(f"/api/v1/tasks/{task}")).json()["photos"]
    async with house.client("chen") as client:
        original = await client.get(f"/api/v1/evidence/{row['derived_from']}?purpose=case")

    assert shown == [row]
    assert original.content == photo
    assert copy.headers["content-type"] == "image/jpeg"
    assert not any(secret in copy.content for secret in (b"secret", b"Exif", b"GPS"))
    with Image.open(io.BytesIO(copy.content)) as image:
        assert (image.width, image.height) == (48, 64)
        assert not image.getexif()


async def test_an_original_is_a_download_for_the_centre_and_nothing_for_officers(house: House) -> None:
    row = (await send(house, await my_task(house), a_photo())).json()
    path = f"/api/v1/evidence/{row['derived_from']}"
    async with house.client("chen") as centre, house.client("wang") as officer:
        original, refused = await centre.get(f"{path}?purpose=review"), await officer.get(path)
        aimless = await centre.get(path)

    assert original.headers["content-type"] == "application/octet-stream"
    assert original.headers["content-disposition"].startswith("attachment")
    assert refused.status_code == 403
    assert (aimless.status_code, aimless.json()["error"]["key"]) == (422, "purpose_needed")


async def test_the_same_photo_sent_again_is_one_photo(house: House) -> None:
    task, client_id = await my_task(house), str(uuid4())
    first = await send(house, task, a_photo(), client_id=client_id)
    again = await send(house, task, a_photo(), client_id=client_id)

    assert first.json() == again.json()
    assert await house.pool.fetchval("SELECT count(*) FROM evidence") == 2


@pytest.mark.parametrize(
    "since",
    ["state = 'closed', closed_at = now()", "officer = 'o2', offered_to = '{}'"],
    ids=["closed", "handed_over"],
)
async def test_a_photo_that_was_stored_is_answered_so_whatever_became_of_the_task_since(
    house: House, since: str
) -> None:
    task, client_id = await my_task(house), str(uuid4())
    first = await send(house, task, a_photo(), client_id=client_id)
    await house.pool.execute(f"UPDATE tasks SET {since} WHERE id = $1", task)
    again = await send(house, task, a_photo(), client_id=client_id)
    other = await send(house, task, a_photo())

    assert (again.status_code, again.json()) == (201, first.json())
    assert other.status_code in (404, 409)
    assert await house.pool.fetchval("SELECT count(*) FROM evidence") == 2


async def told(house: House, task: int, minutes_ago: float, **event: Any) -> None:
    await house.pool.execute(
        "INSERT INTO log SELECT coalesce(max(n), 0) + 1, $1, $2, $3, '', '' FROM log",
        house.clock.now() - timedelta(minutes=minutes_ago), json.dumps({**event, "task": task}), task,
    )  # fmt: skip


ENDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "closed": ({"type": "task_closed"}, {"officer": "o1", "state": "closed"}),
    "reassigned": ({"type": "task_reassigned", "former": "o1"}, {"officer": None, "offered_to": ("o2",), "declined_by": ["o1"]}),
    "handed_over": (
        {"type": "task_handed_over", "officer": "o2", "former": "o1"},
        {"officer": "o2", "state": "accepted", "offered_to": ("o2",), "declined_by": ["o1"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
async def test_a_photo_that_was_taken_in_the_visit_is_taken_after_its_end_and_marked_so(
    house: House, end: str
) -> None:
    """A cellar has no signal. What was taken before, after, nobody knows when, or by whom it was not to do, is not."""
    event, columns = ENDS[end]
    task = await house.task(**columns)
    await told(house, task, 60, type="task_accepted", officer="o1")
    await told(house, task, 50, type="task_accepted", officer="o1", matters=[2])
    await told(house, task, 10, **event)

    async def late(minutes_ago: float | None, who: str = "wang") -> httpx.Response:
        taken = None if minutes_ago is None else house.clock.now() - timedelta(minutes=minutes_ago)
        return await send(
            house, task, a_photo(), who=who, said={"X-Taken-At": taken.isoformat()} if taken else {}
        )

    refused = [await late(m) for m in (61, 9, -5, None)]
    assert [
        (a.status_code, a.json()["error"]["key"] in ("wrong_state", "taken_by_other")) for a in refused
    ] == [(409, True)] * 4
    assert (await late(30, "chen")).status_code == (
        409 if end == "closed" else 201
    )  # the centre holds no task
    taken = [(await late(m)).json() for m in (59, 30, 11)]
    assert [row["details"]["late"] for row in taken] == [True] * 3
    house.clock.seconds = 3 * 86_400 - 29 * 60
    assert (await late(3 * 1440 + 1)).status_code == 409
    assert (await late(3 * 1440 - 1)).status_code == 201


async def test_what_was_taken_by_who_was_only_asked_is_not_taken(house: House) -> None:
    task = await house.task(officer="o1", offered_to=("o1", "o2"), state="closed")
    await told(house, task, 60, type="task_accepted", officer="o1")
    await told(house, task, 10, type="task_closed")
    said = {"X-Taken-At": (house.clock.now() - timedelta(minutes=30)).isoformat()}
    answer = await send(house, task, a_photo(), who="li", said=said)
    assert (answer.status_code, answer.json()["error"]["key"]) == (409, "wrong_state")


async def test_what_the_phone_says_of_a_photo_is_kept_beside_and_its_hash_goes_into_the_log(
    house: House,
) -> None:
    task, photo = await my_task(house), a_photo()
    sha256 = hashlib.sha256(photo).hexdigest()
    said = {"X-Content-SHA256": sha256, "X-Taken-At": "2026-11-22T08:00:00+08:00"}
    row = (await send(house, task, photo, said=said)).json()
    first, second = await house.pool.fetch(
        "SELECT sha256, sm3, phone_sha256, claimed_at FROM evidence ORDER BY derived_from NULLS FIRST"
    )
    assert (first["sha256"], first["phone_sha256"]) == (sha256, sha256)
    assert (second["sha256"], second["phone_sha256"]) == (row["sha256"], None)
    assert first["claimed_at"] == second["claimed_at"] == datetime(2026, 11, 22, tzinfo=UTC)
    assert row["claimed_at"] == "2026-11-22T00:00:00Z"
    assert first["sm3"] == house.deps.blobs.digests(sha256).sm3
    told = [r["event"] for r in await house.pool.fetch("SELECT event FROM event_queue ORDER BY id")]
    assert [e.get("phone_sha256") for e in told] == [sha256, None]


async def test_bytes_that_are_not_those_of_the_phone_are_refused_and_not_kept(house: House) -> None:
    answer = await send(house, await my_task(house), a_photo(), said={"X-Content-SHA256": "0" * 64})
    assert (answer.status_code, answer.json()["error"]["key"]) == (422, "hash_differs")
    assert await house.pool.fetchval("SELECT count(*) FROM evidence") == 0
    assert not list(house.deps.blobs.all())


async def test_a_photo_may_come_until_the_case_is_closed(house: House) -> None:
    for state in ("handled", "verified"):
        task = await house.task(officer="o1", state=state)
        assert (await send(house, task, a_photo())).status_code == 201, state


def a_bomb() -> bytes:
    """30,000 x 30,000 pixels in a few kilobytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))

    head = pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(3751) * 30_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def a_text_bomb() -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("note", "x" * 60_000_000, zip=True)
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=notes)
    return out.getvalue()


ATTACKS = {
    "a page": (b"<html><script>alert(1)</script>", 415, "not_an_image"),
    "a page that begins as a GIF": (b"GIF89a/*<script>*/=1;alert(1)", 415, "not_an_image"),
    "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 415, "not_an_image"),
    "nothing": (b"", 415, "not_an_image"),
    "a page that begins as a JPEG": (b"\xff\xd8\xff\xe0<html><script>alert(1)</script>", 422, "photo_broken"),
    "a page that begins as a PNG": (b"\x89PNG\r\n\x1a\n<html>", 422, "photo_broken"),
    "a sound that begins as WebP": (b"RIFF\x10\x00\x00\x00WEBPVP8 <html>", 422, "photo_broken"),
    "half a photo": (a_photo(size=(640, 480))[:2000], 422, "photo_broken"),
    "a bomb of pixels": (a_bomb(), 422, "photo_too_many_pixels"),
    "a bomb of text": (a_text_bomb(), 422, "photo_broken"),
}


async def test_what_is_no_sound_photo_is_refused_by_name_and_nothing_is_kept(house: House) -> None:
    task = await my_task(house)
    for name, (content, status, key) in ATTACKS.items():
        answer = await send(house, task, content)
        assert (answer.status_code, answer.json()["error"]["key"]) == (status, key), name

    assert await house.pool.fetchval("SELECT count(*) FROM evidence") == 0
    assert not list(house.deps.blobs.all())


async def test_what_is_hidden_behind_a_photo_never_reaches_a_page(house: House) -> None:
    """Phones append film to photos, so it is no error; but only pixels are copied."""
    answer = await send(house, await my_task(house), a_photo() + b"PK\x03\x04<script>alert(1)</script>")
    async with house.client("wang") as client:
        copy = await client.get(answer.json()["url"])

    assert answer.status_code == 201
    assert b"script" not in copy.content
    assert copy.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert copy.headers["x-content-type-options"] == "nosniff"


async def test_the_type_is_told_by_the_content_not_by_the_header(house: House) -> None:
    answer = await send(house, await my_task(house), a_photo("PNG"), media_type="image/webp")
    original = await house.pool.fetchval("SELECT media_type FROM evidence WHERE derived_from IS NULL")
    assert (answer.status_code, original) == (201, "image/png")


async def test_a_photo_that_is_too_large_is_cut_off_while_it_comes(house: House) -> None:
    sent = 0

    async def endless() -> object:
        nonlocal sent
        while True:
            sent += 1 << 20
            yield b"\xff\xd8\xff" + bytes((1 << 20) - 3)

    task = await my_task(house)
    async with house.client("wang") as client:
        headers = {"Content-Type": "image/jpeg", "X-Client-Id": str(uuid4())}
        answer = await client.post(f"/api/v1/tasks/{task}/photos", content=endless(), headers=headers)

    assert (answer.status_code, answer.json()["error"]["key"]) == (413, "too_large")
    assert PHOTO_MAX_BYTES <= sent <= PHOTO_MAX_BYTES + (2 << 20)


async def test_a_phone_that_is_lost_while_it_sends_is_no_fault_of_ours(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    task = await my_task(house)
    head = (
        f"POST /api/v1/tasks/{task}/photos HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nX-Client-Id: {uuid4()}\r\n"
        f"Cookie: farwatch_session={await house.token('wang')}\r\nContent-Length: 90000\r\n\r\n"
    )
    async with served(house.app) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(head.encode() + a_photo()[:200])
        await until(lambda: asyncio.sleep(0, house.app.state.web.photos.uploads._value), lambda n: n < 8)
        writer.close()
        await writer.wait_closed()
        await until(lambda: asyncio.sleep(0, house.app.state.web.photos.uploads._value), lambda n: n == 8)
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


async def test_a_decoder_that_hangs_is_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_workshop, "TIMEOUT_S", 0.01)
    answer = await send(house, await my_task(house), a_photo())
    assert (answer.status_code, answer.json()["error"]["key"]) == (422, "photo_too_hard")


FOREIGN = [
    ({"officer": "o2", "offered_to": ("o1", "o2"), "state": "accepted"}, 409, "taken_by_other"),
    ({"officer": None, "offered_to": ("o1",), "state": "offered"}, 409, "wrong_state"),
    ({"officer": "o1", "state": "closed"}, 409, "wrong_state"),
    ({"officer": "o2", "offered_to": ("o2",)}, 404, "not_found"),
]


async def test_no_more_photos_are_in_memory_than_there_is_room_for_also_while_they_are_decoded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, inside, most, full = await my_task(house), 0, 0, asyncio.Event()

    async def slow(_: photo_workshop.PhotoWorkshop, __: bytes) -> photo_workshop.PhotoCopy:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if inside == photo_workshop.UPLOADS_AT_ONCE:
            full.set()
        await full.wait()
        for _ in range(50):
            await asyncio.sleep(0)
        inside -= 1
        raise photo_workshop.PhotoError("photo_too_hard")

    monkeypatch.setattr(photo_workshop.PhotoWorkshop, "copy", slow)
    async with asyncio.TaskGroup() as group:
        for _ in range(photo_workshop.UPLOADS_AT_ONCE * 2):
            group.create_task(send(house, task, a_photo()))
    assert most == photo_workshop.UPLOADS_AT_ONCE


async def test_photos_belong_to_who_holds_the_open_task(house: House) -> None:
    for task, status, key in FOREIGN:
        answer = await send(house, await house.task(**task), a_photo())
        assert (answer.status_code, answer.json()["error"]["key"]) == (status, key), task
