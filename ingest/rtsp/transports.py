"""The Transport header (RFC 2326 §12.39): what we ask for, and what cameras answer."""

import re
from dataclasses import dataclass

_INTERLEAVED = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.IGNORECASE)
_PORTS = r"\s*=\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?"
_SERVER_PORT = re.compile(r"server_port" + _PORTS, re.IGNORECASE)
_CLIENT_PORT = re.compile(r"client_port" + _PORTS, re.IGNORECASE)

_PORT_NUMBERS = range(1, 65_536)

Pair = tuple[int, int]
"""The first for RTP, the second for RTCP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """One way for packets; what it does not name is None."""

    is_tcp: bool
    channels: Pair | None = None
    server_ports: Pair | None = None
    client_ports: Pair | None = None


def ask_for_tcp(channels: Pair) -> str:
    return f"RTP/AVP/TCP;unicast;interleaved={channels[0]}-{channels[1]}"


def ask_for_udp(ports: Pair) -> str:
    """Without `/UDP` behind AVP, which some cameras do not know."""
    return f"RTP/AVP;unicast;client_port={ports[0]}-{ports[1]}"


def parse_transport(spec: str) -> Agreed | None:
    """One specification, parameters in any order; None where it says nothing or names something impossible."""
    if not spec.strip():
        return None
    return Agreed(
        is_tcp="TCP" in spec.partition(";")[0].upper() or "interleaved" in spec.lower(),
        channels=_pair(_INTERLEAVED, spec, range(256)),
        server_ports=_pair(_SERVER_PORT, spec, _PORT_NUMBERS),
        client_ports=_pair(_CLIENT_PORT, spec, _PORT_NUMBERS),
    )


def _pair(pattern: re.Pattern[str], spec: str, allowed: range) -> Pair | None:
    match = pattern.search(spec)
    if match is None:
        return None
    first = int(match[1])
    second = int(match[2]) if match[2] else first + 1
    return (first, second) if first in allowed and second in allowed and first != second else None
