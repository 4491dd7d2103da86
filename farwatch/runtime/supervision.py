"""Services under one TaskGroup: each names the errors that pass, everything else stops the process loudly."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

STEADY_AFTER_S = 60.0
"""A run that lasted this long starts the delays over."""


class ServiceEndedError(RuntimeError):
    """A service that should run for ever returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`run` tells the straight story of one session and raises; the supervisor does the retrying.

    `passing` are the errors worth another try, after `first_delay_s` doubling up to `longest_delay_s`, with jitter.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    passing: tuple[type[Exception], ...] = ()
    first_delay_s: float = 0.2
    longest_delay_s: float = 10.0


async def keep_running(service: Service) -> None:
    """Runs the service for ever. Raises what is not passing, and ServiceEndedError when it returns."""
    loop = asyncio.get_running_loop()
    delay_s, failures = service.first_delay_s, 0
    while True:
        began = loop.time()
        try:
            await service.run()
        except service.passing as error:
            if loop.time() - began >= STEADY_AFTER_S:
                delay_s, failures = service.first_delay_s, 0
            level = logging.WARNING if failures == 0 else logging.DEBUG
            log.log(level, "%s failed, trying again: %s: %s", service.name, type(error).__name__, error)
            failures += 1
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, service.longest_delay_s)
        else:
            raise ServiceEndedError(f"{service.name} has finished unexpectedly")


async def run_services(services: Sequence[Service], stop: asyncio.Event) -> None:
    """Runs all services until `stop` is set, then cancels them; raises the first error that is not passing."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(keep_running(s), name=s.name) for s in services]
        await stop.wait()
        for task in tasks:
            task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
