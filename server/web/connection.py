"""A client's connection, which may not stay without asking for something."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN_S = 15.0
BODY_WITHIN_S = 120.0
"""More than the upload of a photo may take, which has a limit and an answer of its own."""


class Connection(H11Protocol):
    """Ends when a request's head is not whole HEAD_WITHIN_S after the connection, or after its first byte, or its body not
    BODY_WITHIN_S after that: thousands that say nothing, or a byte at a time, would leave no place for anybody else. uvicorn
    itself waits for ever."""

    _awaited: object = None
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await(h11.IDLE, HEAD_WITHIN_S)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._await(h11.IDLE, HEAD_WITHIN_S)
        elif self.conn.their_state is h11.SEND_BODY:
            self._await(h11.SEND_BODY, BODY_WITHIN_S)
        else:
            self._end_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_wait()
        super().connection_lost(exc)

    def _await(self, state: object, within_s: float) -> None:
        """The time for what is awaited already goes on."""
        if self._awaited is not state:
            self._end_wait()
            self._awaited = state
            self._late = self.loop.call_later(within_s, self.transport.abort)

    def _end_wait(self) -> None:
        self._awaited = None
        if self._late is not None:
            self._late.cancel()
            self._late = None
