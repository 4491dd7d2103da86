"""Cameras on the pages: the list, a camera's page with its live picture, and drawing zones with mouse, finger and keyboard."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route, expect

from farwatch.domain.place import Position
from farwatch.runtime.clock import SystemClock
from farwatch.storage import camera_status
from farwatch.storage.blobs import live_still_path, live_wish_path, write_atomically
from farwatch.storage.camera_status import CameraState, CameraStatus
from farwatch.storage.database import transaction
from simulators.rtsp_server import RtspServer
from tests.support.browser import Pages, drawn_picture, needs_pages, page_fixture, serve_pages
from tests.support.camera_house import Drawn, announce, at_work, on_air, small_loop, worker_of
from tests.support.waiting import until

pytestmark = needs_pages
expect.set_options(timeout=15_000)

SIZES = [(390, 844), (1280, 800), (1920, 1080)]
A_KEY = re.compile(
    r"\b(cameras|zones|purpose|purpose_does|cause|codec|transport|reason|error|bureau)\.[a-z_]+\b|\b[a-z]+_[a-z_]+\b"
)
CUT_OFF = """() => {
  const cut = [...document.querySelectorAll('button, h1, h2, h3, p, label, dd')]
    .filter((e) => e.clientWidth > 2 && e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.trim()).filter(Boolean);
  return document.documentElement.scrollWidth > innerWidth ? [...cut, 'the page itself'] : cut;
}"""
MOVES_IN_2_S = """async (picture) => {
  let moved = 0;
  const watch = new MutationObserver((changes) => (moved += changes.length));
  watch.observe(picture, { attributeFilter: ['src'] });
  await new Promise((done) => setTimeout(done, 2000));
  watch.disconnect();
  return moved;
}"""
ROOM_FOR_ITS_HINT = """(field) => {
  const pen = document.createElement('canvas').getContext('2d');
  const style = getComputedStyle(field);
  pen.font = style.font;
  return pen.measureText(field.placeholder).width < field.clientWidth - 2 * parseFloat(style.paddingLeft);
}"""
STREAM = {"codec": "h265", "width": 1920, "height": 1080, "clock_offset_s": -37.2}
EDITOR = "/bureau/cameras/cam1/zones"


@page_fixture
async def pages(browser: Browser, tmp_path: Path, database_url: str) -> AsyncIterator[Pages]:
    async with serve_pages(browser, tmp_path / "service", database_url, cameras=3) as serving:
        await told(serving, "cam1", CameraState.ONLINE, stream=STREAM)
        await told(serving, "cam2", CameraState.OFFLINE, reason="timed_out")
        yield serving


async def told(pages: Pages, camera: str, state: CameraState, **more: object) -> None:
    """What a worker says of a camera, as if it went on saying so for an hour."""
    status = CameraStatus(camera=camera, state=state, **more)  # type: ignore[arg-type]
    async with transaction(pages.pool) as connection:
        await camera_status.report(connection, [status])
        await connection.execute(
            "UPDATE camera_status SET updated_at = now() + interval '1 hour' WHERE camera = $1", camera
        )


def show(pages: Pages, label: str, camera: str = "cam1", *, age_s: float = 0) -> None:
    """What a worker leaves of a picture."""
    path = live_still_path(pages.service.data_dir, camera)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, drawn_picture(label))
    taken_at = path.stat().st_mtime - age_s
    os.utime(path, (taken_at, taken_at))


async def bureau(pages: Pages, path: str, *, language: str = "zh-CN", width: int = 1280) -> Page:
    page = (await pages.enter("bureau", width=width, height=900, language=language)).page
    await page.goto(f"{pages.base}{path}")
    return page


async def polygons(pages: Pages) -> dict[str, tuple[str, list[list[float]]]]:
    rows = await pages.pool.fetch("SELECT name, purpose, polygon FROM zones WHERE camera = 'cam1' AND active")
    return {r["name"]: (r["purpose"], r["polygon"]) for r in rows}


async def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """A place of the picture, given in shares, on the screen."""
    box = await page.get_by_role("group", name="画面与区域").bounding_box()
    assert box
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


async def click(page: Page, x: float, y: float) -> None:
    await page.mouse.click(*await at(page, x, y))


async def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    await page.mouse.move(*await at(page, *start))
    await page.mouse.down()
    await page.mouse.move(*await at(page, *end), steps=5)
    await page.mouse.up()


async def saved(page: Page) -> None:
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_text("已保存")).to_be_visible()


async def test_the_list_leads_to_a_camera_with_its_picture_its_stream_and_what_it_found(pages: Pages) -> None:
    show(pages, "first")
    await pages.smoke("cam1", Position(30.004, 120.0))
    page = await bureau(pages, "/bureau/cameras")
    await expect(page.locator("tbody tr")).to_have_count(3)
    await expect(page.locator("tbody tr").first).to_contain_text("离线 · 超时无应答")
    await page.get_by_placeholder("名称、企业或编号").fill("cam1")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_role("link", name="cam1").click()
    for words in ("H.265 · 1920 × 1080", "比本系统快 37 秒", "画面中出现持续烟羽", "天空 · sky"):
        await expect(page.get_by_text(words)).to_be_visible()
    await expect(page.get_by_role("link", name="截图标注")).to_be_visible()
    picture = page.get_by_role("img", name="实时画面")
    show(pages, "next")
    await expect(page.get_by_text("● 实时")).to_be_visible()
    before = await picture.get_attribute("src")
    show(pages, "second")
    await expect(picture).not_to_have_attribute("src", before or "")
    assert live_wish_path(pages.service.data_dir, "cam1").exists()


async def test_a_picture_that_is_not_of_now_says_so_and_one_that_never_came_too(pages: Pages) -> None:
    show(pages, "old", "cam2")
    page = await bureau(pages, "/bureau/cameras/cam2")
    await expect(page.get_by_text("此画面不是现在的 · 离线 · 超时无应答")).to_be_visible(timeout=25_000)
    await page.goto(f"{pages.base}/bureau/cameras/cam3")
    await expect(page.get_by_text("尚无画面")).to_be_visible()
    await expect(page.get_by_text("未知 · 尚未连接").first).to_be_visible()
    await page.goto(f"{pages.base}/bureau/cameras/nowhere")
    await expect(page.get_by_text("摄像机 nowhere 不存在")).to_be_visible()


@pytest.mark.parametrize(("state", "age_s"), [(CameraState.RESTING, 0), (CameraState.ONLINE, 6)])
async def test_a_picture_that_nobody_just_took_is_not_called_live(
    pages: Pages, state: CameraState, age_s: float
) -> None:
    await told(pages, "cam1", state)
    show(pages, "turn", age_s=age_s)
    page = await bureau(pages, "/bureau/cameras/cam1")
    await expect(page.get_by_role("img", name="实时画面")).to_be_visible()
    await expect(page.get_by_text("秒前")).to_be_visible()
    await expect(page.get_by_text("● 实时")).to_have_count(0)


async def test_the_editor_says_that_the_files_draw_no_zone(pages: Pages) -> None:
    await pages.pool.execute(
        "UPDATE zones SET active = false; UPDATE registry_version SET version = version + 1"
    )
    page = await bureau(pages, EDITOR)
    await expect(page.get_by_text("登记文件未给此摄像机划定区域")).to_be_visible()


async def test_where_too_many_look_or_the_worker_is_away_that_is_said_and_the_still_is_shown(
    pages: Pages,
) -> None:
    show(pages, "still")
    await pages.pool.execute("UPDATE camera_status SET updated_at = now() - interval '1 minute'")
    page = (await pages.enter("bureau", width=1280, height=800)).page

    async def full(route: Route) -> None:
        await route.fulfill(status=503, json={"error": {"key": "no_stream_free", "params": {}}})

    await page.route("**/cameras/cam1/live", full)
    await page.goto(f"{pages.base}/bureau/cameras/cam1")
    await expect(page.get_by_text("同时观看的人过多")).to_be_visible()
    await expect(page.get_by_role("img", name="实时画面")).to_be_visible()
    await expect(page.get_by_text("未知 · 识别进程未运行").first).to_be_visible()


async def test_a_mask_is_drawn_with_the_mouse_reshaped_undone_and_saved(pages: Pages) -> None:
    show(pages, "yard")
    page = await bureau(pages, EDITOR)
    await page.get_by_text("遮挡", exact=True).first.click()
    await page.get_by_role("button", name="逐点绘制").click()
    for place in ((0.1, 0.1), (0.4, 0.1), (0.4, 0.4), (0.1, 0.4), (0.1, 0.1)):
        await click(page, *place)
    await expect(page.get_by_role("button", name="区域 遮挡1，遮挡")).to_be_visible()
    await drag(page, (0.4, 0.4), (0.5, 0.5))
    await drag(page, (0.25, 0.1), (0.25, 0.02))
    await expect(page.get_by_text("5 个点")).to_be_visible()
    await page.keyboard.press("Control+z")
    await page.keyboard.press("Control+z")
    await expect(page.get_by_text("4 个点")).to_be_visible()
    await saved(page)
    zones = await polygons(pages)
    assert zones.keys() == {"sky", "遮挡1"}
    (purpose, polygon) = zones["遮挡1"]
    assert purpose == "mask"
    wanted = [0.1, 0.1, 0.4, 0.1, 0.5, 0.5, 0.1, 0.4]
    assert [share for point in polygon for share in point] == pytest.approx(wanted, abs=0.01)
    assert await pages.pool.fetchval("SELECT drawn_by FROM drawn_zones WHERE camera = 'cam1'") == "bureau"
    await page.goto(f"{pages.base}/bureau/cameras/cam1")
    await expect(page.get_by_text("遮挡 · 遮挡1")).to_be_visible()


async def test_who_draws_is_told_that_the_picture_is_not_of_now_and_how_its_camera_is(pages: Pages) -> None:
    show(pages, "yesterday", "cam2", age_s=90)
    page = await bureau(pages, "/bureau/cameras/cam2/zones")
    await expect(page.get_by_text("此画面不是现在的")).to_be_visible()
    await expect(page.get_by_text("离线 · 超时无应答")).to_be_visible()
    assert "grayscale" in await page.locator(".stage img").evaluate("(e) => getComputedStyle(e).filter")
    await told(pages, "cam2", CameraState.ONLINE)
    show(pages, "now", "cam2")
    await page.get_by_role("button", name="换一张新画面").click()
    await expect(page.get_by_text("此画面不是现在的")).to_have_count(0)
    await expect(page.get_by_text("离线 · 超时无应答")).to_have_count(0)
    assert await page.locator(".stage img").evaluate("(e) => getComputedStyle(e).filter") == "none"


async def test_everything_can_be_done_with_the_keyboard(pages: Pages) -> None:
    page = await bureau(pages, EDITOR)
    await expect(page.get_by_text("没有画面可供对照")).to_be_visible()
    await page.get_by_role("button", name="放一个矩形").focus()
    await page.keyboard.press("Enter")
    name = page.get_by_label("名称")
    await name.fill("堆场 2")
    await expect(page.get_by_text("名称只能用汉字")).to_be_visible()
    await expect(page.get_by_role("button", name="保存")).to_be_disabled()
    await name.fill("堆场")
    await page.get_by_role("button", name="堆场 的点 1，共 4 个").focus()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Shift+ArrowUp")
    await page.keyboard.press("+")
    await page.keyboard.press("Shift+ArrowUp")
    await expect(page.get_by_text("5 个点")).to_be_visible()
    await page.get_by_role("button", name="在 堆场 的点 3 之后插入点").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Delete")
    await page.get_by_role("button", name="保存").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("已保存")).to_be_visible()
    (purpose, polygon) = (await polygons(pages))["堆场"]
    assert (purpose, len(polygon), polygon[0]) == ("ground", 5, [0.295, 0.3])


async def test_who_draws_over_anothers_change_is_told_and_chooses(pages: Pages) -> None:
    mine = await bureau(pages, EDITOR)
    await mine.get_by_role("button", name="放一个矩形").click()
    theirs = await bureau(pages, EDITOR)
    await theirs.get_by_role("button", name="sky", exact=False).first.click()
    await theirs.get_by_label("名称").fill("south")
    await saved(theirs)
    await mine.get_by_role("button", name="保存").click()
    await expect(mine.get_by_text(re.compile(r"bureau 于 [-0-9]+ [:0-9]+ 修改了区域"))).to_be_visible()
    await mine.set_viewport_size({"width": 390, "height": 844})
    bar = await mine.locator(".foot").bounding_box()
    assert bar
    assert bar["height"] < 844 / 7, "the picture and its zones keep the screen"
    assert (await polygons(pages)).keys() == {"south"}
    await mine.get_by_role("button", name="以我的为准").click()
    await expect(mine.get_by_text("已保存")).to_be_visible()
    assert (await polygons(pages)).keys() == {"sky", "地面1"}


async def test_changes_are_not_lost_by_a_wrong_click_nor_by_a_server_that_is_away(pages: Pages) -> None:
    page = await bureau(pages, EDITOR)
    await page.get_by_role("button", name="放一个矩形").click()
    asked: list[str] = []

    async def stay(dialog: object) -> None:
        asked.append(dialog.message)  # type: ignore[attr-defined]
        await dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", stay)
    await page.get_by_role("link", name="取消").click()
    await expect(page.get_by_role("button", name="保存")).to_be_enabled()
    assert asked == ["修改尚未保存，确定离开？"]

    async def away(route: Route) -> None:
        await route.fulfill(
            status=503, json={"error": {"key": "database_away", "params": {}}}, headers={"Retry-After": "2"}
        )

    await page.route(
        "**/cameras/cam1/zones", lambda r: away(r) if r.request.method == "PUT" else r.continue_()
    )
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_role("alert")).to_contain_text("数据库暂时不可用")
    await page.unroute("**/cameras/cam1/zones")
    await saved(page)


async def test_a_worker_beside_the_pages_hurries_for_who_looks_and_takes_what_is_drawn(pages: Pages) -> None:
    server, script = RtspServer(SystemClock()), Drawn()
    server.show("/cam1", small_loop())
    async with on_air(server) as port:
        await pages.pool.execute(
            "UPDATE cameras SET url = $1, active = id = 'cam1'", f"rtsp://127.0.0.1:{port}/cam1"
        )
        await announce(pages.pool)
        async with at_work(worker_of(pages.pool, pages.service.data_dir, script)):
            page = await bureau(pages, "/bureau/cameras/cam1")
            await expect(page.get_by_text("● 实时")).to_be_visible()
            picture = page.get_by_role("img", name="实时画面")
            moved = await until(lambda: picture.evaluate(MOVES_IN_2_S), lambda moves: moves >= 5)
            assert moved <= 12, "up to five pictures a second"
            await expect(page.get_by_text("H.264 · 320 × 240")).to_be_visible()
            await page.get_by_role("link", name="编辑区域").click()
            await page.get_by_role("button", name="放一个矩形").click()
            await saved(page)
            drawn = await until(script.latest, lambda zones: len(zones) == 2, within_s=5)
    assert sorted(drawn) == [("ground", "地面1"), ("sky", "sky")]


async def test_a_finger_draws_and_drags_on_a_phone(pages: Pages) -> None:
    show(pages, "yard")
    context = await pages.browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    page = await context.new_page()
    await page.goto(f"{pages.base}/signin")
    await page.fill("input[name=name]", "bureau")
    await page.fill("input[name=password]", "horse battery staple")
    await page.click("button[type=submit]")
    await page.wait_for_url("**/centre")
    await page.goto(f"{pages.base}{EDITOR}")
    await page.get_by_role("button", name="逐点绘制").tap()
    await page.get_by_role("group", name="画面与区域").scroll_into_view_if_needed()
    for place in ((0.1, 0.2), (0.6, 0.2), (0.6, 0.8), (0.1, 0.2)):
        await page.touchscreen.tap(*await at(page, *place))
    await expect(page.get_by_text("3 个点")).to_be_visible()
    session = await context.new_cdp_session(page)
    path = [await at(page, 0.6, 0.8), await at(page, 0.7, 0.85), await at(page, 0.8, 0.9)]
    for kind, points in (
        ("touchStart", path[:1]),
        ("touchMove", path[1:2]),
        ("touchMove", path[2:]),
        ("touchEnd", []),
    ):
        touches = [{"x": x, "y": y} for x, y in points]
        await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        if points:  # a browser passes on one touch a picture
            await page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
    await saved(page)
    assert (await polygons(pages))["地面1"][1][2] == pytest.approx([0.8, 0.9], abs=0.02)


async def test_the_centre_looks_and_does_not_draw(pages: Pages) -> None:
    page = (await pages.enter("centre", width=1280, height=800)).page
    await page.goto(f"{pages.base}/bureau/cameras/cam1")
    await expect(page.get_by_text("H.265")).to_be_visible()
    await expect(page.get_by_role("link", name="编辑区域")).to_have_count(0)
    await page.goto(f"{pages.base}{EDITOR}")
    await page.wait_for_url("**/centre")


async def test_on_every_screen_nothing_is_cut_off_and_no_key_is_shown(pages: Pages) -> None:
    show(pages, "yard")
    await pages.smoke("cam1", Position(30.004, 120.0))
    paths = [
        "/bureau/cameras",
        "/bureau/cameras?view=pictures",
        "/bureau/cameras/cam1",
        "/bureau/cameras/cam2",
        EDITOR,
    ]
    for language in ("zh-CN", "en"):
        person = await pages.enter("bureau", width=1280, height=800, language=language)
        for path in paths:
            await person.page.goto(f"{pages.base}{path}")
            await expect(person.page.locator("main :is(table, .pictures, dl, .panel)").first).to_be_visible()
            for width, height in SIZES:
                await person.page.set_viewport_size({"width": width, "height": height})
                assert await person.page.evaluate(CUT_OFF) == [], f"at {width} x {height}: {path}"
            assert [m.group() for m in A_KEY.finditer(await person.page.inner_text("main"))] == [], path
        assert (person.foreign, person.errors) == ([], [])


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_on_a_phone_the_list_is_whole_and_its_search_says_for_what(pages: Pages, language: str) -> None:
    page = await bureau(pages, "/bureau/cameras", language=language, width=390)
    await expect(page.locator("tbody tr")).to_have_count(3)
    assert await page.locator(".b-scroll").evaluate("(e) => e.scrollWidth - e.clientWidth") == 0
    assert await page.locator("input[type=search]").evaluate(ROOM_FOR_ITS_HINT)


async def test_the_live_picture_keeps_its_colours_under_zones_and_a_mask_is_as_dark_as_where_it_was_drawn(
    pages: Pages,
) -> None:
    show(pages, "yard")
    await pages.pool.execute(
        "INSERT INTO zones (camera, name, purpose, polygon) VALUES ('cam1', 'homes', 'mask', $1)",
        [[0.1, 0.5], [0.4, 0.5], [0.4, 0.8]],
    )
    await pages.pool.execute("UPDATE registry_version SET version = version + 1")
    page = await bureau(pages, "/bureau/cameras/cam1")
    outlines = page.locator("figure polygon")
    await expect(outlines).to_have_count(2)
    assert await outlines.evaluate_all("(all) => all.map((e) => getComputedStyle(e).fill)") == ["none"] * 2
    await expect(page.locator('figure [fill="url(#zone-mask)"]')).to_have_count(1)
    await page.goto(f"{pages.base}{EDITOR}")
    await expect(page.locator('.zone [fill="url(#zone-mask)"]')).to_have_count(1)


@pytest.mark.alone
async def test_a_thousand_cameras_stay_fluid(pages: Pages) -> None:
    await pages.pool.execute(
        "INSERT INTO cameras (id, name, lat, lon, url) SELECT 'many' || n, '路口 ' || n, 30, 120, 'rtsp://127.0.0.1:9/' || n"
        " FROM generate_series(1, 1000) n; UPDATE registry_version SET version = version + 1"
    )
    page = await bureau(pages, "/bureau/cameras")
    await expect(page.get_by_text("共 1003 台")).to_be_visible()
    assert await page.locator("tbody tr").count() == 100
    await page.locator(".b-more").scroll_into_view_if_needed()
    await expect(page.locator("tbody tr")).not_to_have_count(100)
    took_ms = await page.evaluate(
        """async () => {
          const field = document.querySelector('input[type=search]');
          const began = performance.now();
          field.value = '99'; field.dispatchEvent(new Event('input'));
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          return performance.now() - began;
        }"""
    )
    await expect(page.get_by_text("共 19 台")).to_be_visible()
    assert took_ms < 1000
