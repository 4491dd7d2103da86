"""One normaliser for every way in: whatever a monitor says becomes measurements, or refusals with a name. Pure."""

from datetime import datetime

from ingest.payloads import own
from ingest.payloads.measurement import (
    LARGEST_PAYLOAD_BYTES,
    Decoded,
    Device,
    Measurement,
    Refusal,
    refused,
)
from ingest.payloads.own import encode
from ingest.payloads.topics import Route, route

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


def decode(topic: str, payload: bytes, received_at: datetime, device: Device = ANY_DEVICE) -> Decoded:
    """Never raises: whatever is not a measurement is a refusal with its reason. The topic's station need not exist."""
    to = route(topic)
    if isinstance(to, Refusal):
        return Decoded(refusals=(to,))
    return read(to, payload, received_at, device)


def read(to: Route, payload: bytes, _received_at: datetime, _device: Device = ANY_DEVICE) -> Decoded:
    """`decode` where the topic's route is known."""
    if len(payload) > LARGEST_PAYLOAD_BYTES:
        return refused("payload_too_large", f"more than {LARGEST_PAYLOAD_BYTES} bytes")
    said = own.decode(to.mn, to.kind, payload)
    return Decoded(refusals=(said,)) if isinstance(said, Refusal) else Decoded((said,))
