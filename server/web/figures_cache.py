"""The day's figures, counted once for all who ask."""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from farwatch.storage import figures
from farwatch.storage.camera_status import STALE_AFTER_S
from farwatch.storage.database import Pool
from farwatch.storage.figures import Figures

CITY_ZONE = ZoneInfo("Asia/Shanghai")
FRESH_S = 5.0


class FiguresCache:
    """Asked once for all walls, at most each FRESH_S seconds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counting = asyncio.Lock()
        self._figures: Figures | None = None
        self._counted_at_s = float("-inf")

    async def today(self, now: datetime, now_s: float) -> Figures:
        async with self._counting:
            since = midnight(now)
            if self._figures is None or self._figures.since != since or now_s - self._counted_at_s >= FRESH_S:
                self._figures = await figures.since(self._pool, since, STALE_AFTER_S)
                self._counted_at_s = now_s
            return self._figures


def midnight(now: datetime) -> datetime:
    """When this day began in the city."""
    return now.astimezone(CITY_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
