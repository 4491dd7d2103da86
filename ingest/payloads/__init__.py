"""One normaliser for every way in: whatever a monitor says becomes measurements, or refusals with a name. Pure."""

from datetime import datetime

import orjson

from ingest.payloads import frames, keyed, own, senml
from ingest.payloads.measurement import (
    LARGEST_PAYLOAD_BYTES,
    Decoded,
    Device,
    Measurement,
    Refusal,
    refused,
)
from ingest.payloads.own import encode
from ingest.payloads.senml import UnitOf
from ingest.payloads.topics import Route, Words, route

__all__ = [
    "LARGEST_PAYLOAD_BYTES",
    "Decoded",
    "Device",
    "Measurement",
    "Refusal",
    "Route",
    "decode",
    "encode",
    "read",
    "refused",
    "route",
]

ANY_DEVICE = Device()


def no_unit(_mn: str, _code: str) -> str:
    """Every value is in its channel's unit."""
    return ""


def decode(
    topic: str,
    payload: bytes,
    received_at: datetime,
    device: Device = ANY_DEVICE,
    unit_of: UnitOf = no_unit,
) -> Decoded:
    """Never raises: whatever is not a measurement is a refusal with its reason. The topic's station need not exist."""
    to = route(topic)
    if isinstance(to, Refusal):
        return Decoded(refusals=(to,))
    return read(to, payload, received_at, device, unit_of)


def read(to: Route, payload: bytes, received_at: datetime, device: Device, unit_of: UnitOf) -> Decoded:
    """`decode` where the topic's route is known. Times are taken as they are said."""
    if len(payload) > LARGEST_PAYLOAD_BYTES:
        return refused("payload_too_large", f"more than {LARGEST_PAYLOAD_BYTES} bytes")
    if to.words is Words.HJ212:
        return frames.decode(to.mn, payload, received_at, device)
    try:
        said = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return refused("bad_json", str(error)[:200])
    if to.words is Words.SENML:
        return senml.decode(to, said, received_at, unit_of)
    if keyed.is_keyed(said):
        return keyed.decode(to, said)
    measured = own.measurement(to, said)
    return Decoded(refusals=(measured,)) if isinstance(measured, Refusal) else Decoded((measured,))
