"""GStreamer's RTSP server as a camera for the tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

SYSTEM_PYTHON = Path("/usr/bin/python3")
GST_SERVER = Path(__file__).parent / "gst_rtsp_server.py"


@contextlib.asynccontextmanager
async def gstreamer(method: str, *files: Path) -> AsyncIterator[str]:
    """GStreamer's RTSP server, as `gst_rtsp_server.py` says: its address, `rtsp://127.0.0.1:PORT`."""
    process = await asyncio.create_subprocess_exec(
        str(SYSTEM_PYTHON),
        str(GST_SERVER),
        method,
        *map(str, files),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            line = await process.stdout.readline()
        if not line and process.stderr is not None:
            pytest.skip(f"no GStreamer RTSP server: {(await process.stderr.read()).decode()[-200:]}")
        yield f"rtsp://127.0.0.1:{int(line)}"
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
