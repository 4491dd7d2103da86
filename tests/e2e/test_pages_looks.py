"""On every screen and in both languages: nothing foreign is asked for, nothing is cut off, no bare key is shown."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from farwatch.domain.place import Position
from farwatch.storage import camera_status
from farwatch.storage.camera_status import CameraState, CameraStatus
from farwatch.storage.database import transaction
from tests.support.browser import Pages, needs_pages, page_fixture, serve_pages

pytestmark = needs_pages

CAMERA_AT = Position(30.004, 120.0)
WALLS = [(3840, 1080), (1366, 768), (1920, 1080)]
PHONES = [(360, 740), (390, 844), (430, 932)]
A_KEY = re.compile(
    r"\b(app|signin|health|bar|figures|events|list|clock|map|warnings|task|officer|kind|state|event|error|reason|"
    r"dispatch|moment|severity|evidence|notice|reading)\.[a-z_]+\b|\b[a-z]+_[a-z_]+\b"
)
# Elements whose text is wider than they are and that do not say so with an ellipsis, and a page wider than its screen.
CUT_OFF = """() => {
  const cut = [...document.querySelectorAll('button, strong, h1, h2, h3, dt, dd, p, time, th, td')].filter((element) => {
    const style = getComputedStyle(element);
    const shown = element.clientWidth > 2 && style.visibility !== 'hidden';
    return shown && element.scrollWidth > element.clientWidth + 1 && style.textOverflow !== 'ellipsis'
      && style.overflowX !== 'auto';
  }).map((element) => element.textContent.trim()).filter((text) => text !== '');
  return document.documentElement.scrollWidth > innerWidth ? [...cut, 'the page itself'] : cut;
}"""
# Pairs of things in the bar, words included, that lie over each other.
OVERLAPS = """() => {
  const shown = [...document.querySelectorAll('header.bar :is(h1, strong, span, a, button)')]
    .map((e) => [e.textContent.trim(), e.getBoundingClientRect(), e]).filter(([words, box]) => words && box.width);
  return shown.flatMap(([one, a, e], i) => shown.slice(i + 1)
    .filter(([, b, f]) => !e.contains(f) && a.right > b.left + 1 && b.right > a.left + 1)
    .filter(([, b]) => a.bottom > b.top + 1 && b.bottom > a.top + 1)
    .map(([other]) => `${one} / ${other}`));
}"""
expect.set_options(timeout=15_000)


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=2) as serving:
        await serving.exceedance(412.5, Position(30.0, 120.0))
        await serving.smoke("cam1", CAMERA_AT)
        await serving.smoke("cam2", Position(30.008, 120.0), pictures=False)
        yield serving


async def shown_words(page: Page) -> str:
    return await page.evaluate("document.body.innerText")  # type: ignore[no-any-return]


async def look(page: Page, sizes: list[tuple[int, int]]) -> None:
    for width, height in sizes:
        await page.set_viewport_size({"width": width, "height": height})
        await page.wait_for_timeout(150)
        assert await page.evaluate(CUT_OFF) == [], f"at {width} x {height}: {page.url}"
    assert A_KEY.findall(await shown_words(page)) == []


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_wall_and_a_tasks_page(pages: Pages, language: str) -> None:
    wall = await pages.enter("centre", width=1920, height=1080, language=language)
    await expect(wall.page.locator(".card")).to_have_count(3)
    await expect(wall.page.locator(".pin")).to_have_count(3)
    await look(wall.page, WALLS)
    for n in range(3):
        await wall.page.locator(".card .open").nth(n).click()
        await expect(wall.page.get_by_role("dialog").get_by_role("heading").nth(1)).to_be_visible()
        await look(wall.page, [(1366, 768)])
        await wall.page.keyboard.press("Escape")
    assert wall.foreign == []
    assert wall.errors == []


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_centre_on_a_phone_begins_with_its_tasks_under_a_bar_in_order(
    pages: Pages, language: str
) -> None:
    page = (await pages.enter("centre", width=390, height=844, language=language)).page
    await expect(page.locator(".card")).to_have_count(3)
    assert await page.evaluate(OVERLAPS) == []
    await look(page, PHONES)
    last_task = await page.locator(".card").last.bounding_box()
    assert last_task
    assert last_task["y"] + last_task["height"] < 844
    await page.locator(".card .open").first.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await expect(page.get_by_text("Esc")).to_be_hidden()


async def test_an_event_of_a_camera_shows_its_state_whole_on_a_small_wall(pages: Pages) -> None:
    await pages.pool.execute(
        "UPDATE cameras SET name = '东区化工厂北门料场球机'; UPDATE registry_version SET version = version + 1"
    )
    async with transaction(pages.pool) as connection:
        await camera_status.report(
            connection, [CameraStatus(camera="cam1", state=CameraState.UNKNOWN, reason="never_seen")]
        )
    page = (await pages.enter("centre", width=1280, height=800, language="en")).page
    event = page.locator("li", has_text="东区化工厂北门料场球机").filter(has=page.locator("time")).first
    state = await event.get_by_text("Unknown", exact=True).bounding_box()
    row = await event.bounding_box()
    assert state
    assert row
    assert state["x"] + state["width"] <= row["x"] + row["width"]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_phone(pages: Pages, language: str) -> None:
    phone = await pages.enter("officer1", width=390, height=844, language=language, at=CAMERA_AT)
    await expect(phone.page.locator(".card").nth(1)).to_be_visible()
    await look(phone.page, PHONES)
    await phone.page.locator(".card a.link").first.click()
    await expect(phone.page.locator("footer .first")).to_be_visible()
    await look(phone.page, PHONES)
    await phone.page.locator("footer .second").first.click()
    await expect(phone.page.get_by_role("dialog")).to_be_visible()
    await look(phone.page, PHONES)
    assert phone.foreign == []
    assert phone.errors == []


async def test_the_language_is_switched_on_the_page_and_kept(pages: Pages) -> None:
    wall = (await pages.enter("centre", width=1920, height=1080)).page
    await wall.get_by_role("button", name="English").click()
    await expect(wall.get_by_text("Open tasks")).to_be_visible()
    await wall.reload()
    await expect(wall.get_by_text("Open tasks")).to_be_visible()
    assert await wall.evaluate("document.documentElement.lang") == "en"
