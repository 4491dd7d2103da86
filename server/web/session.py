"""Signing in and out."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from farwatch.storage import audit, sessions, users
from farwatch.storage.users import LONGEST_NAME, LONGEST_PASSWORD, Credentials, Role
from server.web import metrics, peer
from server.web.authentication import COOKIE, SignedIn
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors
from server.web.passwords import PasswordGateFullError

router = APIRouter(prefix="/api/v1/session", tags=["session"])


class SignIn(BaseModel):
    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    password: Annotated[str, Field(max_length=LONGEST_PASSWORD)]


class Account(BaseModel):
    name: str
    role: Role
    officer: str | None


@router.post("", responses=errors(401, 403, 413, 415, 429, 503))
async def sign_in(web: WebContext, request: Request, response: Response, wanted: SignIn) -> Account:
    """Starts a session and sets its cookie. 401 bad_credentials; 429 too_many_attempts with Retry-After."""
    settings = web.deps.settings
    found = await _checked(web, wanted, peer.address(request.scope, settings))
    lasts = timedelta(hours=settings.session_hours)
    token = await sessions.start(web.pool, found.name, web.deps.clock.now(), lasts)
    await audit.write(web.pool, found.name, "sign_in")
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=peer.scheme(request.scope, settings) == "https",
        httponly=True,
        samesite="strict",
    )
    return Account(name=found.name, role=found.role, officer=found.officer)


async def _checked(web: Web, wanted: SignIn, address: str) -> Credentials:
    now_s = web.deps.clock.monotonic()
    if wait_s := web.limits.take(wanted.name, address, now_s):
        metrics.SIGN_INS.labels("too_many_attempts").inc()
        raise ApiError(429, "too_many_attempts", {"wait_s": wait_s}, retry_after_s=wait_s)
    storable = "\x00" not in wanted.name
    found = await users.credentials(web.pool, wanted.name) if storable else None
    try:
        right = await web.passwords.verify(found.password_hash if found else None, wanted.password)
    except PasswordGateFullError:
        raise ApiError(503, "busy", retry_after_s=2) from None
    if found is None or not right:
        metrics.SIGN_INS.labels("bad_credentials").inc()
        await audit.write(web.pool, found.name if found else "", "sign_in_refused")
        raise ApiError(401, "bad_credentials")
    web.limits.succeeded(wanted.name, address, now_s)
    metrics.SIGN_INS.labels("done").inc()
    return found


@router.get("", responses=errors(401))
async def who_am_i(session: SignedIn) -> Account:
    return Account(name=session.name, role=session.role, officer=session.officer)


@router.delete("", status_code=204, responses=errors(401, 403))
async def sign_out(web: WebContext, session: SignedIn, response: Response) -> None:
    """Ends the session; its event streams end within 5 s."""
    await sessions.end(web.pool, session.token_sha256, web.deps.clock.now())
    await audit.write(web.pool, session.name, "sign_out")
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
