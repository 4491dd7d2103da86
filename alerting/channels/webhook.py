"""A webhook: the message as a CloudEvent, posted and signed. Any 2xx is a receipt; redirects are not followed."""

import asyncio

import httpx

from alerting.channels import SEND_TIMEOUT_S, Address, Failed, Message, Sent
from alerting.channels.addresses import problem_with
from alerting.channels.cloud_event import body_of, headers_of
from farwatch.runtime.clock import Clock

GONE = 410
TOO_MANY = 429
OF_NO_MESSAGE = frozenset({401, 403, 404, 407, 408, 421, 425, TOO_MANY})
"""Answers of 4xx that say nothing about the message: an address, a secret or a moment that is wrong."""
MOST_PATIENCE_S = 3600.0
"""A receiver that asks for more is asked again all the same: it must not silence a channel for days."""


class Webhook:
    """Give it back with `close`."""

    def __init__(self, clock: Clock, timeout_s: float = SEND_TIMEOUT_S) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=timeout_s)

    async def send(self, address: Address, message: Message) -> Sent | Failed:
        if problem_with(address.url):
            return Failed("bad_address", for_good=True)
        body = body_of(message.event)
        headers = headers_of(address.secret, message.key, self._clock.now(), body)
        url = address.url.removeprefix("webhook+")
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream("POST", url, content=body, headers=headers) as answer,
            ):
                return _outcome(answer.status_code, answer.headers.get("retry-after", ""))
        except (TimeoutError, httpx.TimeoutException):
            return Failed("timeout")
        except httpx.ConnectError:
            return Failed("not_reached")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Failed(type(error).__name__)

    async def close(self) -> None:
        await self._client.aclose()


def _outcome(status: int, retry_after: str) -> Sent | Failed:
    if 200 <= status < 300:
        return Sent(delivered=True)
    is_told = retry_after.isdecimal() and len(retry_after) < 7
    after_s = min(float(retry_after), MOST_PATIENCE_S) if is_told else None
    refused = 400 <= status < 500 and status not in OF_NO_MESSAGE
    return Failed(
        f"http_{status}", after_s, for_good=status == GONE, too_many=status == TOO_MANY, refused=refused
    )
