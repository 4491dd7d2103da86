"""Driving times by road from an OSRM server of the city's own. Nothing waits for it longer than BUDGET_S."""

import asyncio
import logging
import math
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import httpx
import orjson

from alerting import metrics
from farwatch.domain.place import Position
from farwatch.runtime.clock import Clock, SystemClock

log = logging.getLogger(__name__)

BUDGET_S = 0.3
REST_S = 10.0
"""After a failure nobody is asked for so long."""
MOST_POINTS = 100
"""OSRM's own bound of a table, as shipped (max-table-size)."""
MOST_BYTES = 1 << 20
LONGEST_S = 86_400.0
KEPT_S = 120.0
TABLES_KEPT = 20

Pair = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Table:
    """Driving times by officer and task; a pair without a road, or beyond the server's bound, is not in it. `slow`: it was asked in
    vain."""

    etas_s: Mapping[Pair, float] = field(default_factory=dict)
    slow: bool = False


class Roads:
    """`url` such as http://10.0.0.5:5000; None: there is no router."""

    def __init__(self, url: str | None = None, clock: Clock | None = None) -> None:
        self._url = url.rstrip("/") if url else None
        self._monotonic = (clock or SystemClock()).monotonic
        self._rests_until_s = -math.inf
        self._client: httpx.AsyncClient | None = None
        self._told: deque[tuple[float, Mapping[Pair, float]]] = deque(maxlen=TABLES_KEPT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.aclose()

    @property
    def known(self) -> bool:
        return self._url is not None

    def recent(self) -> Mapping[Pair, float]:
        """What was told within KEPT_S: the second officer of a task is looked for without asking again."""
        since_s = self._monotonic() - KEPT_S
        return {pair: eta_s for at_s, told in self._told if at_s >= since_s for pair, eta_s in told.items()}

    async def table(self, starts: Mapping[str, Position], ends: Mapping[int, Position]) -> Table:
        """From every start to every end, as many as the server takes. Never raises for what the server does."""
        if self._url is None or not starts or not ends:
            return Table()
        if self._monotonic() < self._rests_until_s:
            metrics.ROADS.labels("resting").inc()
            return Table(slow=True)
        tasks = list(ends)[: MOST_POINTS // 2]
        officers = list(starts)[: MOST_POINTS - len(tasks)]
        points = [*(starts[o] for o in officers), *(ends[t] for t in tasks)]
        try:
            async with asyncio.timeout(BUDGET_S):
                body = await self._ask(_path(self._url, points, len(officers)))
            rows = _durations(body, len(officers), len(tasks))
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            self._rests_until_s = self._monotonic() + REST_S
            metrics.ROADS.labels("slow" if isinstance(error, TimeoutError) else "failed").inc()
            log.warning("the router is left alone for %.0f s: %s", REST_S, type(error).__name__)
            return Table(slow=True)
        metrics.ROADS.labels("answered").inc()
        etas_s = {
            (officer, task): eta_s
            for officer, row in zip(officers, rows, strict=True)
            for task, eta_s in zip(tasks, row, strict=True)
            if eta_s is not None
        }
        self._told.append((self._monotonic(), etas_s))
        return Table(etas_s)

    async def _ask(self, url: str) -> bytes:
        body = b""
        async with self._ready_client().stream("GET", url) as answer:
            if answer.status_code != 200:
                raise ValueError(f"HTTP {answer.status_code}")
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    raise ValueError("the answer is too long")
        return body

    def _ready_client(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=ssl.create_default_context(), trust_env=False, follow_redirects=False, timeout=BUDGET_S
            )
        return self._client


def _path(url: str, points: Sequence[Position], starts: int) -> str:
    """WGS-84, as the map data of a router is; a metre is 0.00001 degrees."""
    listed = ";".join(f"{p.lon:.5f},{p.lat:.5f}" for p in points)
    sources = ";".join(str(n) for n in range(starts))
    destinations = ";".join(str(n) for n in range(starts, len(points)))
    return (
        f"{url}/table/v1/driving/{listed}?sources={sources}&destinations={destinations}&annotations=duration"
    )


def _durations(body: bytes, starts: int, ends: int) -> list[list[float | None]]:
    """The matrix of seconds; None: no road. Raises ValueError for anything else than what was asked for."""
    answer = orjson.loads(body)
    rows = answer.get("durations") if isinstance(answer, dict) and answer.get("code") == "Ok" else None
    if not isinstance(rows, list) or len(rows) != starts:
        raise ValueError("no table of durations")
    for row in rows:
        if not isinstance(row, list) or len(row) != ends or not all(_is_duration(cell) for cell in row):
            raise ValueError("no table of durations")
    return rows


def _is_duration(cell: object) -> bool:
    if cell is None:
        return True
    return isinstance(cell, int | float) and not isinstance(cell, bool) and 0 <= cell <= LONGEST_S
