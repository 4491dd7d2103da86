"""The registry as it is now: loaded anew when its version has grown."""

from collections.abc import Awaitable, Callable

from farwatch.domain.registry import Registry
from farwatch.storage import registry as store
from farwatch.storage.database import Connection, Pool


class RegistryCache:
    def __init__(self, pool: Pool, load: Callable[[Connection], Awaitable[Registry]]) -> None:
        self._pool = pool
        self._load = load
        self._registry: Registry | None = None

    async def current(self) -> Registry:
        """One small query when nothing changed."""
        async with self._pool.acquire() as connection:
            if self._registry is None or self._registry.version != await store.version(connection):
                self._registry = await self._load(connection)
            return self._registry
