"""Everything else that apprise can reach. Its plug-ins raise anything and block, so each message has a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

import apprise

from alerting.channels import SEND_TIMEOUT_S, Address, Failed, Message, Sent
from alerting.channels.cloud_event import body_of

PROGRAMS = ("mqtt", "mqtts")
"""Schemes whose receivers are programs: they get the CloudEvent."""
Send = Callable[[str, str, str], bool]
"""(address, title, body) -> taken. Runs in a thread, may raise anything."""


def send_by_apprise(address: str, title: str, body: str) -> bool:
    """Never follows a redirect, which could carry the address's credential to another host."""
    messenger = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False, async_mode=False))
    return bool(messenger.add(address)) and bool(messenger.notify(body=body, title=title))


class AppriseChannel:
    """A thread that hangs is left behind, and ends with the process."""

    def __init__(self, send: Send = send_by_apprise, timeout_s: float = SEND_TIMEOUT_S) -> None:
        self._send = send
        self._timeout_s = timeout_s

    async def send(self, address: Address, message: Message) -> Sent | Failed:
        to_program = address.scheme in PROGRAMS
        title = "" if to_program else message.title
        body = body_of(message.event).decode() if to_program else message.text
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._in_thread(address.url, title, body)
        except TimeoutError:
            return Failed("timeout")

    async def _in_thread(self, url: str, title: str, body: str) -> Sent | Failed:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Sent | Failed] = loop.create_future()

        def settle(outcome: Sent | Failed) -> None:
            if not done.done():
                done.set_result(outcome)

        def run() -> None:
            outcome = self._try(url, title, body)
            with contextlib.suppress(
                RuntimeError
            ):  # the loop has ended meanwhile, and whoever waited with it
                loop.call_soon_threadsafe(settle, outcome)

        threading.Thread(target=run, name="notice", daemon=True).start()
        return await done

    def _try(self, url: str, title: str, body: str) -> Sent | Failed:
        try:
            return Sent() if self._send(url, title, body) else Failed("refused")
        except Exception as error:  # noqa: BLE001 - the boundary to messengers' plug-ins, which raise anything
            return Failed(type(error).__name__)
