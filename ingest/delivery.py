"""What a way in hands to the intake, whichever way it came, and how often."""

import asyncio
from dataclasses import dataclass

BATCHES_APART_S = 0.01
"""A commit costs as much as dozens of readings: few messages a second have one each, many share."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it came; `generation` is the connection it came on. A payload that is too large to be taken is cut
    one byte after what is allowed, so that what waits here stays small. Frames over TCP come as `hj212/{MN}/up`."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int
    generation: int


async def next_turn(began_s: float) -> None:
    """Waits until another batch may begin, when one began at `began_s` of the running loop's time."""
    await asyncio.sleep(began_s + BATCHES_APART_S - asyncio.get_running_loop().time())
