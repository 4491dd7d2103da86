"""What a bureau reads and prints: stations, judged hours, the register, rates, revisions, declared conditions."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, Page, Route, expect

from farwatch.domain.finding import Finding, Kind, Reason, Severity, Tier
from farwatch.domain.place import Position
from farwatch.storage import findings
from farwatch.storage.database import transaction
from tests.support.browser import Pages, needs_pages, page_fixture, serve_pages
from tests.support.bureau_data import STACK, WATER, a_month

pytestmark = needs_pages
expect.set_options(timeout=15_000)

STATION = f"/bureau/stations/{STACK}"
SIZES = [(390, 844), (1280, 800), (1920, 1080)]
A_KEY = re.compile(
    r"\b(bureau|verdict|verdict_reason|mark|flag|error|reason|medium|checksum|way)\.[a-z_]+\b|\b[a-z]+_[a-z_]+\b"
)
CUT_OFF = """() => {
  const cut = [...document.querySelectorAll('button, h1, h2, h3, p, label')]
    .filter((e) => e.clientWidth > 2 && e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.trim()).filter(Boolean);
  return document.documentElement.scrollWidth > innerWidth ? [...cut, 'the page itself'] : cut;
}"""


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=1) as serving:
        yield serving


@page_fixture
async def month(pages: Pages) -> datetime:
    """The begin of a whole month of data, the one before this."""
    return await a_month(pages.pool, datetime.now(UTC))  # noqa: TID251 - the service reads the real clock too


def day(month: datetime, of: int) -> str:
    return month.replace(day=of).date().isoformat()


async def bureau(pages: Pages, path: str = "/bureau", *, language: str = "zh-CN") -> Page:
    page = (await pages.enter("bureau", width=1280, height=800, language=language)).page
    await page.goto(f"{pages.base}{path}")
    return page


async def test_from_the_wall_to_a_station_its_curve_its_device_and_what_was_revised(
    pages: Pages, month: datetime
) -> None:
    page = (await pages.enter("bureau", width=1920, height=1080)).page
    await page.get_by_role("link", name="监测数据").click()
    await expect(page.get_by_role("row")).to_have_count(5)
    await page.get_by_placeholder("名称、企业或 MN").fill("热电")
    await expect(page.get_by_role("row")).to_have_count(3)
    await page.get_by_role("link", name="一号锅炉烟囱").click()
    await page.get_by_label("因子").select_option("a34013")
    await expect(page.get_by_text("未核实")).to_be_visible()
    await expect(page.locator("canvas")).to_be_visible()
    assert "code=a34013" in page.url
    await page.get_by_role("tab", name="设备").click()
    for words in ("比本系统慢 78 秒", "HJ 212-2017", "校验为 MODBUS 式", "zz9001"):
        await expect(page.get_by_text(words).first).to_be_visible()
    await page.get_by_role("tab", name="数据修订").click()
    await page.get_by_label("因子").select_option("a21026")
    revised = page.locator("tbody tr")
    await expect(revised).to_have_count(1)
    for words in ("61.2", "M 维护", "30.5", "现行", "超标"):
        await expect(revised).to_contain_text(words)


async def test_the_register_leads_to_the_hours_and_both_are_exported_and_printed(
    pages: Pages, month: datetime
) -> None:
    page = await bureau(pages, f"/bureau/exceedances?month={day(month, 1)[:7]}")
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(40)
    async with page.expect_download() as started:
        await page.get_by_role("link", name="导出 CSV").click()
    text = Path(await (await started.value).path()).read_text("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(text)))) == 40
    await page.get_by_label("时效").select_option("true")
    await expect(rows).to_have_count(4)
    await rows.last.get_by_role("link").first.click()
    await expect(page.get_by_role("tab", name="有效小时表")).to_have_attribute("aria-selected", "true")
    await expect(page.get_by_label("日期")).to_have_value(day(month, 3))
    over = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="14:00", exact=True)).first
    await expect(over).to_contain_text("超标")
    await expect(over).to_contain_text("42.89")
    await expect(page.get_by_text("有效数据不足").first).to_be_visible()
    await expect(page.get_by_text("烟尘（颗粒物） 10 mg/m3")).to_contain_text("未核实")
    await expect(page.get_by_text("制表：")).to_be_hidden()
    await page.emulate_media(media="print")
    await expect(page.get_by_text("制表：")).to_be_visible()
    await expect(page.get_by_text("自动监测有效小时数据表").first).to_be_visible()
    await expect(page.get_by_role("navigation")).to_be_hidden()
    paper = await page.pdf(prefer_css_page_size=True)
    (width, height) = re.findall(rb"/MediaBox \[0 0 (\d+)[.\d]* (\d+)", paper)[0]
    assert (abs(int(width) - 842) <= 1, abs(int(height) - 595) <= 1) == (True, True), "A4, landscape"
    assert len(re.findall(rb"/Type /Page\b", paper)) == 2
    await page.emulate_media(media="screen")
    await page.goto(f"{pages.base}/bureau/rates?month={day(month, 1)[:7]}")
    await expect(page.get_by_role("row").filter(has_text="总排口")).to_contain_text("95.8 %")
    await expect(page.get_by_role("row").filter(has_text="二号锅炉烟囱").locator(".b-over")).to_have_text(
        "0.0 %"
    )


async def test_a_condition_is_declared_and_withdrawn_and_the_hours_are_judged_anew(
    pages: Pages, month: datetime
) -> None:
    page = await bureau(pages, f"/bureau/stations/{WATER}?tab=marks")
    await expect(page.get_by_text("没有工况标记")).to_be_visible()
    await page.get_by_label("工况").select_option("stopped")
    await page.get_by_label("起", exact=True).fill(f"{day(month, 5)}T08:00")
    await page.get_by_label("止", exact=True).fill(f"{day(month, 5)}T10:00")
    await page.get_by_label("备注").fill("检修停运")
    await page.get_by_role("button", name="申报").click()
    row = page.locator("tbody tr")
    await expect(row).to_contain_text(f"{day(month, 5)} 08:00:00")
    await expect(row).to_contain_text("事后申报")
    assert (
        await pages.pool.fetchval("SELECT count(*) FROM review_due WHERE mn = $1 AND kind = 'hour'", WATER)
        == 2
    )
    await row.get_by_role("button", name="撤回").click()
    await row.get_by_role("button", name="撤回").click()
    await expect(row).to_contain_text("bureau 于")
    assert await pages.pool.fetchval("SELECT withdrawn_by FROM marks WHERE mn = $1", WATER) == "bureau"


async def test_on_every_screen_nothing_is_cut_off_and_no_key_is_shown(pages: Pages, month: datetime) -> None:
    tabs = [
        f"{STATION}?tab={tab}&day={day(month, 12)}"
        for tab in ("curve", "hours", "revisions", "marks", "device")
    ]
    for language in ("zh-CN", "en"):
        person = await pages.enter("bureau", width=1280, height=800, language=language)
        for path in [
            "/bureau",
            f"/bureau/exceedances?month={day(month, 1)[:7]}",
            "/bureau/rates",
            "/bureau/faults",
            *tabs,
        ]:
            await person.page.goto(f"{pages.base}{path}")
            await expect(person.page.locator("main :is(table, canvas, .ask)").first).to_be_visible()
            for width, height in SIZES:
                await person.page.set_viewport_size({"width": width, "height": height})
                assert await person.page.evaluate(CUT_OFF) == [], f"at {width} x {height}: {path}"
            assert [m.group() for m in A_KEY.finditer(await person.page.inner_text("main"))] == [], path
        assert (person.foreign, person.errors) == ([], [])


async def test_a_data_fault_says_on_its_tasks_page_what_is_wrong_and_shows_the_curve(
    pages: Pages, month: datetime
) -> None:
    finding = Finding(
        rule="data_constant",
        kind=Kind.DATA_FAULT,
        tier=Tier.FAULT,
        place=Position(30.01, 120.01),
        onset_at=datetime.now(UTC) - timedelta(minutes=30),  # noqa: TID251
        severity=Severity.MINOR,
        reason=Reason(
            "data_constant", {"code": "a21026", "unit": "mg/m3", "value": 21.4, "hours": 6, "readings": 360}
        ),
        enterprise="B1",
        station=STACK,
        code="a21026",
    )
    async with transaction(pages.pool) as connection:
        await findings.insert_findings(connection, [finding])
    page = (await pages.enter("centre", width=1920, height=1080)).page
    await page.locator(".card .open").click()
    dialog = page.get_by_role("dialog")
    await expect(
        dialog.get_by_text("二氧化硫恒为 21.4 mg/m3，已 6 小时、360 个数据毫无变化").first
    ).to_be_visible()
    await expect(dialog.get_by_text("二氧化硫 分钟均值")).to_be_visible()
    await expect(dialog.locator("canvas")).to_be_visible()
    await expect(dialog.get_by_text("这段时间没有数据")).to_have_count(0)
    await page.goto(f"{pages.base}/bureau/faults")
    row = page.locator("tbody tr")
    await expect(row).to_contain_text("二氧化硫恒为 21.4 mg/m3")
    await expect(row).to_contain_text("任务 1")
    await row.get_by_role("link", name="一号锅炉烟囱").click()
    await expect(page.get_by_label("因子")).to_have_value("a21026")


async def test_an_empty_city_and_a_broken_api_are_said_in_words_and_a_retry_helps(pages: Pages) -> None:
    page = await bureau(pages, "/bureau/exceedances")
    await expect(page.get_by_text("这个月没有超标记录")).to_be_visible()

    async def away(route: Route) -> None:
        await route.fulfill(
            status=503,
            content_type="application/json",
            body='{"error": {"key": "database_away", "params": {}}}',
        )

    await page.route("**/api/v1/exceedances*", away)
    await page.get_by_label("类型").select_option("day")
    await expect(page.get_by_role("alert")).to_contain_text("数据库暂时不可用")
    await page.unroute("**/api/v1/exceedances*")
    await page.get_by_role("button", name="重试").click()
    await expect(page.get_by_text("这个月没有超标记录")).to_be_visible()
    await page.goto(f"{pages.base}/bureau/stations/nowhere")
    await expect(page.get_by_text("监测点 nowhere 不存在")).to_be_visible()
