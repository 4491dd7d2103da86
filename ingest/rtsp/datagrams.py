"""Two UDP sockets for one camera: its packets and its reports, from nowhere else; a thin shell."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.transports import Pair

_RECEIVE_BUFFER_BYTES = 1 << 20
"""A key frame comes in one burst; the system may grant less (net.core.rmem_max)."""
_LONGEST_DATAGRAM = 65_535
_MOST_AT_ONCE = 256
"""Datagrams read before other cameras have their turn."""
_LOOK_EVERY_S = 0.01
"""While packets keep coming. To be woken for each of 350 a second cost 1.2 % of a core a camera, this 0.4 %; a socket holds 180."""
_TRIES = 20
_SO_MEMINFO, _MEMINFO_DROPS, _MEMINFO_BYTES = 55, 8, 36
"""Linux, <linux/sock_diag.h>: what a socket had to drop because nobody read it."""
_PUNCH_DATA = b"\x80\x00" + bytes(10)
_PUNCH_CONTROL = b"\x80\xc9\x00\x01" + bytes(4)
"""An empty packet and an empty report: they open the way back through routers and firewalls between us and the camera."""


class Datagrams:
    """Bound to the interface of the RTSP connection; what comes from another address than the camera's is counted and dropped."""

    def __init__(
        self,
        here: str,
        camera: str,
        on_data: Callable[[list[bytes]], None],
        on_control: Callable[[bytes], None],
    ) -> None:
        """`here` and `camera` are addresses, no names. Raises RtspError(UNREACHABLE) when no two ports are free."""
        self.foreign = 0
        self._camera = camera
        self._on_data = on_data
        self._on_control = on_control
        self._heard = False
        self._buffer = memoryview(bytearray(_LONGEST_DATAGRAM))
        self._data, self._control = _bind_pair(here)
        self._data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._loop = asyncio.get_running_loop()
        self._listening = False
        self._look: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._control, self._read_control)
        self.resume()

    @property
    def ports(self) -> Pair:
        return self._data.getsockname()[1], self._control.getsockname()[1]

    @property
    def dropped(self) -> int:
        """Packets that the system had no room for; 0 where it does not say."""
        try:
            told = self._data.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO_BYTES)
        except OSError:
            return 0
        at = _MEMINFO_DROPS * 4
        return int.from_bytes(told[at : at + 4], "little") if len(told) >= at + 4 else 0

    def punch(self, server_ports: Pair) -> None:
        """Once more as long as nothing has come."""
        if not self._heard:
            self._send(self._data, _PUNCH_DATA, server_ports[0])
            self._send(self._control, _PUNCH_CONTROL, server_ports[1])

    def send_data(self, packet: bytes, ports: Pair) -> None:
        self._send(self._data, packet, ports[0])

    def send_report(self, report: bytes, server_ports: Pair) -> None:
        self._send(self._control, report, server_ports[1])

    def pause(self) -> None:
        if self._listening:
            self._listening = False
            self._loop.remove_reader(self._data.fileno())
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def resume(self) -> None:
        if self._data.fileno() >= 0 and self._look is None and not self._listening:
            self._listening = True
            self._loop.add_reader(self._data.fileno(), self._read_data)

    def close(self) -> None:
        """May be called again."""
        if self._data.fileno() >= 0:
            self.pause()
            self._loop.remove_reader(self._control)
            self._control.close()
            self._data.close()

    def _send(self, one: socket.socket, data: bytes, port: int) -> None:
        with contextlib.suppress(OSError):  # as lossy as the way itself
            one.sendto(data, (self._camera, port))

    def _read_data(self) -> None:
        """Takes all that is there, and looks again in a while; all cameras' whiles end at the same time."""
        self.pause()
        if packets := self._read(self._data):
            self._heard = True
            at_s = (self._loop.time() // _LOOK_EVERY_S + 1) * _LOOK_EVERY_S
            self._look = self._loop.call_at(at_s, self._read_data)
            self._on_data(packets)
        else:
            self.resume()

    def _read_control(self) -> None:
        for report in self._read(self._control):
            self._on_control(report)

    def _read(self, one: socket.socket) -> list[bytes]:
        found: list[bytes] = []
        for _ in range(_MOST_AT_ONCE):
            try:
                size, sender = one.recvfrom_into(self._buffer)
            except (BlockingIOError, InterruptedError):
                break
            except ConnectionError:
                continue  # its port is closed, says a router: the RTSP connection knows better
            if sender[0] == self._camera:
                found.append(bytes(self._buffer[:size]))
            else:
                self.foreign += 1
        return found


def _bind_pair(here: str) -> tuple[socket.socket, socket.socket]:
    """An even port and the odd one above it (RFC 3550 §11)."""
    family = socket.AF_INET6 if ":" in here else socket.AF_INET
    for _ in range(_TRIES):
        first = _bind(family, here, 0)
        if first is None:
            break
        port = first.getsockname()[1]
        is_even = port % 2 == 0
        if port < 65_535 and (other := _bind(family, here, port + 1 if is_even else port - 1)) is not None:
            return (first, other) if is_even else (other, first)
        first.close()
    raise RtspError(Problem.UNREACHABLE, "no two UDP ports next to each other are free here")


def _bind(family: socket.AddressFamily, here: str, port: int) -> socket.socket | None:
    one = socket.socket(family, socket.SOCK_DGRAM)
    try:
        one.setblocking(False)
        one.bind((here, port))
    except OSError:
        one.close()
        return None
    return one
