"""Ways out of the house: each sends one message to one address, and says what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

SEND_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Address:
    """What secrets.toml says of a channel. `secret` signs what a webhook is sent; empty: unsigned."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)

    @property
    def scheme(self) -> str:
        return self.url.partition("://")[0].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`text` for people, `event` (a CloudEvent) for programs; both go out with the same `key`, by which receivers know repeats."""

    key: str
    title: str
    text: str
    event: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Sent:
    """`delivered`: the receiver itself answered, not a messenger on its way to somebody."""

    delivered: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """`reason` holds no address and no secret. `for_good`: the way there leads nowhere; `too_many`: the messenger wants to hear
    nothing for a while; `refused`: it does not take this message, and would take another."""

    reason: str
    retry_after_s: float | None = None
    for_good: bool = False
    too_many: bool = False
    refused: bool = False


class Channel(Protocol):
    async def send(self, address: Address, message: Message) -> Sent | Failed:
        """Within SEND_TIMEOUT_S; raises nothing but what a cancelled task raises."""
        ...
