"""Who was chosen and why stands on the wall's task page; the centre reassigns there, an officer hands over on his phone."""

from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, expect

from farwatch.domain.place import Position
from tests.support.browser import Pages, needs_pages, page_fixture, serve_pages

pytestmark = needs_pages

CAMERA_AT = Position(30.004, 120.0)
expect.set_options(timeout=20_000)


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=1) as serving:
        yield serving


async def test_a_task_is_handed_over_on_the_phone_and_reassigned_on_the_wall(pages: Pages) -> None:
    wall = (await pages.enter("centre", width=1920, height=1080)).page
    first = (await pages.enter("officer1", width=390, height=844, at=CAMERA_AT)).page
    second = (await pages.enter("officer2", width=390, height=844)).page
    await expect(first.get_by_text("定位 ±")).to_be_visible()
    await pages.smoke("cam1", CAMERA_AT, pictures=False)
    await first.get_by_role("button", name="接受任务").click()

    await wall.locator(".card .open").click()
    sheet = wall.get_by_role("dialog")
    await expect(sheet.get_by_role("heading", name="派单过程")).to_be_visible()
    row = sheet.locator("tr.chosen").first
    await expect(row).to_contain_text("王一")

    await first.get_by_role("button", name="移交", exact=True).click()
    await first.get_by_label("移交给", exact=True).select_option("O2")
    await first.get_by_label("原因", exact=True).select_option("vehicle")
    await first.get_by_role("button", name="请求移交").click()
    await second.get_by_role("button", name="接受任务").click()
    await expect(sheet.get_by_text("请求移交").first).to_be_visible()

    await sheet.get_by_role("button", name="改派", exact=True).click()
    await sheet.get_by_label("改派给", exact=True).select_option("O1")
    await sheet.get_by_label("改派理由").fill("二号车被调走")
    await sheet.get_by_role("button", name="确认").click()
    await expect(first.get_by_role("button", name="接受任务")).to_be_visible()


async def test_an_officer_sets_up_his_tracking_app_on_his_own_page(pages: Pages) -> None:
    phone = (await pages.enter("officer1", width=390, height=844)).page
    await phone.get_by_role("button", name="后台定位").click()
    sheet = phone.get_by_role("dialog")
    await sheet.get_by_role("button", name="生成新的设备标识").click()
    await expect(sheet.locator("dd").first).to_contain_text("/osmand")
    token = (await sheet.locator("dd").nth(1).inner_text()).split()[0]
    assert len(token) == 52
    taken = await phone.request.get(f"{pages.base}/osmand?id={token}&lat=30.001&lon=120")
    assert taken.status == 200
    await sheet.get_by_role("button", name="停用后台定位").click()
    await expect(sheet.get_by_text("已停用")).to_be_visible()
    gone = await phone.request.get(f"{pages.base}/osmand?id={token}&lat=30.001&lon=120")
    assert gone.status == 401


async def test_a_missed_clock_is_excused_by_the_centre_and_by_the_lead_on_his_phone(pages: Pages) -> None:
    wall = (await pages.enter("centre", width=1280, height=800)).page
    first = (await pages.enter("officer1", width=390, height=844)).page
    lead = (await pages.enter("officer2", width=390, height=844)).page
    await pages.smoke("cam1", CAMERA_AT, pictures=False)
    await first.get_by_role("button", name="拒绝").click()
    await first.get_by_role("button", name="正在处置其他任务").click()
    await expect(lead.get_by_role("button", name="接受任务")).to_be_visible()
    await pages.pool.execute(
        "UPDATE deadlines SET due_at = now() WHERE kind IN ('accept', 'arrive') AND state = 'pending'"
    )

    await wall.locator(".card .open").click()
    sheet = wall.get_by_role("dialog")
    rows = sheet.locator(".t-facts")
    await expect(rows).to_contain_text("响应超时")
    await expect(rows).to_contain_text("到场超时")
    await sheet.get_by_role("button", name="免责", exact=True).first.click()
    await sheet.get_by_label("免责理由（必填）").fill("全网断线")
    await sheet.get_by_role("button", name="确认").click()
    await expect(rows).to_contain_text("已免责：全网断线（centre，")

    await lead.goto(f"{pages.base}/officer/tasks/1")
    await lead.get_by_role("button", name="免责", exact=True).click()
    await lead.get_by_label("免责理由（必填）").fill("道路封闭")
    await lead.get_by_role("button", name="确认").click()
    await expect(rows).to_contain_text("已免责：道路封闭（officer2，")
    await expect(lead.get_by_text("已免责：道路封闭")).to_be_visible()
    await first.goto(f"{pages.base}/officer/tasks/1")
    await expect(first.get_by_text("已免责：道路封闭")).to_be_visible()
    await expect(first.get_by_role("button", name="免责", exact=True)).to_have_count(0)
