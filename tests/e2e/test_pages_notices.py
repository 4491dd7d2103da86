"""Who was told of a task, by which ways and how far it came stands on its page; what reached nobody, on top of the wall."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from farwatch.domain.finding import Finding, Kind, Param, Reason, Severity, Tier
from farwatch.domain.place import Position
from farwatch.storage import findings
from farwatch.storage.database import transaction
from tests.e2e.test_pages_looks import look
from tests.support.answering import Receiver, receiving
from tests.support.browser import Pages, needs_pages, page_fixture, serve_pages
from tests.support.waiting import until

pytestmark = needs_pages
expect.set_options(timeout=15_000)

POLICY = """
[notices]
officer = [["page", "contact"], ["sms"]]
lead = [["page", "contact"], ["sms"]]
centre = [["page", "duty"]]
enterprise = [["contact"], ["hotline"]]

[[notices.channel]]
name = "platform"
events = true
"""
WAYS = {"wecom": "/500", "sms": "/200", "duty": "/410", "hotline": "/410", "platform": "/200"}
READING: dict[str, Param] = {
    "code": "a21026",
    "value": 61.5,
    "limit": 50.0,
    "unit": "mg/m3",
    "ratio": 1.23,
    "reading": "rtd",
}
SIZES = [(1920, 1080), (390, 844)]
WORDS = {
    "zh-CN": {
        "lost": "条通知未送达", "hotline": "化工厂 · hotline · 对方回应 HTTP 410",
        "duty": "指挥中心 · duty · 对方回应 HTTP 410", "phone": "通知不到企业，请致电",
        "aside": "platform · 对方拒收，已搁置 3 条", "title": "通知", "offered": "王一 · 派单",
        "tried": "对方回应 HTTP 500", "delivered": "sms 已送达", "not_told": "预警未送达化工厂",
    },
    "en": {
        "lost": "notices did not arrive", "hotline": "化工厂 · hotline · answered HTTP 410",
        "duty": "command centre · duty · answered HTTP 410", "phone": "Not reached: please call",
        "aside": "platform · 3 refused and set aside", "title": "Notices", "offered": "王一 · Offered",
        "tried": "answered HTTP 500", "delivered": "sms Delivered", "not_told": "Warning not delivered化工厂",
    },
}  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@page_fixture
async def pages(
    browser: Browser, tmp_path: Path, database_url: str, receiver: Receiver
) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=1) as serving:
        registry = tmp_path / "service" / "registry"
        people = (registry / "officers.csv").read_text("utf-8").splitlines()
        (registry / "officers.csv").write_text(
            "\n".join([f"{people[0]},contact_channel", *(f"{row},wecom" for row in people[1:])]) + "\n",
            "utf-8",
        )
        works = (registry / "enterprises.csv").read_text("utf-8").replace("13800000000,", "13800000000,wecom")
        (registry / "enterprises.csv").write_text(works, "utf-8")
        (registry / "policy.toml").write_text(POLICY, "utf-8")
        with (registry / "secrets.toml").open("a", encoding="utf-8") as secrets:
            secrets.writelines(
                f'\n[channels.{name}]\nurl = "{receiver.url(path)}"\n' for name, path in WAYS.items()
            )
        done = serving.service.run("registry", "import", str(registry))
        assert done.returncode == 0, done.stdout + done.stderr
        yield serving


async def warn(pages: Pages) -> None:
    """A reading of the works E0 is over its limit."""
    finding = Finding(
        rule="limit_rtd", kind=Kind.EXCEEDANCE, tier=Tier.EARLY, place=Position(30.0, 120.0), severity=Severity.MINOR,
        onset_at=datetime.now(UTC),  # noqa: TID251 - the service reads the real clock
        reason=Reason("over_limit", READING),
        enterprise="E0", station="MN1", code="a21026",
    )  # fmt: skip
    async with transaction(pages.pool) as connection:
        await findings.insert_findings(connection, [finding])


async def settled(pages: Pages, target: str, channel: str, state: str) -> None:
    async def now() -> str | None:
        found: str | None = await pages.pool.fetchval(
            "SELECT state FROM notices WHERE target = $1 AND channel = $2", target, channel
        )
        return found

    await until(now, lambda is_: is_ == state)


async def in_sight(page: Page, part: str, folder: Path, name: str) -> None:
    """In order at each size, and to be looked at."""
    await look(page, SIZES)
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        await page.locator(part).scroll_into_view_if_needed()
        await page.screenshot(path=folder / f"{name}-{width}.png")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_what_was_told_and_what_was_lost_is_seen(pages: Pages, tmp_path: Path, language: str) -> None:
    say = WORDS[language]
    await warn(pages)
    await settled(pages, "centre", "duty", "failed")
    await pages.smoke("cam1", Position(30.004, 120.0), pictures=False)
    await settled(pages, "O1", "sms", "delivered")
    await pages.pool.execute("UPDATE webhook_cursors SET aside = 3, aside_at = clock_timestamp()")

    wall = await pages.enter("centre", width=1920, height=1080, language=language)
    strip = wall.page.locator(".lost")
    await expect(strip.first).to_contain_text(say["lost"])
    for words in ("hotline", "duty"):
        await expect(strip.first).to_contain_text(say[words])
    await expect(strip.nth(1)).to_contain_text(say["aside"])
    await expect(wall.page.get_by_text(say["phone"])).to_be_visible()
    await expect(wall.page.locator("li.bad")).to_contain_text(say["not_told"])
    await in_sight(wall.page, "header.bar", tmp_path, f"wall-{language}")

    await wall.page.set_viewport_size({"width": 1920, "height": 1080})
    await wall.page.locator(".card .open").click()
    panel = wall.page.locator("section.notices")
    await expect(panel.get_by_role("heading", name=say["title"])).to_be_visible()
    offer = panel.locator("li", has_text=say["offered"])
    await expect(offer.locator(".queued")).to_contain_text(say["tried"])
    await expect(offer.locator(".delivered", has_text="sms")).to_contain_text(say["delivered"])
    await in_sight(wall.page, "section.notices li", tmp_path, f"task-{language}")
    columns = wall.page.locator(".columns")
    assert await columns.evaluate("e => e.scrollWidth <= e.clientWidth"), "nothing is pushed aside"
    assert (wall.errors, wall.foreign) == ([], [])
