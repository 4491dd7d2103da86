"""Who reads feeds: programs of others with a token, or a signed-in session that is no officer's."""

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from farwatch.storage import audit, feed_tokens
from farwatch.storage.users import Role
from server.web.authentication import MaybeSession
from server.web.context import Web, WebContext
from server.web.errors import ApiError

CHALLENGE = 'Basic realm="farwatch", charset="UTF-8"'


@dataclass(frozen=True, slots=True)
class Reader:
    """`name` is for the audit: an account's, or `feed/` and a token's number."""

    name: str


async def _reader(
    web: WebContext, session: MaybeSession, authorization: Annotated[str, Header()] = ""
) -> Reader:
    """A token comes as a bearer's, or as the password of Basic, which is what programs for maps can send."""
    if authorization:
        return await _program(web, authorization)
    if session is None:
        raise _unknown("not_signed_in")
    if session.role is Role.OFFICER:
        raise ApiError(403, "not_your_role")
    return Reader(session.name)


FeedReader = Annotated[Reader, Depends(_reader)]


async def _program(web: Web, authorization: str) -> Reader:
    secret = token_of(authorization)
    token = await feed_tokens.find(web.pool, secret) if secret else None
    if token is None:
        raise _unknown("bad_feed_token")
    web.feeds.take(token.id, web.deps.clock.monotonic())
    reader = Reader(f"feed/{token.id}")
    if await feed_tokens.is_first_use_today(web.pool, token.id):
        await audit.write(web.pool, reader.name, "feed_token_used", reader.name, name=token.name)
    return reader


def token_of(authorization: str) -> str:
    """Empty when there is none in it."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _unknown(key: str) -> ApiError:
    error = ApiError(401, key)
    error.headers = {"WWW-Authenticate": CHALLENGE}
    return error
