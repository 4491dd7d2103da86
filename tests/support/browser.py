"""The pages in a real browser, over the real engine and the real web server."""

import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from farwatch.domain.finding import Finding, Kind, Param, Reason, Severity, Tier
from farwatch.domain.place import Position
from farwatch.runtime.clock import SystemClock
from farwatch.storage import evidence, findings
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool, open_pool, transaction
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState, evidence_id
from farwatch.storage.users import hash_password
from server.registry import commands as registry_commands
from tests.support.mosquitto import free_port
from tests.support.registry_files import TestCamera, write
from tests.support.service import Service
from tests.support.waiting import until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DIST = Path(__file__).parents[2] / "console" / "dist"
PASSWORD = "horse battery staple"
PEOPLE = (
    ("centre", "centre", None),
    ("bureau", "bureau", None),
    ("officer1", "officer", "O1"),
    ("officer2", "officer", "O2"),
)
# No GPU here: WebGL is drawn by SwiftShader. The browser asks nobody on its own behalf.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]

needs_pages = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.process,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif(not (DIST / "index.html").exists(), reason="the pages are not built: make console"),
]

page_fixture = pytest_asyncio.fixture(loop_scope="session")
"""In the loop of the browser, which all tests of a run share."""


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        await browser.close()


def drawn_picture(label: str) -> bytes:
    """A small JPEG that says what it is."""
    picture = np.full((360, 640, 3), (96, 80, 64), np.uint8)
    cv2.putText(picture, label, (24, 190), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (235, 235, 235), 3)
    return bytes(cv2.imencode(".jpg", picture)[1].tobytes())


@asynccontextmanager
async def serve_pages(
    browser: Browser, folder: Path, database_url: str, cameras: int, **settings: str
) -> AsyncIterator["Pages"]:
    """Cameras cam1, cam2, … stand 400 m apart; nobody reads them. Users: centre, bureau, officer1, officer2. The browser is
    left without a page."""
    port = free_port()
    service = Service(
        folder, database_url=database_url, http_host="127.0.0.1", http_port=str(port), **settings
    )
    write(
        folder / "registry",
        [TestCamera(f"cam{n}", f"rtsp://127.0.0.1:9/{n}", ("sky",)) for n in range(1, cameras + 1)],
    )
    async with open_pool(database_url) as pool:
        service.data_dir.mkdir(mode=0o700)
        await _fill(pool, folder / "registry", service.data_dir)
        service.start("engine,web")
        try:
            await until(lambda: _answers(port), bool)
            yield Pages(
                f"http://127.0.0.1:{port}", service, pool, BlobStore(folder / "data" / "evidence"), browser
            )
        finally:
            for context in browser.contexts:
                await context.close()
            service.stop()


async def _fill(pool: Pool, registry: Path, data_dir: Path) -> None:
    done = await registry_commands.import_(registry, pool, data_dir, prune=False, now=SystemClock().now())
    assert done.exit_code == 0, done.lines
    password_hash = _hash()
    await pool.executemany(
        "INSERT INTO users (name, role, officer, password_hash) VALUES ($1, $2, $3, $4)",
        [(*person, password_hash) for person in PEOPLE],
    )


@cache
def _hash() -> str:
    return hash_password(PASSWORD)


async def _answers(port: int) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Person:
    """A signed-in page of its own browser context, with all that went wrong on it."""

    page: Page
    context: BrowserContext
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass
class Pages:
    """`farwatch serve` with engine and web over a registry of one station and some cameras, and people who may sign in."""

    base: str
    service: Service
    pool: Pool
    blobs: BlobStore
    browser: Browser

    async def enter(
        self, name: str, *, width: int, height: int, language: str = "zh-CN", at: Position | None = None
    ) -> Person:
        """Signs in through the page. `at` is where the phone says it is."""
        place = {"latitude": at.lat, "longitude": at.lon, "accuracy": at.accuracy_m or 10.0} if at else None
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            geolocation=place,  # type: ignore[arg-type]
            permissions=["geolocation"] if at else [],
        )
        await context.add_init_script(
            f"localStorage.getItem('farwatch.language') ?? localStorage.setItem('farwatch.language', '{language}')"
        )
        page = await context.new_page()
        person = Person(page, context)
        page.on(
            "request",
            lambda r: (
                person.foreign.append(r.url) if not r.url.startswith((self.base, "blob:", "data:")) else None
            ),
        )
        page.on("pageerror", lambda e: person.errors.append(str(e)))
        page.on(
            "console", lambda m: person.errors.append(m.text) if "Content Security Policy" in m.text else None
        )
        await page.goto(f"{self.base}/")
        await page.fill("input[name=name]", name)
        await page.fill("input[name=password]", PASSWORD)
        await page.click("button[type=submit]")
        await page.wait_for_url("**/officer" if name.startswith("officer") else "**/centre")
        return person

    async def smoke(self, camera: str, place: Position, *, pictures: bool = True) -> None:
        """What the camera worker writes when it sees smoke: the finding with its pictures, in one commit."""
        finding = Finding(
            rule="smoke",
            kind=Kind.SMOKE,
            tier=Tier.VIOLATION,
            place=place,
            onset_at=datetime.now(UTC),  # noqa: TID251
            severity=Severity.MAJOR,
            reason=Reason("smoke_seen", {}),
            camera=camera,
            zone="sky",
        )
        rows = [
            self._stored(finding.id, kind, camera) for kind in (EvidenceKind.STILL, EvidenceKind.STILL_MARKED)
        ]
        async with transaction(self.pool) as connection:
            await findings.insert_findings(connection, [finding])
            for row in rows if pictures else []:
                await evidence.add(connection, row)

    async def exceedance(self, value: float, place: Position) -> None:
        """What the intake writes when a reading holds at twice its limit."""
        params: dict[str, Param] = {
            "code": "a21026",
            "value": value,
            "limit": 50.0,
            "unit": "mg/m3",
            "ratio": value / 50,
            "reading": "rtd",
            "converted": False,
        }
        finding = Finding(
            rule="limit_rtd",
            kind=Kind.EXCEEDANCE,
            tier=Tier.VIOLATION,
            place=place,
            onset_at=datetime.now(UTC),  # noqa: TID251
            severity=Severity.CRITICAL,
            reason=Reason("over_limit_held", params),
            enterprise="E0",
            station="MN1",
            code="a21026",
        )
        async with transaction(self.pool) as connection:
            await findings.insert_findings(connection, [finding])

    def _stored(self, finding: uuid.UUID, kind: EvidenceKind, camera: str) -> Evidence:
        content = drawn_picture(kind)
        kept = self.blobs.put_bytes(content)
        return Evidence(
            id=evidence_id(finding, kind),
            kind=kind,
            state=EvidenceState.STORED,
            media_type="image/jpeg",
            finding_id=finding,
            sha256=kept.sha256,
            sm3=kept.sm3,
            size_bytes=len(content),
            camera=camera,
            captured_at=datetime.now(UTC),  # noqa: TID251
        )
