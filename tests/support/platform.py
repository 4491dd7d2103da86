"""A GB/T 28181 platform's HTTP side (WVP's play API), as far as a camera worker sees it: real HTTP on a free port."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = tuple[int, bytes]


@dataclass
class FakePlatform:
    """`answers` by path (without its query); `asked` are the paths that were called, with the headers of each."""

    answers: dict[str, Callable[[], Answer | None]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    calls: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def plays(self, stream: str, rtsp: str) -> None:
        """Starts `stream` at that address, and lets it go."""
        body = {
            "code": 0,
            "msg": "成功",
            "data": {"app": "rtp", "stream": stream, "rtsp": rtsp, "rtmp": None},
        }
        self.answers[f"/api/play/start/{stream}"] = lambda: (200, json.dumps(body).encode())
        self.answers[f"/api/play/stop/{stream}"] = lambda: (200, b'{"code": 0}')

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.current_task()
        assert call is not None
        self.calls.add(call)
        call.add_done_callback(self.calls.discard)
        try:
            while head := await self._head(reader):
                path, headers = head
                self.asked.append((path, headers))
                answer = self.answers.get(path, lambda: (404, b"no such call"))()
                if answer is None:  # hangs for as long as the caller waits
                    await reader.read()
                    return
                status, body = answer
                location = f"Location: {body.decode()}\r\n" if 300 <= status < 400 else ""
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{location}\r\n".encode() + body
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> tuple[str, dict[str, str]] | None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        return lines[0].split(" ")[1].partition("?")[0], {k.lower(): v for k, v in headers.items()}


@asynccontextmanager
async def platform() -> AsyncIterator[FakePlatform]:
    fake = FakePlatform()
    server = await asyncio.start_server(fake.handle, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        server.close()
        await server.wait_closed()
        if fake.calls:
            await asyncio.wait(fake.calls, timeout=5)
