"""Many open pages in one process: an event stream each, and when which offer came. Talks to its parent by lines.

In: JSON with `port` and `pages`, [token, officer] each; a wall's officer is empty. Out: `ready` once all streams have begun.
In: any line. Out: JSON, for each offer on its officer's page or on a wall: [number of the event, task, whether on a wall,
nanoseconds of the machine's monotonic clock].
"""

import asyncio
import json
import sys
import time
from typing import Any

READ_MAX = 2**20


Seen = list[tuple[int, int, bool, int]]


async def page(port: int, token: str, officer: str, seen: Seen, begun: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=READ_MAX)
    request = (
        f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: farwatch_session={token}\r\n\r\n"
    )
    writer.write(request.encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise SystemExit(f"a page was refused: {head[:200]!r}")
    number, offered = 0, False
    while line := await reader.readline():
        begun.set()
        if line.startswith(b"id: "):
            number = int(line[4:])
        elif line.startswith(b"event: "):
            offered = line[7:].strip() == b"task_offered"
        elif offered and line.startswith(b"data: "):
            came_ns = time.monotonic_ns()
            event: dict[str, Any] = json.loads(line[6:])
            if officer in ("", event["officer"]):
                seen.append((number, event["task"], not officer, came_ns))


async def main() -> None:
    loop = asyncio.get_running_loop()
    asked = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    seen: Seen = []
    begun = [asyncio.Event() for _ in asked["pages"]]
    async with asyncio.TaskGroup() as group:
        pages = [
            group.create_task(page(asked["port"], token, officer, seen, event))
            for (token, officer), event in zip(asked["pages"], begun, strict=True)
        ]
        for event in begun:
            await event.wait()
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        for task in pages:
            task.cancel()
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
