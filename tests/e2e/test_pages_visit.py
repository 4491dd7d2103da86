"""The enterprise's side in a real browser: a code scanned off a phone, a comment, a warning's link, the bureau's pages."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from playwright.async_api import Browser, Page, expect

from alerting.visits import warning_token
from farwatch.domain.finding import Finding, Kind, Reason, Tier
from farwatch.domain.place import Position
from farwatch.storage import findings
from farwatch.storage.database import transaction
from farwatch.storage.heartbeats import database_now
from server import visit_key
from tests.support.browser import Pages, needs_pages, page_fixture, serve_pages
from tests.support.waiting import until

pytestmark = needs_pages

WORKS = Position(30.0, 120.0)
WIDTH, HEIGHT = 390, 844
A_KEY = re.compile(
    r"\b(visits|warned|first_time|suggestion|decision|minor_list|enterprise|standing|kind|error|reason)\.[a-z_]+\b|\b[a-z]+_[a-z_]+\b"
)
CUT_OFF = """() => {
  const cut = [...document.querySelectorAll('button, h1, h2, h3, p, strong, label')]
    .filter((e) => e.clientWidth > 2 && e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.trim()).filter(Boolean);
  return document.documentElement.scrollWidth > innerWidth ? [...cut, 'the page itself'] : cut;
}"""
expect.set_options(timeout=15_000)


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(
        browser, tmp_path / "service", database_url, cameras=1, bureau_name="东城区生态环境局"
    ) as serving:
        await serving.pool.execute(
            "UPDATE officers SET badge = '京执-0417' WHERE id = 'O1'; UPDATE registry_version SET version = version + 1"
        )
        yield serving


async def keep(page: Page, name: str) -> bytes:
    """A picture of the page; FARWATCH_PICTURES names a folder to look at them in."""
    picture = await page.screenshot(full_page=True)
    if folder := os.environ.get("FARWATCH_PICTURES"):
        await asyncio.to_thread((Path(folder) / f"{name}.png").write_bytes, picture)
    return picture


def scanned(picture: bytes) -> str:
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    (code,) = zxingcpp.read_barcodes(image)
    return code.text


async def strangers(pages: Pages, url: str, language: str) -> Page:
    """A phone that never signed in."""
    context = await pages.browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    await context.add_init_script(f"localStorage.setItem('farwatch.language', '{language}')")
    page = await context.new_page()
    await page.goto(url)
    return page


async def looks_well(page: Page, name: str) -> None:
    await keep(page, name)
    size = page.viewport_size
    assert size is not None
    for width in (360, 390, 430) if size["width"] == WIDTH else (size["width"],):
        await page.set_viewport_size({"width": width, "height": size["height"]})
        assert await page.evaluate(CUT_OFF) == [], f"{page.url} at {width}"
    assert A_KEY.findall(await page.evaluate("document.body.innerText")) == []


async def test_the_code_on_the_phone_opens_the_visit_and_a_comment_reaches_the_case(pages: Pages) -> None:
    wall = (await pages.enter("centre", width=1600, height=1000)).page
    phone = (await pages.enter("officer1", width=WIDTH, height=HEIGHT, at=WORKS)).page
    await pages.exceedance(412.5, WORKS)
    await phone.get_by_role("button", name="接受任务").click()
    await phone.locator(".card a.link").first.click()
    await expect(phone.get_by_role("button", name="出示行政行为码")).to_be_visible()
    await phone.get_by_role("button", name="我已到场").click()
    sheet = phone.get_by_role("dialog")
    await expect(sheet.get_by_role("img", name="行政行为码")).to_have_js_property("complete", True)
    await expect(sheet.get_by_text("尚未被扫码")).to_be_visible()
    assert await phone.evaluate(CUT_OFF) == []

    url = scanned(await keep(phone, "phone-code"))
    assert url.startswith(f"{pages.base}/visit/")
    stranger = await strangers(pages, url, "zh-CN")
    await expect(stranger.get_by_text("京执-0417")).to_be_visible()
    await expect(stranger.get_by_text("二氧化硫")).to_be_visible()
    await expect(stranger.get_by_role("heading", name="东城区生态环境局")).to_be_visible()
    assert "O1" not in await stranger.evaluate("document.body.innerText")
    await expect(sheet.get_by_text("已被查看 1 次")).to_be_visible()
    await stranger.fill("textarea", "已停炉检修，请复查")
    await stranger.get_by_role("button", name="提交留言").click()
    await expect(stranger.get_by_role("status")).to_be_visible()
    await looks_well(stranger, "visit-zh")
    assert await stranger.context.cookies() == []

    await wall.locator(".card .open").click()
    page = wall.get_by_role("dialog")
    await expect(page.get_by_text("企业已扫码查看")).to_be_visible()
    await page.get_by_role("button", name="答复企业").click()
    await page.get_by_label("答复企业").fill("明日复查")
    await page.get_by_role("button", name="确认", exact=True).click()
    await expect(page.get_by_text("明日复查")).to_be_visible()
    await keep(wall, "task")
    await stranger.reload()
    await expect(stranger.get_by_text("明日复查")).to_be_visible()

    english = await strangers(pages, url, "en")
    await expect(english.get_by_text("Badge number")).to_be_visible()
    assert "明日复查" not in await english.evaluate("document.body.innerText")
    await looks_well(english, "visit-en")
    await english.goto(f"{pages.base}/visit/{'A' * 43}")
    await expect(english.get_by_role("alert")).to_contain_text("not valid")
    await looks_well(english, "visit-invalid")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_a_warned_contact_answers_by_his_link_and_the_wall_shows_it(
    pages: Pages, language: str
) -> None:
    wall = (await pages.enter("centre", width=1920, height=1080, language=language)).page
    async with transaction(pages.pool) as connection:
        finding = Finding(
            rule="limit_rtd", kind=Kind.EXCEEDANCE, tier=Tier.EARLY, place=WORKS, onset_at=await database_now(connection),
            severity=1, enterprise="E0", station="MN1", code="a21026",
            reason=Reason("over_limit", {"code": "a21026", "value": 61.0, "limit": 50.0, "unit": "mg/m3", "ratio": 1.22,
                                         "reading": "rtd", "converted": False}),
        )  # fmt: skip
        await findings.insert_findings(connection, [finding])
    await until(lambda: pages.pool.fetchval("SELECT count(*) FROM warnings"), bool)
    token = warning_token(visit_key.ensure(pages.service.data_dir), finding.id)
    contact = await strangers(pages, f"{pages.base}/w/{token}", language)
    await contact.get_by_role("button", name="已收到" if language == "zh-CN" else "Received").click()
    await expect(contact.get_by_role("status")).to_be_visible()
    await contact.fill("textarea", "脱硫塔已重启")
    await contact.get_by_role("button", name="提交" if language == "zh-CN" else "Send").click()
    await expect(wall.get_by_text("脱硫塔已重启")).to_be_visible()
    await looks_well(contact, f"warned-{language}")
    await keep(wall, f"wall-{language}")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_bureau_makes_its_list_and_sees_what_it_suggests(pages: Pages, language: str) -> None:
    await pages.exceedance(60.0, WORKS)
    await until(lambda: pages.pool.fetchval("SELECT count(*) FROM tasks"), bool)
    await pages.pool.execute(
        "UPDATE tasks SET state = 'closed', outcome = 'handled', officer = 'O1', arrived_at = now(), handled_at = now(),"
        " verified_at = now(), closed_at = now(); UPDATE findings SET ended_at = now()"
    )
    page = (await pages.enter("bureau", width=1280, height=800, language=language)).page
    await page.goto(f"{pages.base}/bureau/minor-list")
    zh = language == "zh-CN"
    await page.get_by_role("button", name="添加一行" if zh else "Add a row").click()
    await page.get_by_label("依据" if zh else "Legal ground").fill("清单第 3 项")
    await page.get_by_label("限值倍数至多" if zh else "Times the limit at most").fill("1.5")
    await page.get_by_label("严重程度至多" if zh else "Severity at most").select_option("3")
    await page.get_by_role("button", name="试算近 90 天" if zh else "Try on the last 90 days").click()
    await expect(page.get_by_role("link", name="任务 1" if zh else "Task 1")).to_be_visible()
    await page.get_by_role("button", name="保存为新版" if zh else "Save as a new version").click()
    await expect(page.get_by_text("第 1 版" if zh else "Version 1")).to_be_visible()
    await looks_well(page, f"minor-list-{language}")

    await page.goto(f"{pages.base}/centre/tasks/1")
    sheet = page.get_by_role("dialog")
    await expect(sheet.get_by_text("首次且轻微" if zh else "First time and minor")).to_be_visible()
    await sheet.get_by_role("button", name="作出决定" if zh else "Decide", exact=True).click()
    await sheet.get_by_role("button", name="确认" if zh else "Confirm", exact=True).click()
    decided = sheet.locator("li strong", has_text="首违不罚" if zh else "Not punished: first time")
    await expect(decided).to_be_visible()
    await keep(page, f"first-time-{language}")

    for path in ("visits", "enterprises/E0"):
        await page.goto(f"{pages.base}/bureau/{path}")
        await expect(page.get_by_role("table").first).to_be_visible()
        await looks_well(page, f"{path.partition('/')[0]}-{language}")
