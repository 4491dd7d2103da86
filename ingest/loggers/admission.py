"""Whether a frame that came over TCP is its station's: registered, from the right address, with the right password. Pure."""

import hmac
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from farwatch.domain.device import StationSecret, StationSecrets
from farwatch.domain.registry import Registry, Station
from ingest.hj212.frame import Frame, FrameVerdict, came_in_clear, is_allowed
from ingest.hj212.framer import one
from ingest.hj212.packet import Malformed, Packet, mn_of, parse

NO_SECRET = StationSecret()


@dataclass(frozen=True, slots=True)
class Turned:
    """Why a frame is turned away here; `mn` is what it claims to be, empty where it names none."""

    mn: str
    reason: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """A frame for the intake, which reads and judges it, and keeps it where it cannot. `packet` is there where the frame
    proves to be its station's: right checksum by the station's policy (`checksum` says which), right password. `is_guess`: it
    has all but the password."""

    mn: str
    packet: Packet | None
    checksum: FrameVerdict = FrameVerdict.FAIL
    is_guess: bool = False


def admit(frame: Frame, address: str, registry: Registry, secrets: StationSecrets) -> Admitted | Turned:
    mn = mn_of(frame.segment or frame.raw)
    if mn is None:
        return Turned("", "no_mn")
    station = registry.stations.get(mn)
    if station is None:
        return Turned(mn, "unknown_station")
    if station.source and not comes_from(station.source, address):
        return Turned(mn, "wrong_source")
    return proven(frame, station, secrets)


def comes_from(source: str, address: str) -> bool:
    """Whether the address is in the network, or is the one address, that the registry names."""
    try:
        return plain_address(address) in ip_network(source, strict=False)
    except ValueError:
        return False


def plain_address(address: str) -> IPv4Address | IPv6Address:
    """An IPv4 address that a socket for both families shows as IPv6 is the IPv4 address. Raises ValueError."""
    seen = ip_address(address.partition("%")[0])
    return seen.ipv4_mapped or seen if isinstance(seen, IPv6Address) else seen


def proven(frame: Frame, station: Station, secrets: StationSecrets) -> Admitted:
    """The station's frame by checksum and password, wherever it came from. A credential that nobody kept proves nothing."""
    unproven = Admitted(station.mn, None)
    secret = secrets.get(station.credential) if station.credential else NO_SECRET
    if secret is None:
        return unproven
    if secret.sm4_key is not None:
        frame = one(frame.raw, secret.sm4_key)
    if not is_allowed(frame, station.crc):
        return unproven
    # The key again: one checksum in 256 also fits what is still sealed.
    packet = parse(frame.segment, secret.sm4_key)
    if isinstance(packet, Malformed) or packet.mn != station.mn:
        return unproven
    if secret.sm4_key is not None and came_in_clear(frame, packet.cn):
        return unproven
    is_right = not secret.password or hmac.compare_digest(packet.pw.encode(), secret.password.encode())
    return (
        Admitted(station.mn, packet, frame.verdict) if is_right else Admitted(station.mn, None, is_guess=True)
    )
