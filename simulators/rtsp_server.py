"""Simulated cameras: an RTSP server that plays coded loops at their own pace, to many clients.

A path that nobody watches costs nothing: its time goes on, its pictures are not touched.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from farwatch.domain.registry import Transport
from farwatch.runtime.clock import Clock
from ingest.rtsp.auth import Credential
from ingest.rtsp.datagrams import Datagrams
from ingest.rtsp.errors import RtspError
from ingest.rtsp.server import Offer, PlayStarted, ServerSession
from ingest.rtsp.transports import Pair
from simulators.coded_loop import CodedLoop
from simulators.feed import Feed

log = logging.getLogger(__name__)

MAX_CLIENTS = 1024
MAX_UNSENT_BYTES = 2 * 1024 * 1024
"""A client that is behind by more is cut off: a camera does not wait either."""


class RtspServer:
    """`show` and `hide` paths at any time, also before `serve`."""

    def __init__(
        self,
        clock: Clock,
        schemes: Sequence[str] = ("sha-256", "md5"),
        ways: Sequence[Transport] = (Transport.TCP, Transport.UDP),
    ) -> None:
        """`schemes`: those of basic, md5 and sha-256 that paths with a credential ask for. `ways`: how packets can travel."""
        self.ways = tuple(ways)
        self.slow_clients_dropped = 0
        self._clock = clock
        self.schemes = tuple(schemes)
        self._feeds: dict[str, Feed] = {}
        self._clients: set[_Client] = set()
        self._playing: dict[Feed, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    @property
    def clients(self) -> int:
        return len(self._clients)

    def show(self, path: str, loop: CodedLoop, credential: Credential | None = None) -> None:
        """Plays `loop` at `path` (`/name`), from its beginning on; who watches already goes on without a break."""
        feed = self._feeds.get(path)
        if feed is None:
            self._feeds[path] = Feed(loop, self._clock, credential)
        else:
            feed.replace(loop, credential)

    def hide(self, path: str) -> None:
        """The camera goes off: its clients are cut, its path is not found any more."""
        feed = self._feeds.pop(path, None)
        for client in [c for c in self._clients if feed is not None and c.feed is feed]:
            client.abort()

    async def serve(self, host: str, port: int, stop: asyncio.Event, bound: Callable[[int], object]) -> None:
        """Listens until `stop`; tells the port through `bound`. Raises OSError when it cannot listen there."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: _Client(self), host, port)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                bound(listener.sockets[0].getsockname()[1])
                await stop.wait()
                self._group = None
                for task in list(self._playing.values()):
                    task.cancel()
        finally:
            self._group = None
            listener.close()
            for client in list(self._clients):
                client.abort()
            await listener.wait_closed()

    def offer(self, path: str) -> Offer | None:
        feed = self._feeds.get(path)
        if feed is None:
            return None
        return Offer(description=feed.loop.description, credential=feed.credential)

    def joined(self, client: "_Client") -> bool:
        """False when there are too many."""
        if self._group is None or len(self._clients) >= MAX_CLIENTS:
            return False
        self._clients.add(client)
        return True

    def left(self, client: "_Client") -> None:
        self._clients.discard(client)

    def play(self, client: "_Client", wants: PlayStarted) -> Feed | None:
        """The feed that now sends to the client; None when it is gone meanwhile."""
        feed = self._feeds.get(wants.path)
        if feed is None or self._group is None:
            return None
        feed.watch(client, wants)
        if feed not in self._playing:
            self._playing[feed] = self._group.create_task(self._play(feed), name=f"camera {wants.path}")
        return feed

    async def _play(self, feed: Feed) -> None:
        try:
            await feed.play()
        finally:
            del self._playing[feed]


def _pass_over(heard: object) -> None:
    """A camera does not act on what its viewers report."""


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: RtspServer) -> None:
        self.feed: Feed | None = None
        self._server = server
        self._session = ServerSession(server.offer, server.schemes, server.ways, self._open_ports)
        self._transport: asyncio.Transport | None = None
        self._datagrams: Datagrams | None = None
        self._client_ports = (0, 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._server.joined(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            events = self._session.receive(data)
        except RtspError as error:
            log.debug("a client is cut off: %s", error)
            self.abort()
            return
        self.send(self._session.outgoing())
        for event in events:
            self._unwatch()
            if isinstance(event, PlayStarted):
                self._client_ports = event.client_ports or (0, 0)
                self.feed = self._server.play(self, event)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._unwatch()
        if self._datagrams is not None:
            self._datagrams.close()
        self._server.left(self)

    def send(self, data: bytes) -> None:
        """Sends, or cuts the client off when it is too slow."""
        transport = self._transport
        if transport is None or transport.is_closing() or not data:
            return
        transport.write(data)
        if transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._server.slow_clients_dropped += 1
            self.abort()

    def send_datagrams(self, packets: Sequence[bytes], report: bytes | None) -> None:
        if self._datagrams is None:
            return
        if report is not None:
            self._datagrams.send_report(report, self._client_ports)
        for packet in packets:
            self._datagrams.send_data(packet, self._client_ports)

    def _open_ports(self) -> Pair:
        assert self._transport is not None
        here, there = (self._transport.get_extra_info(name)[0] for name in ("sockname", "peername"))
        if self._datagrams is None:
            self._datagrams = Datagrams(here, there, _pass_over, _pass_over)
        return self._datagrams.ports

    def abort(self) -> None:
        self._unwatch()
        if self._transport is not None:
            self._transport.abort()

    def _unwatch(self) -> None:
        if self.feed is not None:
            self.feed.unwatch(self)
            self.feed = None
