"""Where cores are short, cameras stand behind everybody else."""

from pathlib import Path

import pytest

from server.roles.cameras import NICENESS
from tests.support.service import Service
from tests.support.waiting import until


def niceness(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])


@pytest.mark.process
async def test_the_cameras_role_has_the_lower_priority(database_url: str, tmp_path: Path) -> None:
    service = Service(tmp_path, database_url=database_url, camera_processes="1")

    async def theirs() -> int | None:
        pid = service.pid_of("cameras")
        return niceness(pid) if pid else None

    service.start("cameras")
    try:
        await until(theirs, lambda n: n == min(19, niceness(service.pid) + NICENESS))
    finally:
        service.stop()
