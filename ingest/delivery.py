"""What a way in hands to the intake, whichever way it came."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it came; `generation` is the connection it came on. A payload that is too large to be taken is cut
    one byte after what is allowed, so that what waits here stays small. Frames over TCP come as `hj212/{MN}/up`."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int
    generation: int
