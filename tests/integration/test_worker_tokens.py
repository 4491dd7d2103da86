"""`farwatch worker-token`: told once, kept as a hash, revoked by number."""

from pathlib import Path

from farwatch.domain.share import Share
from farwatch.storage import worker_tokens
from farwatch.storage.database import Pool
from tests.support.service import Service


async def test_a_token_is_told_once_listed_without_it_and_revoked(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    service = Service(tmp_path / "service", database_url=database_url)
    added = service.run("worker-token", "add", "--share", "2/4", "--share", "3/4")
    token = added.stdout.strip()
    assert (added.returncode, len(token), added.stderr) == (0, 43, "")
    found = await worker_tokens.find(pool, token)
    assert found is not None
    assert found.shares == (Share(1, 4), Share(2, 4))
    listed = service.run("worker-token", "list").stdout
    assert "2/4 3/4" in listed
    assert "good" in listed
    assert token not in listed
    assert token not in str([dict(row) for row in await pool.fetch("SELECT * FROM worker_tokens, audit")])
    assert service.run("worker-token", "revoke", str(found.id)).returncode == 0
    assert await worker_tokens.find(pool, token) is None
    again = service.run("worker-token", "revoke", str(found.id))
    assert (again.returncode, again.stderr) == (
        2,
        f"farwatch: there is no token {found.id} that is still good\n",
    )
    actions = [row["action"] for row in await pool.fetch("SELECT action FROM audit ORDER BY id")]
    assert actions == ["worker_token_added", "worker_token_revoked"]


def test_what_is_no_share_is_told_in_one_line(database_url: str, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", database_url=database_url)
    for command in (["worker-token", "add"], ["cameras"]):
        ended = service.run(*command, "--share", "5/4")
        assert ended.returncode == 2
        assert "a share looks like 2/4, the second of four; not '5/4'" in ended.stderr
