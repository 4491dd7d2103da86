"""`farwatch worker-token`: who on other machines may send evidence."""

import argparse
from collections.abc import Iterable

from farwatch.domain.share import Share
from farwatch.storage import audit, worker_tokens
from farwatch.storage.database import Pool, open_pool
from server.commands import CommandError, require_migrated
from server.settings import Settings

ACTOR = "command line"


async def run(settings: Settings, action: str, args: argparse.Namespace) -> int:
    """`add` prints the token, and nothing else on standard output. Raises CommandError."""
    await require_migrated(settings)
    async with open_pool(settings.database_url, size=1) as pool:
        if action == "add":
            number, token = await worker_tokens.add(pool, dict.fromkeys(args.share))
            await audit.write(
                pool, ACTOR, "worker_token_added", f"worker/{number}", shares=_listed(args.share)
            )
            print(token)
        elif action == "revoke":
            if not await worker_tokens.revoke(pool, args.number):
                raise CommandError(f"there is no token {args.number} that is still good")
            await audit.write(pool, ACTOR, "worker_token_revoked", f"worker/{args.number}")
            print(f"token {args.number} is revoked")
        else:
            await _list(pool)
    return 0


async def _list(pool: Pool) -> None:
    for token in await worker_tokens.fetch_all(pool):
        end = f"revoked {token.revoked_at:%Y-%m-%d %H:%M}Z" if token.revoked_at else "good"
        print(f"{token.id:>4}  {_listed(token.shares):<9} added {token.created_at:%Y-%m-%d %H:%M}Z  {end}")


def _listed(shares: Iterable[Share]) -> str:
    return " ".join(map(str, shares))
