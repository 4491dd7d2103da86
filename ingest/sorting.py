"""A batch as it came, sorted into what will be written: readings, replies, and what is set aside. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from farwatch.domain.device import DeviceReply, StationSecret, StationSecrets
from farwatch.domain.policy import Policy
from farwatch.domain.pollutants import about
from farwatch.domain.reading import PERIOD, Reading, is_late, out_of_time
from farwatch.domain.registry import Registry
from farwatch.storage.channels import MOST_HEARD_PER_STATION, Channel
from farwatch.storage.dead_letters import DeadLetter
from ingest.delivery import Delivery
from ingest.payloads import ANY_DEVICE, Decoded, Device, Measurement, Refusal, Route, read, refused, route
from ingest.payloads.topics import Words

NO_SECRET = StationSecret()


@dataclass(frozen=True, slots=True)
class City:
    """Who is watched. `channels` are ids, `heard` counts each station's channels that were never registered; `secrets` are
    those of the stations' HJ 212 frames, by credential."""

    registry: Registry = field(default_factory=Registry)
    policy: Policy = field(default_factory=Policy)
    channels: dict[Channel, int] = field(default_factory=dict)
    heard: Mapping[str, int] = field(default_factory=dict)
    secrets: StationSecrets = field(default_factory=dict)

    def device(self, mn: str) -> Device:
        station = self.registry.stations[mn]
        secret = self.secrets.get(station.credential, NO_SECRET)
        return Device(crc=station.crc, password=secret.password, sm4_key=secret.sm4_key)

    def unit(self, mn: str, code: str) -> str:
        """As registered, else as the standard has it; empty: nobody knows."""
        channel = self.registry.channels.get((mn, code))
        if channel is not None:
            return channel.unit
        known = about(code)
        return "" if known is None else known.unit

    def with_heard(self, ids: Mapping[Channel, int]) -> "City":
        """The city with these channels too."""
        heard = Counter(self.heard)
        heard.update(mn for mn, _ in ids)
        return City(self.registry, self.policy, {**self.channels, **ids}, heard, self.secrets)


@dataclass(slots=True)
class Batch:
    """What will be written, and by delivery what to answer after that. `heard` are channels to be made."""

    readings: list[Reading] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    replies: list[DeviceReply] = field(default_factory=list)
    answers: list[bytes | None] = field(default_factory=list)
    heard: set[Channel] = field(default_factory=set)


def sort(
    city: City,
    deliveries: Sequence[Delivery],
    received_at: datetime,
    excused: Callable[[datetime, datetime], timedelta],
) -> Batch:
    """`excused(start, end)` is how long of that time nobody took messages."""
    batch = Batch()
    for delivery in deliveries:
        to = route(delivery.topic)
        decoded = _decode(city, to, delivery, received_at)
        refusals = list(decoded.refusals)
        for measurement in decoded.measurements:
            wrong = out_of_time(measurement.ts, received_at)
            if wrong:
                refusals.append(Refusal(wrong, measurement.ts.isoformat()))
            else:
                refusals += _take(city, batch, measurement, received_at, excused)
        batch.replies += decoded.replies
        batch.answers.append(decoded.answer)
        batch.letters += (letter(delivery, refusal, received_at) for refusal in refusals)
    return batch


def letter(delivery: Delivery, refusal: Refusal, received_at: datetime) -> DeadLetter:
    to = route(delivery.topic)
    source = "unknown" if isinstance(to, Refusal) else to.mn
    return DeadLetter(source, delivery.topic, delivery.payload, refusal.reason, refusal.detail, received_at)


def _decode(city: City, to: Route | Refusal, delivery: Delivery, received_at: datetime) -> Decoded:
    if isinstance(to, Refusal):
        return Decoded(refusals=(to,))
    if to.mn not in city.registry.stations:
        return refused("unknown_station", to.mn[:80])
    device = city.device(to.mn) if to.words is Words.HJ212 else ANY_DEVICE
    return read(to, delivery.payload, received_at, device, city.unit)


def _take(
    city: City,
    batch: Batch,
    m: Measurement,
    received_at: datetime,
    excused: Callable[[datetime, datetime], timedelta],
) -> list[Refusal]:
    """Adds the measurement's readings. A code that nobody registered is heard, up to a number a station."""
    late = is_late(
        m.kind, ts=m.ts, received_at=received_at, excused=excused(m.ts + PERIOD[m.kind], received_at)
    )
    too_many: list[str] = []
    for code, value in m.values.items():
        channel = (m.mn, code)
        if channel not in city.channels and channel not in batch.heard:
            if not _has_room(city, batch, m.mn):
                too_many.append(code)
                continue
            batch.heard.add(channel)
        batch.readings.append(
            Reading(
                m.mn, code, m.kind, m.ts, value, received_at,
                m.converted.get(code), m.minima.get(code), m.maxima.get(code), m.amounts.get(code), m.flag(code), late,
            )
        )  # fmt: skip
    return [Refusal("too_many_codes", ",".join(too_many)[:200])] if too_many else []


def _has_room(city: City, batch: Batch, mn: str) -> bool:
    heard = city.heard.get(mn, 0) + sum(1 for other, _ in batch.heard if other == mn)
    return heard < MOST_HEARD_PER_STATION
