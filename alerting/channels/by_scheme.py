"""The way out that an address names: `webhook+https://…`, `dingtalk://…`, `wecombot://…`, `feishu://…`, else what apprise knows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from alerting.channels import SEND_TIMEOUT_S, Address, Failed, Message, Sent
from alerting.channels.addresses import WEBHOOKS
from alerting.channels.apprise_channel import AppriseChannel
from alerting.channels.robots import ROBOTS, Robots
from alerting.channels.webhook import Webhook
from farwatch.runtime.clock import Clock


class ByScheme:
    """All channels as one."""

    def __init__(self, webhook: Webhook, robots: Robots, others: AppriseChannel) -> None:
        self._webhook = webhook
        self._robots = robots
        self._others = others

    @classmethod
    @asynccontextmanager
    async def opened(cls, clock: Clock, timeout_s: float = SEND_TIMEOUT_S) -> AsyncIterator[Self]:
        hook, robots = Webhook(clock, timeout_s), Robots(clock, timeout_s)
        try:
            yield cls(hook, robots, AppriseChannel(timeout_s=timeout_s))
        finally:
            await hook.close()
            await robots.close()

    async def send(self, address: Address, message: Message) -> Sent | Failed:
        if address.scheme in WEBHOOKS:
            return await self._webhook.send(address, message)
        if address.scheme in ROBOTS:
            return await self._robots.send(address, message)
        return await self._others.send(address, message)
