"""A simulated duty officer of the centre: verifies and closes what was handled, so that a city left alone stays alive."""

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from farwatch.runtime.clock import Clock
from simulators.officer_phone import ApiClient, PhoneError

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 10.0
WAITS: Final = {"handled": timedelta(minutes=3), "verified": timedelta(minutes=1)}
"""How long a task rests first: a person at the wall may want to do it."""

MOVES: Final = {"handled": "verify", "verified": "close"}


def due(tasks: Sequence[Mapping[str, Any]], now: datetime) -> list[tuple[int, str]]:
    """Tasks (as the API gives them) that have rested long enough, and what is to be done with each. Pure."""
    return [
        (task["id"], MOVES[task["state"]])
        for task in tasks
        if task["state"] in MOVES
        and now - datetime.fromisoformat(task[f"{task['state']}_at"]) >= WAITS[task["state"]]
    ]


class CentreDesk:
    """Signs in with the centre's account and acts over the HTTP API."""

    def __init__(self, api: ApiClient, password: str, clock: Clock) -> None:
        self._api, self._password, self._clock = api, password, clock

    async def run_once(self) -> None:
        """From sign-in until something fails: raises PhoneError or another of officer_phone's PASSING_ERRORS."""
        await self._api.sign_in("centre", self._password)
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            answer = await self._api.ask("GET", "/api/v1/tasks?state=open&limit=200")
            if answer.status != 200:
                raise PhoneError(f"the server answered {answer.status} to the centre's desk")
            now = self._clock.now()
            for task, move in due(answer.body["items"], now):
                body = {"client_id": str(uuid.uuid4()), "at": now.isoformat()}
                done = await self._api.ask("POST", f"/api/v1/tasks/{task}/{move}", body)
                log.info("centre: %s task %d: %d", move, task, done.status)
