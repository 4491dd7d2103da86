"""A camera whose network misbehaves on demand: a forwarder between a reader and a good RTSP server on this machine."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing sends a reset."""
_CHUNK_BYTES = 64 * 1024


class BadLine:
    """Listens on one port of 127.0.0.1, except between `refuse` and the next `listen`.

    `mangle` gets every chunk from the server and says what arrives at the reader instead; while `flows` is not set nothing
    does, and what comes meanwhile arrives later, as on a network that was interrupted.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener: asyncio.Server | None = None
        self._readers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.mangle: Callable[[bytes], bytes] = bytes
        self.flows = asyncio.Event()
        self.flows.set()

    async def listen(self) -> None:
        self._listener = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Nobody listens any more, and who was connected is cut."""
        assert self._listener is not None
        self._listener.close()
        self.reset()
        await self._listener.wait_closed()

    def reset(self) -> None:
        for reader in self._readers:
            if not reader.is_closing():
                reader.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            reader.transport.abort()

    def hang_up(self, last_words: bytes) -> None:
        """An orderly end, after these bytes."""
        for reader in self._readers:
            reader.write(last_words)
            reader.close()

    async def _forward(self, from_reader: asyncio.StreamReader, to_reader: asyncio.StreamWriter) -> None:
        self._readers.add(to_reader)
        try:
            async with _connected(self._server_port) as (from_server, to_server):
                # Whichever side ends first ends the other: its pump finds a closed transport.
                await asyncio.gather(self._answer(from_server, to_reader), _pump(from_reader, to_server))
        except OSError:
            pass
        finally:
            self._readers.discard(to_reader)
            to_reader.close()

    async def _answer(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(_CHUNK_BYTES):
                await self.flows.wait()
                sink.write(self.mangle(data))
                await sink.drain()
        sink.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(_CHUNK_BYTES):
            sink.write(data)
            await sink.drain()
    sink.close()


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
