"""A batch as it came, sorted into what will be written: readings, replies, and what is set aside. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from farwatch.domain.device import DeviceReply, StationSecret, StationSecrets
from farwatch.domain.policy import Policy
from farwatch.domain.pollutants import about
from farwatch.domain.reading import NORMAL_FLAG, PERIOD, Reading, is_late, out_of_time
from farwatch.domain.registry import Registry
from farwatch.storage.channels import MOST_HEARD_PER_STATION, Channel
from farwatch.storage.dead_letters import DeadLetter
from farwatch.storage.outages import Outage, overlap
from ingest.clocks import device_time
from ingest.delivery import Delivery
from ingest.payloads import ANY_DEVICE, Decoded, Device, Measurement, Refusal, Route, read, refused, route
from ingest.payloads.topics import Words

NO_SECRET = StationSecret()
UNKNOWN_STATION = "unknown_station"
NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """What a batch is sorted by. `channels` are ids, `heard` counts each station's channels that were never registered;
    `secrets` are those of the stations' HJ 212 frames, by credential; in the `outages` nobody took messages."""

    registry: Registry = field(default_factory=Registry)
    policy: Policy = field(default_factory=Policy)
    channels: dict[Channel, int] = field(default_factory=dict)
    heard: Mapping[str, int] = field(default_factory=dict)
    secrets: StationSecrets = field(default_factory=dict)
    outages: Sequence[Outage] = ()

    def device(self, mn: str) -> Device:
        station = self.registry.stations[mn]
        if station.credential and station.credential not in self.secrets:
            return Device(crc=station.crc, is_locked=True)
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
        return replace(self, channels={**self.channels, **ids}, heard=heard)


@dataclass(slots=True)
class Batch:
    """What will be written, and by delivery what to answer after that. `heard` are channels to be made, `clocks` what
    stations' clocks said."""

    readings: list[Reading] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    replies: list[DeviceReply] = field(default_factory=list)
    answers: list[bytes | None] = field(default_factory=list)
    heard: set[Channel] = field(default_factory=set)
    clocks: list[tuple[str, datetime]] = field(default_factory=list)


def sort(
    city: City, deliveries: Sequence[Delivery], received_at: datetime, allowances: Mapping[str, timedelta]
) -> Batch:
    """`allowances` are added to what a station calls the time."""
    batch = Batch()
    for delivery in deliveries:
        to = route(delivery.topic)
        decoded = _decode(city, to, delivery, received_at)
        batch.letters += (letter(delivery, refusal, received_at) for refusal in decoded.refusals)
        for measurement in decoded.measurements:
            allowance = allowances.get(measurement.mn, NO_TIME)
            refusal = _take(city, batch, measurement, received_at, allowance)
            if refusal is not None:
                batch.letters.append(letter(delivery, refusal, received_at))
        batch.replies += decoded.replies
        batch.answers.append(decoded.answer)
    return batch


def letter(delivery: Delivery, refusal: Refusal, received_at: datetime) -> DeadLetter:
    to = route(delivery.topic)
    # Names that nobody registered are made up by the thousand: they share one source's quota.
    source = "unknown" if isinstance(to, Refusal) or refusal.reason == UNKNOWN_STATION else to.mn
    return DeadLetter(source, delivery.topic, delivery.payload, refusal.reason, refusal.detail, received_at)


def _decode(city: City, to: Route | Refusal, delivery: Delivery, received_at: datetime) -> Decoded:
    if isinstance(to, Refusal):
        return Decoded(refusals=(to,))
    if to.mn not in city.registry.stations:
        return refused(UNKNOWN_STATION, to.mn[:80])
    device = city.device(to.mn) if to.words is Words.HJ212 else ANY_DEVICE
    return read(to, delivery.payload, received_at, device, city.unit)


def _take(
    city: City, batch: Batch, m: Measurement, received_at: datetime, allowance: timedelta
) -> Refusal | None:
    """Adds the measurement's readings. A code that nobody registered is heard, up to a number a station."""
    device_at = device_time(m.kind, m.ts, m.sent_at)
    if device_at is not None:
        batch.clocks.append((m.mn, device_at))
    wrong = out_of_time(m.ts, received_at, allowance)
    if wrong is not None:
        return Refusal(wrong, m.ts.isoformat())
    ends_at = m.ts + allowance + PERIOD[m.kind]
    excused = overlap(city.outages, ends_at, received_at) if city.outages else NO_TIME
    late = is_late(m.kind, ts=m.ts, received_at=received_at, excused=excused, clock_offset=allowance)
    too_many = _hear(city, batch, m)
    batch.readings += [
        Reading(
            m.mn, code, m.kind, m.ts, value, received_at,
            m.converted.get(code), m.minima.get(code), m.maxima.get(code), m.amounts.get(code),
            m.flags.get(code, NORMAL_FLAG), late,
        )
        for code, value in m.values.items()
        if code not in too_many
    ]  # fmt: skip
    return Refusal("too_many_codes", ",".join(too_many)[:200]) if too_many else None


def _hear(city: City, batch: Batch, m: Measurement) -> list[str]:
    """Notes the channels that are to be made. Gives the codes that there is no room for."""
    new = [code for code in m.values if (m.mn, code) not in city.channels and (m.mn, code) not in batch.heard]
    if not new:
        return []
    room = MOST_HEARD_PER_STATION - city.heard.get(m.mn, 0) - sum(1 for mn, _ in batch.heard if mn == m.mn)
    room = max(room, 0)
    batch.heard.update((m.mn, code) for code in new[:room])
    return new[room:]
