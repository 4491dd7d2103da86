"""A worker on another machine whose token is revoked: said once, shown with its cameras, over when pictures are taken again."""

import asyncio
import logging
from pathlib import Path

import pytest

from farwatch.domain.share import WHOLE
from farwatch.runtime.clock import SystemClock
from farwatch.storage import worker_tokens
from farwatch.storage.database import Pool
from ingest.cameras import metrics, showing
from ingest.cameras.server_line import RefusedError, ServerAddress
from ingest.cameras.standing import Standing
from simulators.rtsp_server import RtspServer
from tests.support.camera_house import Script, at_work, on_air, register, small_loop, worker_of
from tests.support.waiting import until
from tests.support.web_house import House, served


async def test_pictures_that_a_server_does_not_take_are_the_reason_of_cameras_and_one_line_of_the_log(
    pool: Pool,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(showing, "REFUSED_EVERY_S", 0.2)
    caplog.set_level(logging.INFO)
    (tmp_path / "server").mkdir()
    house, cameras = House(pool, tmp_path / "server"), RtspServer(SystemClock())
    _, token = await worker_tokens.add(pool, [WHOLE])
    await pool.execute("UPDATE worker_tokens SET revoked_at = now()")
    refused = metrics.SENDING_REFUSED.labels("picture", "bad_worker_token")._value

    async def reasons() -> set[tuple[str, str]]:
        rows = await pool.fetch("SELECT state, reason FROM camera_status")
        return {(r["state"], r["reason"]) for r in rows}

    async with on_air(cameras) as port, served(house.app) as url:
        for id_ in ("c1", "c2"):
            cameras.show(f"/{id_}", small_loop())
            await register(pool, id_, f"rtsp://127.0.0.1:{port}/{id_}")
        async with at_work(worker_of(pool, data_dir, Script(), server=ServerAddress(url, token))):
            await until(reasons, lambda seen: seen == {("online", "pictures_not_sent")}, within_s=15)
            await until(lambda: asyncio.sleep(0, refused.get()), lambda n: n >= 2)
            await pool.execute("UPDATE worker_tokens SET revoked_at = NULL")
            await until(reasons, lambda seen: seen == {("online", "")}, within_s=15)
    told = [r.message for r in caplog.records if r.name == "ingest.cameras.standing"]
    assert told == [
        "picture is refused by the server: 401 bad_worker_token",
        "the server takes the pictures of this worker again",
    ]
    news = await pool.fetch(
        "SELECT event->>'reason' AS reason FROM event_queue WHERE event->>'type' = 'camera_status'"
    )
    assert [r["reason"] for r in news] == ["", ""]


def test_what_is_wrong_with_one_camera_is_told_once_for_each(caplog: pytest.LogCaptureFixture) -> None:
    standing = Standing()
    for camera in ("c1", "c2", "c1"):
        standing.refused("picture", RefusedError(403, "not_your_share"), camera)
    standing.taken("c1")
    standing.refused("picture", RefusedError(403, "not_your_share"), "c1")
    said = [r.message.split(" is ")[0] for r in caplog.records if r.levelno >= logging.WARNING]
    assert said == ["picture of camera c1", "picture of camera c2", "picture of camera c1"]
    assert not standing.is_refused
