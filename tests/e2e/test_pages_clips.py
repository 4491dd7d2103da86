"""Clips in a real browser: what it plays itself, and the copy of what it does not."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from farwatch.domain.place import Position
from farwatch.storage import evidence
from farwatch.storage.database import transaction
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState, evidence_id
from ingest.cameras.clips import MEDIA_TYPE, KeptClip, keep
from ingest.cameras.copies import Copyist
from ingest.cameras.footage import Footage
from ingest.rtsp.frames import Codec
from tests.support.browser import Pages, needs_pages, page_fixture, serve_pages
from tests.support.cameras import AT, H264, coded
from tests.support.waiting import until

pytestmark = needs_pages

CAMERA_AT = Position(30.004, 120.0)
expect.set_options(timeout=15_000)


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=1) as serving:
        yield serving


async def with_clip(pages: Pages, codec: Codec, **encoding: object) -> None:
    """A smoke finding of cam1 with a clip, and its copy where the worker would make one."""
    await pages.smoke("cam1", CAMERA_AT)
    finding: uuid.UUID = await pages.pool.fetchval("SELECT id FROM findings")
    frames = coded(40, codec=codec, **encoding)  # type: ignore[arg-type]
    footage = Footage(frames=frames, description=replace(H264, codec=codec), onset_at=AT)
    kept = await asyncio.to_thread(keep, footage, pages.blobs)
    assert isinstance(kept, KeptClip)
    clip = Evidence(
        id=evidence_id(finding, EvidenceKind.CLIP), finding_id=finding, kind=EvidenceKind.CLIP, camera="cam1",
        state=EvidenceState.STORED, media_type=MEDIA_TYPE, captured_at=AT, sha256=kept.sha256,
        size_bytes=kept.size_bytes, meta=kept.meta,
    )  # fmt: skip
    copy = replace(
        clip, id=evidence_id(finding, EvidenceKind.CLIP_COPY), kind=EvidenceKind.CLIP_COPY, derived_from=clip.id,
        state=EvidenceState.PENDING, sha256=None, size_bytes=None, meta={},
    )  # fmt: skip
    async with transaction(pages.pool) as connection:
        for row in (clip, copy) if kept.needs_copy else (clip,):
            await evidence.add(connection, row)
    assert await Copyist(pages.pool, pages.blobs).make_one() is kept.needs_copy


async def plays(video: Locator) -> tuple[int, int]:
    """Waits until half a second of it was shown; gives width and height."""
    await expect(video).to_have_js_property("error", None)
    await video.evaluate(
        "v => new Promise((done, failed) => { v.onerror = () => failed(v.error.message);"
        " v.ontimeupdate = () => { if (v.currentTime > 0.5) done(); }; v.play(); })"
    )
    width, height = await video.evaluate("v => [v.videoWidth, v.videoHeight]")
    return width, height


async def test_a_browser_that_says_it_plays_the_original_and_does_not_plays_the_copy(pages: Pages) -> None:
    await with_clip(pages, Codec.H265)
    person = await pages.enter("centre", width=1600, height=900)
    await person.context.add_init_script("HTMLMediaElement.prototype.canPlayType = () => 'probably'")
    await person.page.reload()
    await person.page.locator(".card .open").click()
    sheet = person.page.get_by_role("dialog")
    await sheet.get_by_role("button", name="视频", exact=True).click()
    await expect(sheet.locator(".copy-note")).to_contain_text("原件为 H.265")
    assert await plays(sheet.locator("video")) == (320, 240)


async def test_the_wall_says_when_the_disk_has_no_room_for_clips(
    browser: Browser, tmp_path: Path, database_url: str
) -> None:
    no_disk_has = "1000000000"
    async with serve_pages(
        browser, tmp_path / "service", database_url, cameras=1, evidence_floor_mb=no_disk_has
    ) as pages:
        wall = (await pages.enter("centre", width=1600, height=900)).page
        await expect(wall.get_by_text("磁盘将满：只存截图，不存视频")).to_be_visible()
        await expect(wall.get_by_text("实时", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("codec", "encoding", "note"),
    [
        pytest.param(Codec.H264, {"b_frames": 3, "more": ":b-pyramid=normal"}, None, id="h264"),
        pytest.param(Codec.H265, {}, "原件为 H.265", id="h265"),
        pytest.param(Codec.MJPEG, {}, "原件为 MJPEG", id="mjpeg"),
    ],
)
async def test_a_clip_plays_itself_or_as_a_copy_that_is_named_one(
    pages: Pages, codec: Codec, encoding: dict[str, object], note: str | None
) -> None:
    await with_clip(pages, codec, **encoding)
    wall = (await pages.enter("centre", width=1600, height=900)).page
    await wall.locator(".card .open").click()
    sheet = wall.get_by_role("dialog")
    await sheet.get_by_role("button", name="视频", exact=True).click()
    assert await plays(sheet.locator("video")) == (320, 240)
    said = sheet.locator(".copy-note")
    if note is None:
        await expect(said).to_have_count(0)
        return
    await expect(said).to_contain_text(note)
    # The original leaves the house for a purpose only.
    await expect(said.get_by_role("link")).to_have_count(0)
    await said.get_by_role("combobox").select_option("case")
    async with wall.expect_download() as fetched:
        await said.get_by_role("link").click()
    original = await (await fetched.value).path()
    (clip,) = await pages.pool.fetch("SELECT sha256 FROM evidence WHERE kind = 'clip'")
    assert original.read_bytes() == pages.blobs.path(clip["sha256"]).read_bytes()
    purposes = (
        "SELECT event::jsonb ->> 'purpose' AS purpose FROM log WHERE event::jsonb ->> 'what' = 'exported'"
    )

    async def told() -> list[str]:
        return [row["purpose"] for row in await pages.pool.fetch(purposes)]

    await until(told, ["case"].__eq__)
    await expect(sheet.get_by_role("link", name="浏览器副本")).to_be_visible()
