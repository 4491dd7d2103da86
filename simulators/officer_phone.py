"""A simulated officer's phone: signs in, asks for his tasks every few seconds, tells where he is, acts."""

import asyncio
import http.client
import json
import logging
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from farwatch.runtime.clock import Clock
from simulators.officers import Act, OfficerOnDuty

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 4.0
ANSWER_TIMEOUT_S = 10.0


class PhoneError(Exception):
    """The server cannot be reached or does not let this officer in."""


PASSING_ERRORS: tuple[type[Exception], ...] = (PhoneError, OSError, http.client.HTTPException, TimeoutError)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any


class ApiClient:
    """The HTTP API for one signed-in user: a connection for each request, made in a thread."""

    def __init__(self, base_url: str, certificate: Path | None = None) -> None:
        """`certificate` is what an https server must show; whose name it bears is not asked."""
        parts = urlsplit(base_url)
        assert parts.hostname
        assert parts.port
        self._host, self._port = parts.hostname, parts.port
        self._cookie = ""
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._tls = ssl.create_default_context(cafile=certificate)
            self._tls.check_hostname = False

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=ANSWER_TIMEOUT_S, context=self._tls
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_TIMEOUT_S)

    async def sign_in(self, name: str, password: str) -> Mapping[str, Any]:
        """Raises PhoneError when the server refuses."""
        answer = await self.ask("POST", "/api/v1/session", {"name": name, "password": password})
        if answer.status != 200:
            raise PhoneError(f"{name} cannot sign in: {answer.status}")
        signed_in: Mapping[str, Any] = answer.body
        return signed_in

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        return await asyncio.to_thread(self._ask, method, path, body)

    def _ask(self, method: str, path: str, body: object) -> Answer:
        connection = self._connect()
        try:
            headers = {"Cookie": self._cookie} if self._cookie else {}
            content = None
            if body is not None:
                content = json.dumps(body).encode()
                headers["Content-Type"] = "application/json"
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            read = response.read()
            if set_cookie := response.getheader("Set-Cookie"):
                self._cookie = set_cookie.partition(";")[0]
            is_json = (response.getheader("Content-Type") or "").startswith("application/json")
            return Answer(response.status, json.loads(read) if read and is_json else None)
        finally:
            connection.close()


async def is_ready(api: ApiClient) -> bool:
    """The service answers, and says that it is of use."""
    try:
        return (await api.ask("GET", "/readyz")).status == 200
    except PASSING_ERRORS:
        return False


class Phone:
    """One officer on duty, over the API."""

    def __init__(self, api: ApiClient, name: str, password: str, duty: OfficerOnDuty, clock: Clock) -> None:
        self._api = api
        self._name, self._password = name, password
        self._duty, self._clock = duty, clock

    async def run_once(self) -> None:
        """From sign-in until something fails: raises one of PASSING_ERRORS."""
        await self._api.sign_in(self._name, self._password)
        looked_at = self._clock.monotonic()
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            passed_s, looked_at = self._clock.monotonic() - looked_at, self._clock.monotonic()
            await self._step(passed_s)

    async def _step(self, passed_s: float) -> None:
        tasks = await self._told(await self._api.ask("GET", "/api/v1/tasks?state=open&limit=50"))
        act = self._duty.act(tasks["items"], self._clock.now(), passed_s)
        at = self._duty.seen_at()
        position = {"lat": at.lat, "lon": at.lon, "accuracy_m": at.accuracy_m}
        now = self._clock.now().isoformat()
        await self._told(await self._api.ask("POST", "/api/v1/position", {**position, "at": now}))
        if act is not None:
            await self._do(act, position)

    async def _do(self, act: Act, position: Mapping[str, Any]) -> None:
        """A refusal is part of the game: somebody else was faster, or he is not near enough yet."""
        body = {"client_id": str(uuid.uuid4()), "at": self._clock.now().isoformat(), "position": position}
        if act.note:
            body["note"] = act.note
        answer = await self._api.ask("POST", f"/api/v1/tasks/{act.task}/{act.move}", body)
        if answer.status == 409:
            log.info("%s may not %s task %d: %s", self._name, act.move, act.task, answer.body["error"]["key"])
            return
        await self._told(answer)
        log.info("%s: %s task %d", self._name, act.move, act.task)

    async def _told(self, answer: Answer) -> Any:
        if answer.status >= 400:
            raise PhoneError(f"the server answered {answer.status} to {self._name}")
        return answer.body
