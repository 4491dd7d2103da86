"""The database as the compose file makes it: one role owns the schema, another writes the rows."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from farwatch.storage import registry
from farwatch.storage.database import connect, open_pool
from farwatch.storage.migration import migrate
from server.embedded.postgres import EmbeddedPostgres
from server.registry.commands import import_
from tests.unit.registry.sample import write_city

SCRIPT = Path(__file__).parents[2] / "deploy" / "postgres" / "10-service-role.sh"


@pytest.mark.skipif(not shutil.which("psql"), reason="psql is not installed")
async def test_the_service_role_of_the_shipped_script_imports_a_city_and_owns_nothing(
    tmp_path: Path, data_dir: Path
) -> None:
    server = EmbeddedPostgres(tmp_path / "pg", settings={"fsync": "off"})
    server.start()
    try:
        owner, service = server.url(), server.url(user="farwatch")
        run_script(owner)
        await migrate(owner, service)
        async with open_pool(service) as pool:
            now = datetime(2026, 11, 22, tzinfo=UTC)
            report = await import_(write_city(tmp_path / "city"), pool, data_dir, prune=False, now=now)
            assert report.version == 1, report.lines
            for sql in (
                "CREATE TABLE mine (n int)",
                "DROP TABLE zones",
                "DELETE FROM log",
                "DELETE FROM migrations",
            ):
                with pytest.raises(Exception, match=r"permission denied|must be owner"):
                    await pool.execute(sql)
        connection = await connect(service)
        assert await registry.version(connection) == 1
        await connection.close()
    finally:
        server.stop(immediate=True)


def run_script(owner: str) -> None:
    environment = {
        **os.environ,
        "PGHOST": parse_qs(urlsplit(owner).query)["host"][0],
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "farwatch",
        "FARWATCH_SERVICE_PASSWORD": "it's-quoted",
    }
    subprocess.run(
        ["sh", str(SCRIPT)], env=environment, check=True, capture_output=True, text=True, timeout=30
    )
