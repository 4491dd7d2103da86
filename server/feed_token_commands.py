"""`farwatch feed-token`: which programs of others may read feeds."""

import argparse

from farwatch.storage import audit, feed_tokens
from farwatch.storage.database import Pool, open_pool
from server.commands import CommandError, require_migrated
from server.settings import Settings

ACTOR = "command line"
NAME_MAX = 100


async def run(settings: Settings, action: str, args: argparse.Namespace) -> int:
    """`add` prints the token, and nothing else on standard output. Raises CommandError."""
    await require_migrated(settings)
    async with open_pool(settings.database_url, size=1) as pool:
        if action == "add":
            await _add(pool, args.name.strip())
        elif action == "revoke":
            if not await feed_tokens.revoke(pool, args.number):
                raise CommandError(f"there is no token {args.number} that is still good")
            await audit.write(pool, ACTOR, "feed_token_revoked", f"feed/{args.number}")
            print(f"token {args.number} is revoked")
        else:
            await _list(pool)
    return 0


async def _add(pool: Pool, name: str) -> None:
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise CommandError(f"a token's name has 1 to {NAME_MAX} printable characters")
    number, token = await feed_tokens.add(pool, name)
    await audit.write(pool, ACTOR, "feed_token_added", f"feed/{number}", name=name)
    print(token)


async def _list(pool: Pool) -> None:
    for token in await feed_tokens.fetch_all(pool):
        end = f"revoked {token.revoked_at:%Y-%m-%d %H:%M}Z" if token.revoked_at else "good"
        used = f"{token.last_used_at:%Y-%m-%d}" if token.last_used_at else "never"
        print(f"{token.id:>4}  {token.name:<30} made {token.made_at:%Y-%m-%d %H:%M}Z  used {used}  {end}")
