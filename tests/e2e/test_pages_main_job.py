"""A task on the wall and on the phone, from the finding to its end, in a real browser over real services."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, FilePayload, Page, expect

from farwatch.domain.place import Position
from tests.support.browser import Pages, drawn_picture, needs_pages, page_fixture, serve_pages

pytestmark = needs_pages

CAMERA_AT = Position(30.004, 120.0)
expect.set_options(timeout=15_000)


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=2) as serving:
        yield serving


async def seen_within(page: Page, text: str, began: float) -> float:
    await expect(page.locator(".card").first).to_contain_text(text)
    return time.monotonic() - began


async def test_an_officer_answers_on_the_phone_and_the_wall_follows_within_a_second(pages: Pages) -> None:
    wall = (await pages.enter("centre", width=1920, height=1080)).page
    phone = (await pages.enter("officer1", width=390, height=844, at=CAMERA_AT)).page
    await expect(wall.get_by_text("当前没有在办任务")).to_be_visible()

    await pages.smoke("cam1", CAMERA_AT)
    await expect(wall.locator(".card")).to_have_count(1)
    await expect(wall.locator(".pin")).to_have_count(1)
    await expect(wall.locator(".card img")).to_have_js_property("complete", True)
    assert await wall.locator(".card img").evaluate("image => image.naturalWidth") == 640
    await expect(wall.locator("[role=timer]").first).to_have_text(re.compile(r"^4:\d\d$"))

    await phone.get_by_role("button", name="接受任务").click()
    accepted_s = await seen_within(wall, "在途", time.monotonic())
    await phone.get_by_role("button", name="我已到场").click()
    arrived_s = await seen_within(wall, "在场", time.monotonic())
    # One of the two: a machine that is busy with something else may swallow a second now and then.
    assert min(accepted_s, arrived_s) < 1.0

    await phone.get_by_role("button", name="处置完成").click()
    await phone.get_by_role("button", name="提交").click()
    await expect(phone.get_by_text("请写明情况")).to_be_visible()
    await phone.fill("textarea", "锅炉冒黑烟，已责令停炉")
    photo = FilePayload(name="site.jpg", mimeType="image/jpeg", buffer=drawn_picture("photo"))
    await phone.set_input_files("input[type=file]", files=[photo])
    await phone.get_by_role("button", name="提交").click()
    await expect(wall.locator(".card")).to_contain_text("待核查")

    await wall.locator(".card .open").click()
    sheet = wall.get_by_role("dialog")
    await expect(sheet.get_by_role("img", name="现场照片")).to_have_js_property("naturalWidth", 640)
    await sheet.get_by_role("button", name="核查通过").click()
    await sheet.get_by_role("button", name="确认").click()
    await sheet.get_by_role("button", name="结案", exact=True).click()
    await sheet.get_by_role("button", name="确认").click()
    await expect(sheet.get_by_text("已结案")).to_be_visible()
    await wall.keyboard.press("Escape")
    await expect(wall.get_by_text("当前没有在办任务")).to_be_visible()
    await expect(phone.get_by_text("当前没有任务")).to_be_visible()


async def test_arriving_from_afar_is_refused_in_words_and_again_nearby_is_not(pages: Pages) -> None:
    officer = await pages.enter("officer1", width=390, height=844, at=CAMERA_AT)
    await pages.smoke("cam1", CAMERA_AT, pictures=False)
    await officer.page.get_by_role("button", name="接受任务").click()
    # Only now: a phone that says so before the offer leaves the task to an officer who is nearer.
    await officer.context.set_geolocation({"latitude": 30.05, "longitude": 120.0, "accuracy": 10})
    await expect(officer.page.get_by_text("距您 5.1")).to_be_visible()
    await officer.page.get_by_role("button", name="我已到场").click()
    await expect(officer.page.get_by_role("alert")).to_contain_text(re.compile(r"您距任务地点 51\d\d"))
    await officer.context.set_geolocation({"latitude": 30.0041, "longitude": 120.0, "accuracy": 10})
    await expect(officer.page.get_by_text("距您 10")).to_be_visible()
    await officer.page.get_by_role("button", name="我已到场").click()
    await expect(officer.page.get_by_role("button", name="处置完成")).to_be_visible()


async def test_what_is_done_without_a_network_is_sent_when_it_is_back_and_counts_once(pages: Pages) -> None:
    officer = await pages.enter("officer1", width=390, height=844, at=CAMERA_AT)
    await pages.smoke("cam1", CAMERA_AT, pictures=False)
    accept = officer.page.get_by_role("button", name="接受任务")
    await expect(accept).to_be_visible()
    await officer.context.set_offline(True)
    await accept.click()
    await expect(officer.page.get_by_role("alert")).to_contain_text("网络中断")
    await officer.page.wait_for_timeout(1_500)
    await officer.context.set_offline(False)
    await expect(officer.page.get_by_role("button", name="我已到场")).to_be_visible(timeout=20_000)
    assert await pages.pool.fetchval("SELECT count(*) FROM actions WHERE action = 'accept'") == 1


async def test_a_declined_task_goes_to_the_next_officer_and_leaves_the_first_phone(pages: Pages) -> None:
    first = (await pages.enter("officer1", width=390, height=844)).page
    second = (await pages.enter("officer2", width=390, height=844)).page
    await pages.smoke("cam1", CAMERA_AT, pictures=False)
    await first.get_by_role("button", name="拒绝").click()
    await first.get_by_role("button", name="正在处置其他任务").click()
    await expect(second.get_by_role("button", name="接受任务")).to_be_visible()
    await expect(first.get_by_text("当前没有任务")).to_be_visible()


async def test_the_bureau_sees_everything_and_can_do_nothing(pages: Pages) -> None:
    await pages.exceedance(150.0, Position(30.0, 120.0))
    bureau = (await pages.enter("bureau", width=1366, height=768)).page
    await bureau.locator(".card .open").click()
    sheet = bureau.get_by_role("dialog")
    await expect(sheet.get_by_text("二氧化硫实时值持续超标，达 150 mg/m3，限值 50（3 倍）")).to_be_visible()
    await expect(sheet.get_by_role("button", name="误报")).to_have_count(0)
