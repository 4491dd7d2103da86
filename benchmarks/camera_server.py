"""The cameras of a benchmark: `python -m benchmarks.camera_server PATH=LOOPFILE ...` serves them on a free port of 127.0.0.1.

Says the port as its first line and ends with its parent. What it costs is nobody's but its own.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from farwatch.runtime.clock import SystemClock
from farwatch.runtime.processes import end_with_parent, stop_on_signals
from simulators.coded_loop import CodedLoop, load_loop
from simulators.rtsp_server import RtspServer


async def serve(shows: Sequence[str]) -> None:
    stop, server, loops = asyncio.Event(), RtspServer(SystemClock()), dict[str, CodedLoop]()
    for show in shows:
        path, _, file = show.partition("=")
        if file not in loops:
            loop = load_loop(Path(file))
            if loop is None:
                raise SystemExit(f"{file} is no loop")
            loops[file] = loop
        server.show(path, loops[file])
    stop_on_signals(asyncio.get_running_loop(), stop)
    await server.serve("127.0.0.1", 0, stop, lambda port: print(port, flush=True))


if __name__ == "__main__":
    end_with_parent()
    asyncio.run(serve(sys.argv[1:]))
