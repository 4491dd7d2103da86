"""The reports' page: tabs, dates, tables that say what the files say, and paper."""

import csv
import io
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from farwatch.domain.case import Case, Missed
from farwatch.domain.review import CITY
from tests.support.browser import Pages, needs_pages, page_fixture, serve_pages
from tests.support.cases import write

pytestmark = needs_pages
expect.set_options(timeout=15_000)

A_KEY = re.compile(r"\b(report|kind|deadline|bureau)\.[a-z_]+")
LOOKS = os.environ.get("FARWATCH_LOOKS")
"""A folder for screenshots, for whoever wants to look."""


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=1) as serving:
        yield serving


async def a_day(pages: Pages, day: datetime) -> None:
    """Twenty cases of yesterday, of which two were handled late, one is open and one was a false alarm."""
    some = []
    for n in range(20):
        at = day + timedelta(hours=1 + n)
        due = at + timedelta(hours=1)
        late = n in (3, 4)
        some.append(Case(
            id=1000 + n, severity=2, opened_at=at, event_at=at - timedelta(seconds=3), grid="g0", enterprise="E0", found_at=(at,),
            kinds=("smoke",) if n % 3 else ("dumping",), rules=("smoke",), cameras=("cam1",), dispatched_at=at,
            accepted_at=at + timedelta(seconds=60 + 20 * n), arrived_at=at + timedelta(minutes=8), handle_due_at=due,
            handled_at=None if n == 5 else at + timedelta(hours=1.5 if late else 0.5),
            verified_at=None if n == 5 else at + timedelta(hours=2),
            outcome=None if n == 5 else "false_alarm" if n == 6 else "handled",
            missed=(Missed("handle", due),) if late else (),
        ))  # fmt: skip
    grid = await pages.pool.fetchval("SELECT id FROM grids LIMIT 1")
    enterprise = await pages.pool.fetchval("SELECT id FROM enterprises LIMIT 1")
    await write(pages.pool, some)
    await pages.pool.execute("UPDATE tasks SET grid = $1, enterprise = $2 WHERE id >= 1000", grid, enterprise)


async def look(page: Page, name: str) -> None:
    if LOOKS:
        await page.screenshot(path=Path(LOOKS) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_reports_page(pages: Pages, language: str) -> None:
    now = datetime.now(UTC).astimezone(CITY)  # noqa: TID251 - the service reads the real clock too
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    await a_day(pages, day)
    person = await pages.enter("bureau", width=1280, height=800, language=language)
    page = person.page
    await page.goto(f"{pages.base}/bureau/reports")
    tables = page.locator("section.table")
    await expect(tables.first).to_be_visible()
    await expect(page.locator("canvas")).to_have_count(2)
    chosen = page.locator("input[type=date]")
    await expect(chosen).to_have_value(day.date().isoformat())
    rates = tables.filter(
        has=page.get_by_role("heading", name="比率" if language == "zh-CN" else "Rates", exact=True)
    )
    in_time = rates.get_by_role("row").filter(
        has_text="按时处置率" if language == "zh-CN" else "Handled in time"
    )
    await expect(in_time).to_contain_text("85.0 %")
    assert A_KEY.findall(await page.locator("main").inner_text()) == []
    await look(page, f"reports-daily-{language}")
    for tab in (1, 2, 0):
        await page.get_by_role("tab").nth(tab).click()
        await expect(tables.first).to_be_visible()
        assert A_KEY.findall(await page.locator("main").inner_text()) == []
    await look(page, f"reports-again-{language}")
    async with page.expect_download() as started:
        await page.get_by_role("link", name="CSV").click()
    rows = list(csv.reader(io.StringIO(Path(await (await started.value).path()).read_text("utf-8-sig"))))
    assert ["按时处置率", "17", "20", "0.85"] in rows
    await page.get_by_role("button", name="前一期" if language == "zh-CN" else "The period before").click()
    await expect(chosen).to_have_value((day - timedelta(days=1)).date().isoformat())
    await page.get_by_role("button", name="后一期" if language == "zh-CN" else "The period after").click()
    await expect(tables.first).to_be_visible()
    await page.emulate_media(media="print")
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await expect(page.locator("canvas").first).to_be_hidden()
    paper = await page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", paper)) >= 2
    await look(page, f"reports-print-{language}")
    assert (person.errors, person.foreign) == ([], [])


async def test_the_reports_page_fits_a_phone(pages: Pages) -> None:
    person = await pages.enter("bureau", width=390, height=844)
    await person.page.goto(f"{pages.base}/bureau/reports?kind=weekly")
    await expect(person.page.locator("section.table").first).to_be_visible()
    assert await person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await look(person.page, "reports-phone")
