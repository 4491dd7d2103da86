"""Hears how stations speak that wrap HJ 212 in MQTT, so that commands can go down to them in their dialect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from farwatch.domain.device import StationSecrets, Way
from farwatch.domain.registry import Registry
from farwatch.runtime.clock import Clock
from ingest.delivery import Delivery
from ingest.hj212.framer import frames_of
from ingest.loggers.admission import proven
from ingest.loggers.heard import Heard
from ingest.loggers.server import Take


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerEar:
    """Goes around the intake's `take`. A station is listened to once in a while, and closely while it owes an answer."""

    take_batch: Take
    registry: Callable[[], Registry]
    secrets: StationSecrets
    heard: Heard
    clock: Clock

    async def take(self, deliveries: Sequence[Delivery]) -> Sequence[bytes | None]:
        """As the intake's: once the batch is committed."""
        answers = await self.take_batch(deliveries)
        for delivery in deliveries:
            match delivery.topic.split("/"):
                case ["hj212", mn, "up"]:
                    self._hear(mn, delivery.payload)
                case _:
                    pass
        return answers

    def _hear(self, mn: str, payload: bytes) -> None:
        now = self.clock.now()
        station = self.registry().stations.get(mn)
        if station is None or not self.heard.wants_to_hear(mn, now):
            return
        secret = self.secrets.get(station.credential)
        for frame in frames_of(payload, None if secret is None else secret.sm4_key):
            admitted = proven(frame, station, self.secrets)
            if admitted.packet is not None:
                self.heard.note(admitted.packet, admitted.checksum, Way.MQTT, "", now)
