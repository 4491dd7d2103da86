"""How each station was heard last, to speak to it as it speaks, and what comes of history that was asked for."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from farwatch.domain.device import DeviceCommand, StationLink, Way
from ingest.hj212.packet import Packet
from ingest.loggers.exchange import NOTHING_YET, UPLOADS, Progress

HEARD_EVERY = timedelta(seconds=10)
SYSTEM_INTERACTION = "91"
WRITTEN_EVERY = timedelta(seconds=60)
MQTT_FRESH = timedelta(minutes=15)
"""How long after its last frame a station counts as listening to the broker."""


@dataclass(frozen=True, slots=True)
class _Awaited:
    cn: str
    begins: str
    ends: str
    progress: Progress


@dataclass(slots=True)
class Heard:
    """One entry a registered station; the store's rows are what a restart begins with."""

    links: dict[str, StationLink] = field(default_factory=dict)
    _passwords: dict[str, str] = field(default_factory=dict, repr=False)
    _written: dict[str, StationLink] = field(default_factory=dict)
    _awaited: dict[str, _Awaited] = field(default_factory=dict)

    def note(self, packet: Packet, checksum: str, way: Way, address: str, now: datetime) -> None:
        """A packet that has proven to be its station's."""
        # What a logger answers bears the system type of the exchange (91), not its own.
        before = self.links.get(packet.mn)
        system = packet.st
        if system == SYSTEM_INTERACTION:
            system = "" if before is None else before.system
        self.links[packet.mn] = StationLink(
            mn=packet.mn,
            way=way,
            dialect=packet.dialect,
            system=system,
            checksum=checksum,
            address=address,
            heard_at=now,
        )
        self._passwords[packet.mn] = packet.pw
        awaited = self._awaited.get(packet.mn)
        if (
            awaited is not None
            and packet.cn in UPLOADS
            and awaited.cn == packet.cn
            and _lies_in(packet, awaited)
        ):
            progress = Progress(awaited.progress.packets + 1, now)
            self._awaited[packet.mn] = _Awaited(awaited.cn, awaited.begins, awaited.ends, progress)

    def password(self, mn: str) -> str:
        """What the station's own frames bear: a logger that no secret is kept for answers to that. Empty if none came."""
        return self._passwords.get(mn, "")

    def listens_to_broker(self, mn: str, now: datetime) -> bool:
        """Since our start at least once: its password is known only from its frames."""
        link = self.links.get(mn)
        is_fresh = link is not None and link.way is Way.MQTT and now - link.heard_at < MQTT_FRESH
        return is_fresh and mn in self._passwords

    def wants_to_hear(self, mn: str, now: datetime) -> bool:
        """Whether a frame over the broker is worth being read a second time."""
        link = self.links.get(mn)
        is_fresh = link is not None and link.way is Way.MQTT and now - link.heard_at < HEARD_EVERY
        return mn in self._awaited or mn not in self._passwords or not is_fresh

    def expect(self, command: DeviceCommand) -> Progress:
        """What has come of the one command that the station is about; the first call begins the count."""
        awaited = self._awaited.get(command.mn)
        begins = command.parameters.get("BeginTime", "")
        ends = command.parameters.get("EndTime", "")
        if awaited is None or (awaited.cn, awaited.begins, awaited.ends) != (command.command, begins, ends):
            awaited = self._awaited[command.mn] = _Awaited(command.command, begins, ends, NOTHING_YET)
        return awaited.progress

    def expect_nothing(self, mn: str) -> None:
        self._awaited.pop(mn, None)

    def unwritten(self) -> list[StationLink]:
        """The links that differ from their rows; where only the time does, once a minute."""
        return [link for mn, link in self.links.items() if _is_news(link, self._written.get(mn))]

    def adopt(self, written: list[StationLink]) -> None:
        """After the commit, or as loaded."""
        for link in written:
            self._written[link.mn] = link
            self.links.setdefault(link.mn, link)


def _is_news(link: StationLink, row: StationLink | None) -> bool:
    return (
        row is None
        or link.heard_at - row.heard_at > WRITTEN_EVERY
        or (link.way, link.dialect, link.system, link.checksum, link.address)
        != (row.way, row.dialect, row.system, row.checksum, row.address)
    )


def _lies_in(packet: Packet, awaited: _Awaited) -> bool:
    """Times of one form and zone compare as texts."""
    if not awaited.begins:
        return True
    return awaited.begins <= (packet.field("DataTime") or "")[:14] <= awaited.ends
