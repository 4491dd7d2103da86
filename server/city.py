"""The city as it is now: registry and policy by version, secrets by the file's time of change."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from alerting.channels import Address
from farwatch.domain.device import StationSecrets
from farwatch.domain.policy import Policy
from farwatch.domain.registry import Registry
from farwatch.storage import registry
from farwatch.storage.database import Pool
from server.registry.secret_file import FILE_NAME, Secrets, SecretsError, load_secrets

log = logging.getLogger(__name__)

V = TypeVar("V")


class CityCache:
    """`current` costs one small query unless an import changed something or a station was heard with a new code."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._state: tuple[int, int] | None = None
        self._loaded: tuple[Registry, Policy] | None = None

    async def current(self) -> tuple[Registry, Policy]:
        async with self._pool.acquire() as connection:
            state = await registry.state(connection)
            if self._loaded is None or self._state != state:
                self._loaded = (await registry.load(connection), await registry.load_policy(connection))
                self._state = state
            return self._loaded


class LiveSecrets(Mapping[str, V]):
    """A part of secrets.toml, read again when an import replaced the file. While it cannot be read, what it said last counts."""

    def __init__(self, data_dir: Path, part: Callable[[Secrets], Mapping[str, V]]) -> None:
        self._data_dir = data_dir
        self._part = part
        self._read_at_ns = -1
        self._values: Mapping[str, V] = {}

    def _current(self) -> Mapping[str, V]:
        try:
            changed_at_ns = (self._data_dir / FILE_NAME).stat().st_mtime_ns
        except FileNotFoundError:
            changed_at_ns = 0
        if changed_at_ns != self._read_at_ns:
            self._read_at_ns = changed_at_ns
            try:
                self._values = self._part(load_secrets(self._data_dir))
            except (SecretsError, OSError) as error:
                log.warning("%s cannot be used, what it said before goes on: %s", FILE_NAME, error)
        return self._values

    def __getitem__(self, name: str) -> V:
        return self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())


def camera_accounts(secrets: Secrets) -> Mapping[str, tuple[str, str]]:
    """(user, password) by the name that registry rows give."""
    return {name: (c.user, c.password) for name, c in secrets.credentials.items()}


def notice_channels(secrets: Secrets) -> Mapping[str, str]:
    """Addresses of notice channels by name."""
    return secrets.channels


def notice_addresses(secrets: Secrets) -> Mapping[str, Address]:
    """The same, with the secrets that sign what goes there."""
    return {name: Address(url, secrets.signing.get(name, "")) for name, url in secrets.channels.items()}


def station_secrets(secrets: Secrets) -> StationSecrets:
    """Passwords and keys of HJ 212 frames by the name that a station's row gives."""
    return secrets.stations
