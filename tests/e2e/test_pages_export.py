"""From the task's page to a verified case: export, then the verifier's page of the same server, in a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, expect

from alerting.verifier.verify import verify
from farwatch.domain.place import Position
from farwatch.storage import seals
from tests.support.browser import Pages, needs_pages, page_fixture, serve_pages

pytestmark = needs_pages

CAMERA_AT = Position(30.004, 120.0)
expect.set_options(timeout=15_000)


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=1) as serving:
        yield serving


async def test_a_case_is_exported_from_its_page_and_verified_on_the_verifiers(
    pages: Pages, tmp_path: Path
) -> None:
    bureau = await pages.enter("bureau", width=1920, height=1080)
    await pages.smoke("cam1", CAMERA_AT)
    await bureau.page.goto(f"{pages.base}/centre")
    await bureau.page.locator(".card .open").click()
    sheet = bureau.page.get_by_role("dialog")
    fingerprint = await seals.current_fingerprint(pages.pool)
    await expect(sheet.get_by_text(fingerprint)).to_be_visible()
    await expect(sheet.get_by_text("尚未封印")).to_be_visible()

    await sheet.locator("section:has(.take) select").select_option("review")
    async with bureau.page.expect_download() as download:
        await sheet.get_by_role("link", name="导出证据包").click()
    path = tmp_path / "case.zip"
    await (await download.value).save_as(path)
    with path.open("rb") as file:
        verdict = verify(file, [fingerprint])
    assert verdict.found == []
    assert (verdict.manifest["exported_by"], verdict.manifest["purpose"]) == ("bureau", "review")

    async with bureau.context.expect_page() as opened:
        await sheet.get_by_role("link", name="核验页面").click()
    verifier = await opened.value
    await verifier.set_input_files("#file", path)
    await verifier.fill("#key", fingerprint)
    await verifier.click("#go")
    await expect(verifier.locator("#verdict")).to_have_attribute("data-state", "good")
    assert bureau.errors == []
    assert bureau.foreign == []
