"""Answers that are sent bit by bit to readers who may stall."""

import asyncio

from starlette.types import Message, Send


def in_time(send: Send, within_s: float) -> Send:
    """Raises TimeoutError when the reader does not take a message within that time."""

    async def send_in_time(message: Message) -> None:
        async with asyncio.timeout(within_s):
            await send(message)

    return send_in_time
