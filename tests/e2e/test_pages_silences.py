"""Silences on the pages: set one, see on the wall what it holds back, end it, and what still stands becomes a task."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from farwatch.domain.place import Position
from tests.support.browser import Pages, needs_pages, page_fixture, serve_pages
from tests.support.waiting import until

pytestmark = needs_pages
expect.set_options(timeout=15_000)
CITY = timezone(timedelta(hours=8))


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=2) as serving:
        yield serving


async def disposition(pages: Pages) -> str | None:
    found: str | None = await pages.pool.fetchval("SELECT disposition FROM findings")
    return found


@pytest.mark.parametrize("width", [390, 1280])
async def test_a_maintenance_window_is_set_seen_and_ended(pages: Pages, width: int) -> None:
    person = await pages.enter("bureau", width=width, height=844)
    page = person.page
    await page.goto(f"{pages.base}/bureau/silences")
    await expect(page.get_by_text("没有静默")).to_be_visible()
    await page.locator("select").nth(1).select_option("camera")
    await page.locator("select.subject").select_option("cam1")
    until_at = (datetime.now(UTC) + timedelta(hours=2)).astimezone(CITY)  # noqa: TID251 - the service reads the real clock
    await page.get_by_label("止", exact=True).fill(until_at.strftime("%Y-%m-%dT%H:%M"))
    await page.get_by_label("理由").fill("镜头清洗")
    await page.get_by_role("button", name="设置").click()
    row = page.locator("tbody tr")
    await expect(row).to_have_count(1)
    for words in ("检修期", "镜头清洗", "bureau", "生效中", until_at.strftime("%Y-%m-%d %H:%M")):
        await expect(row).to_contain_text(words)

    await pages.smoke("cam1", Position(30.0, 120.0), pictures=False)
    await until(lambda: disposition(pages), lambda became: became == "silenced")
    wall = (await pages.enter("centre", width=1920, height=1080)).page
    await expect(wall.get_by_text("静默 1 项 · 暂存 1 条")).to_be_visible()

    await page.reload()
    await row.get_by_role("button", name="结束").click()
    await row.get_by_role("button", name="结束").click()
    await expect(row).to_contain_text("bureau 于")
    await until(lambda: disposition(pages), lambda became: became == "task")
    await wall.goto(f"{pages.base}/centre/tasks/1")
    await expect(wall.get_by_text("曾被静默")).to_be_visible()
    assert (person.errors, person.foreign) == ([], [])


async def test_a_storm_is_on_the_wall_while_it_runs(pages: Pages) -> None:
    await pages.pool.execute(
        "INSERT INTO storms (began_at, last_at, tasks) VALUES (clock_timestamp(), clock_timestamp(), 3)"
    )
    wall = (await pages.enter("centre", width=1920, height=1080)).page
    await expect(wall.get_by_text("告警风暴 · 自")).to_be_visible()
