"""`farwatch feed-token`: a token is told once, listed by name, and answered until it is revoked."""

import argparse

import pytest

from farwatch.storage import feed_tokens
from farwatch.storage.database import Pool
from server import feed_token_commands
from server.commands import CommandError
from server.settings import Settings


async def run(url: str, action: str, **args: object) -> int:
    return await feed_token_commands.run(Settings(database_url=url), action, argparse.Namespace(**args))


async def test_a_token_from_its_making_to_its_end(
    database_url: str, pool: Pool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(database_url, "add", name=" 城运中心 ") == 0
    token = capsys.readouterr().out.strip()
    found = await feed_tokens.find(pool, token)
    assert found is not None
    assert (found.name, found.last_used_at) == ("城运中心", None)
    stored = await pool.fetchval("SELECT token_sha256 FROM feed_tokens")
    assert token.encode() not in stored
    assert [await feed_tokens.is_first_use_today(pool, found.id) for _ in range(2)] == [True, False]
    await run(database_url, "list")
    listed = capsys.readouterr().out
    assert "城运中心" in listed
    assert "good" in listed
    assert token not in listed
    await run(database_url, "revoke", number=found.id)
    assert await feed_tokens.find(pool, token) is None
    with pytest.raises(CommandError):
        await run(database_url, "revoke", number=found.id)
    actions = [r["action"] for r in await pool.fetch("SELECT action FROM audit ORDER BY id")]
    assert actions == ["feed_token_added", "feed_token_revoked"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
async def test_a_name_that_says_nothing_is_refused(database_url: str, name: str) -> None:
    with pytest.raises(CommandError):
        await run(database_url, "add", name=name)
