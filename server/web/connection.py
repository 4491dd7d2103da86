"""A client's connection, which may not stay without asking for something."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN_S = 15.0


class Connection(H11Protocol):
    """Ends when a request's head is not whole HEAD_WITHIN_S after the connection, or after its first byte: thousands that say
    nothing, or a byte at a time, would leave no place for anybody else. uvicorn itself waits for ever."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_WITHIN_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._end_wait()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_WITHIN_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_wait()
        super().connection_lost(exc)

    def _end_wait(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
