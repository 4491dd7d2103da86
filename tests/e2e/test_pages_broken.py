"""What the pages say when the engine, the server or the session is gone."""

import os
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from farwatch.domain.place import Position
from tests.support.browser import Pages, needs_pages, page_fixture, serve_pages
from tests.support.waiting import until

pytestmark = needs_pages

CAMERA_AT = Position(30.004, 120.0)
RED = "rgb(217, 45, 53)"
expect.set_options(timeout=15_000)


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=1) as serving:
        yield serving


@contextmanager
def stopped(pid: int | None) -> Iterator[None]:
    """The process stands still, as on a machine that swaps or hangs."""
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(("role", "words"), [("engine", "派单引擎停止"), ("web", "实时推送中断")])
async def test_the_wall_turns_red_while_a_role_stands_still_and_recovers_by_itself(
    pages: Pages, role: str, words: str
) -> None:
    wall = (await pages.enter("centre", width=1920, height=1080)).page
    phone = (await pages.enter("officer1", width=390, height=844)).page
    await expect(wall.get_by_text("实时", exact=True)).to_be_visible()
    banner = wall.get_by_role("alert")
    with stopped(pages.service.pid_of(role)):
        began = time.monotonic()
        await expect(banner).to_contain_text(words)
        assert time.monotonic() - began < 12
        await expect(banner).to_contain_text("数据已停止更新")
        await expect(banner).to_have_css("background-color", RED)
        await expect(phone.get_by_role("alert")).to_be_visible()
    await expect(banner).to_have_count(0, timeout=30_000)
    await pages.smoke("cam1", CAMERA_AT, pictures=False)
    await expect(wall.locator(".card")).to_have_count(1)
    await expect(phone.get_by_role("button", name="接受任务")).to_be_visible()


async def test_a_session_that_ends_elsewhere_leads_both_pages_to_the_sign_in(pages: Pages) -> None:
    wall = await pages.enter("centre", width=1366, height=768)
    other = await wall.context.new_page()
    await other.goto(f"{pages.base}/centre")
    await other.get_by_role("button", name="退出登录").click()
    for page in (other, wall.page):
        await page.wait_for_url(re.compile("/signin"), timeout=10_000)
    await expect(wall.page.get_by_text("登录已失效，请重新登录。")).to_be_visible()


async def test_a_wrong_password_is_said_in_words_and_the_name_stays(pages: Pages) -> None:
    page = await pages.browser.new_page()
    await page.goto(pages.base)
    await page.fill("input[name=name]", "centre")
    await page.fill("input[name=password]", "wrong")
    await page.click("button[type=submit]")
    await expect(page.get_by_role("alert")).to_have_text("用户名或密码不对")
    await expect(page.locator("input[name=name]")).to_have_value("centre")


async def test_a_picture_that_is_gone_and_a_task_that_never_was_are_said_in_words(pages: Pages) -> None:
    await pages.smoke("cam1", CAMERA_AT)
    await expect_task(pages)
    for file in pages.blobs.all():
        pages.blobs.path(file).unlink()
    wall = (await pages.enter("centre", width=1920, height=1080)).page
    await wall.locator(".card .open").click()
    await expect(wall.get_by_role("dialog").get_by_text("图片读取不到")).to_be_visible()
    await wall.goto(f"{pages.base}/centre/tasks/4711")
    await expect(wall.get_by_text("任务 4711 不存在，或您无权查看。")).to_be_visible()


async def expect_task(pages: Pages) -> None:
    await until(lambda: pages.pool.fetchval("SELECT count(*) FROM tasks"), lambda n: n == 1)


async def test_the_wall_says_how_many_cameras_nobody_watches(pages: Pages, tmp_path: Path) -> None:
    wall = (await pages.enter("centre", width=1920, height=1080)).page
    await expect(wall.get_by_text("1 台摄像机无人值守")).to_be_visible()
    await expect(wall.get_by_role("alert")).to_have_count(0)
    await wall.screenshot(path=tmp_path / "unwatched.png")


async def test_a_task_that_cannot_be_read_says_so_and_is_asked_for_again(pages: Pages) -> None:
    await pages.smoke("cam1", CAMERA_AT, pictures=False)
    wall = (await pages.enter("centre", width=1280, height=800)).page
    await expect(wall.locator(".card")).to_have_count(1)
    away = {"error": {"key": "database_away", "params": {}}}
    await wall.route("**/api/v1/tasks/1", lambda route: route.fulfill(status=503, json=away))
    await wall.locator(".card .open").click()
    sheet = wall.get_by_role("dialog")
    await expect(sheet.get_by_text("任务读取失败")).to_be_visible()
    await wall.unroute("**/api/v1/tasks/1")
    await sheet.get_by_role("button", name="重试").click()
    await expect(sheet.get_by_role("heading", name="冒烟")).to_be_visible()
