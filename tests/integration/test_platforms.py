"""Cameras behind a GB/T 28181 platform: started over real HTTP, read over real RTSP, let go."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from farwatch.runtime import logs
from farwatch.runtime.clock import SystemClock
from ingest.cameras.on_demand import Platform
from ingest.cameras.patience import Patience
from ingest.cameras.starting import OnDemandReader, Platforms
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.session import RtspReader
from simulators.rtsp_server import RtspServer
from tests.integration.rtsp_places import made_up_loop, serving
from tests.support.platform import FakePlatform, platform

STREAM = "34020000001320000001/34020000001310000001"
QUICK = Patience(connect_timeout_s=2, idle_timeout_s=2, start_timeout_s=0.5, stop_timeout_s=0.5)
CLOCK = SystemClock()


def of(fake: FakePlatform, **more: object) -> Platform:
    asked = Platform(
        start_url=f"{fake.url}/api/play/start/{STREAM}", stop_url=f"{fake.url}/api/play/stop/{STREAM}",
        start_key="data.rtsp", hosts=frozenset({"127.0.0.1"}), header=("api-key", "topsecret"),
    )  # fmt: skip
    return replace(asked, **more)


def rtsp(url: str) -> RtspReader:
    return RtspReader(url, None, CLOCK, 2, 2)


async def test_a_stream_is_started_read_and_let_go() -> None:
    server = RtspServer(CLOCK)
    server.show("/rtp/1", made_up_loop())
    async with serving(server) as address, platform() as fake, Platforms(QUICK) as platforms:
        fake.plays(STREAM, f"{address}/rtp/1")
        reader = OnDemandReader(platforms, of(fake), rtsp)
        await reader.open()
        assert await reader.read()
        assert fake.paths == [f"/api/play/start/{STREAM}"]
        await reader.close()
    assert fake.paths == [f"/api/play/start/{STREAM}", f"/api/play/stop/{STREAM}"]
    assert [headers["api-key"] for _, headers in fake.asked] == ["topsecret"] * 2


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What a process of ours writes when it logs everything."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.configure("cameras", as_json=False, level="debug")
    yield lambda: capsys.readouterr().err
    logging.basicConfig(level=level, handlers=before, force=True)


async def test_logs_name_no_address_that_a_platform_is_asked_at(said: Callable[[], str]) -> None:
    async with platform() as fake, Platforms(QUICK) as platforms:
        fake.plays(STREAM, "rtsp://127.0.0.1:1/rtp/1")
        start_url = f"{fake.url}/api/play/start/{STREAM}?token=topsecret"
        await platforms.start(of(fake, start_url=start_url))
    logging.getLogger("tests").info("the end")
    told = said()
    assert "the end" in told
    assert "topsecret" not in told
    assert "/api/play" not in told


async def test_a_platform_that_is_to_keep_the_stream_is_not_asked_to_stop_it() -> None:
    server = RtspServer(CLOCK)
    server.show("/rtp/1", made_up_loop())
    async with serving(server) as address, platform() as fake, Platforms(QUICK) as platforms:
        fake.plays(STREAM, f"{address}/rtp/1")
        reader = OnDemandReader(platforms, of(fake, stop_url=""), rtsp)
        await reader.open()
        await reader.close()
    assert len(fake.asked) == 1


def hangs() -> None:
    return None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (hangs, Problem.TIMED_OUT),
        (lambda: (302, b"http://127.0.0.1:1/elsewhere"), Problem.PROTOCOL),
        (lambda: (200, b"x" * 1_000_000), Problem.PROTOCOL),
        (lambda: (401, b""), Problem.UNAUTHORISED),
        (lambda: (200, b'{"code": 0, "data": {"rtsp": "rtsp://10.9.9.9/rtp"}}'), Problem.FOREIGN_HOST),
    ],
)
async def test_a_platform_that_fails_is_a_named_problem_and_is_told_to_let_go(
    answer: Callable[[], tuple[int, bytes] | None], expected: Problem
) -> None:
    async with platform() as fake, Platforms(QUICK) as platforms:
        fake.answers[f"/api/play/start/{STREAM}"] = answer
        reader = OnDemandReader(platforms, of(fake), rtsp)
        with pytest.raises(RtspError) as caught:
            await reader.open()
        await reader.close()
    assert caught.value.reason is expected
    assert "topsecret" not in str(caught.value)
    assert fake.paths == [f"/api/play/start/{STREAM}", f"/api/play/stop/{STREAM}"]


async def test_a_platform_that_is_away_is_unreachable_and_closing_is_quiet() -> None:
    async with platform() as fake:
        pass
    async with Platforms(QUICK) as platforms:
        reader = OnDemandReader(platforms, of(fake), rtsp)
        with pytest.raises(RtspError) as caught:
            await reader.open()
        await reader.close()
    assert caught.value.reason is Problem.UNREACHABLE


@pytest.mark.parametrize("header", [("api key", "x"), ("api-key", "a\r\nb: c"), ("api-key", "口令")])
async def test_a_header_that_cannot_be_sent_is_a_problem_and_no_crash(header: tuple[str, str]) -> None:
    async with platform() as fake, Platforms(QUICK) as platforms:
        with pytest.raises(RtspError) as caught:
            await platforms.start(of(fake, header=header))
    assert caught.value.reason is Problem.PROTOCOL


async def test_a_stop_that_hangs_delays_nobody_for_long() -> None:
    async with platform() as fake, Platforms(QUICK) as platforms:
        fake.answers[f"/api/play/stop/{STREAM}"] = hangs
        async with asyncio.timeout(5):
            await platforms.stop(of(fake))
