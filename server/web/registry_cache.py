"""The registry as it is now: loaded anew when its version has grown or a station was heard with a new code."""

from collections.abc import Awaitable, Callable

from farwatch.domain.registry import Registry
from farwatch.storage import registry as store
from farwatch.storage.database import Connection, Pool


class RegistryCache:
    def __init__(self, pool: Pool, load: Callable[[Connection], Awaitable[Registry]]) -> None:
        self._pool = pool
        self._load = load
        self._loaded: tuple[tuple[int, int], Registry] | None = None

    async def current(self) -> Registry:
        """One small query when nothing changed."""
        async with self._pool.acquire() as connection:
            state = await store.state(connection)
            if self._loaded is None or self._loaded[0] != state:
                self._loaded = (state, await self._load(connection))
            return self._loaded[1]
