"""A small city with people in it, and the web application over it."""

from pathlib import Path

import pytest

from farwatch.storage.database import Pool
from tests.support.web_house import House, a_city


@pytest.fixture
async def house(pool: Pool, tmp_path: Path) -> House:
    await a_city(pool)
    return House(pool, tmp_path)
