"""A visit that ends in a cellar: the phone keeps what was done and photographed, and sends it once when it can."""

from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, FilePayload, Page, expect

from farwatch.domain.place import Position
from tests.support.browser import PASSWORD, Pages, drawn_picture, needs_pages, page_fixture, serve_pages
from tests.support.waiting import until

pytestmark = needs_pages

CAMERA_AT = Position(30.004, 120.0)
expect.set_options(timeout=15_000)


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=1) as serving:
        yield serving


async def come_to_the_place(phone: Page) -> None:
    await phone.get_by_role("button", name="接受任务").click()
    await phone.get_by_role("button", name="我已到场").click()
    await phone.get_by_role("button", name="处置完成").click()


async def write_and_photograph(phone: Page) -> None:
    await phone.fill("textarea", "锅炉房在地下，已责令停炉")
    photos = [
        FilePayload(name=f"{n}.jpg", mimeType="image/jpeg", buffer=drawn_picture(f"photo {n}"))
        for n in (1, 2)
    ]
    await phone.set_input_files("input[type=file]", files=photos)
    await expect(phone.locator(".picker img")).to_have_count(2)


async def kept(pages: Pages) -> tuple[int, int, int]:
    """Original photos, those whose hash the phone made too, and deeds that ended the visit."""
    row = await pages.pool.fetchrow(
        "SELECT count(*) FILTER (WHERE derived_from IS NULL), count(*) FILTER (WHERE phone_sha256 = sha256),"
        " (SELECT count(*) FROM actions WHERE action = 'handle' AND result = 'done') FROM evidence WHERE kind = 'photo'"
    )
    return tuple(row)


async def test_a_visit_ended_without_a_network_is_there_once_with_its_photos_after_a_reload(
    pages: Pages,
) -> None:
    officer = await pages.enter("officer1", width=390, height=844, at=CAMERA_AT)
    phone = officer.page
    await pages.smoke("cam1", CAMERA_AT, pictures=False)
    await come_to_the_place(phone)
    await officer.context.set_offline(True)
    await write_and_photograph(phone)
    await phone.get_by_role("button", name="提交").click()
    await expect(phone.get_by_text("2 张照片等待发送")).to_be_visible()
    assert await kept(pages) == (0, 0, 0)

    await officer.context.set_offline(False)
    await phone.reload()
    await until(lambda: kept(pages), lambda seen: seen == (2, 2, 1), within_s=30)
    await expect(phone.get_by_text("张照片等待发送")).to_have_count(0)
    await phone.reload()
    await expect(
        phone.get_by_text("已提交，等待指挥中心核查").or_(phone.get_by_text("当前没有任务")).first
    ).to_be_visible()
    assert await kept(pages) == (2, 2, 1)
    order = await pages.pool.fetch(
        "SELECT event->>'type' AS type FROM (SELECT event::jsonb FROM log ORDER BY n) AS l"
    )
    told = [r["type"] for r in order]
    assert told.index("evidence_stored") < told.index("task_handled"), (
        "who verifies has the photos before him"
    )
    assert officer.errors == []


async def test_photos_of_a_form_that_was_not_sent_yet_are_there_after_a_reload(pages: Pages) -> None:
    phone = (await pages.enter("officer1", width=390, height=844, at=CAMERA_AT)).page
    await pages.smoke("cam1", CAMERA_AT, pictures=False)
    await come_to_the_place(phone)
    await write_and_photograph(phone)
    await phone.reload()
    await phone.get_by_role("button", name="处置完成").click()
    await expect(phone.locator(".picker img")).to_have_count(2)
    await expect(phone.locator(".picker img").first).to_have_js_property("naturalWidth", 640)
    await phone.get_by_role("button", name="删除照片").first.click()
    await expect(phone.locator(".picker img")).to_have_count(1)
    assert await kept(pages) == (0, 0, 0)


async def test_what_waits_is_sent_after_the_session_ended_and_he_signed_in_again(pages: Pages) -> None:
    officer = await pages.enter("officer1", width=390, height=844, at=CAMERA_AT)
    phone = officer.page
    await pages.smoke("cam1", CAMERA_AT, pictures=False)
    await come_to_the_place(phone)
    await officer.context.set_offline(True)
    await write_and_photograph(phone)
    await phone.get_by_role("button", name="提交").click()
    await pages.pool.execute("UPDATE sessions SET ended_at = now()")
    await officer.context.set_offline(False)
    await phone.wait_for_url("**/signin**")
    await phone.fill("input[name=name]", "officer1")
    await phone.fill("input[name=password]", PASSWORD)
    await phone.click("button[type=submit]")
    await until(lambda: kept(pages), lambda seen: seen == (2, 2, 1), within_s=30)


async def test_two_persons_confirm_a_case_on_its_page_and_the_custody_names_who_took_it_out(
    pages: Pages,
) -> None:
    """The bureau's account reviews one part and cannot review the other; the hold is shown to the centre."""
    phone = (await pages.enter("officer1", width=390, height=844, at=CAMERA_AT)).page
    await pages.smoke("cam1", CAMERA_AT)
    await come_to_the_place(phone)
    await phone.fill("textarea", "已停炉")
    await phone.get_by_role("button", name="提交").click()
    await until(lambda: pages.pool.fetchval("SELECT state FROM tasks"), lambda state: state == "handled")
    bureau = (await pages.enter("bureau", width=1600, height=1000)).page
    await bureau.goto(f"{pages.base}/centre/tasks/1")
    sheet = bureau.get_by_role("dialog")
    await sheet.get_by_role("button", name="通过", exact=True).first.click()
    await sheet.get_by_role("button", name="确认").click()
    await expect(sheet.get_by_text("审核中").first).to_be_visible()
    await sheet.get_by_role("button", name="通过", exact=True).first.click()
    await sheet.get_by_role("button", name="确认").click()
    await expect(sheet.get_by_role("alert")).to_contain_text("须由两人分别完成")
    await sheet.get_by_role("button", name="取消").click()
    await sheet.get_by_role("button", name="设置证据保全").click()
    await sheet.get_by_placeholder("理由").fill("行政复议")
    await sheet.get_by_role("button", name="确认").click()
    await expect(sheet.get_by_text("设置：行政复议")).to_be_visible()
    await sheet.locator("select").filter(has_text="用途").select_option("case")
    async with bureau.expect_download():
        await sheet.get_by_role("link", name="下载原件").first.click()
    await until(
        lambda: pages.pool.fetchval('SELECT count(*) FROM log WHERE event LIKE \'%"what":"exported"%\''), bool
    )
    await sheet.get_by_role("button", name="查看", exact=True).click()
    await expect(sheet.get_by_text("导出（办案）")).to_be_visible()
