"""Which session a request belongs to, and which roles a route is for."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyCookie

from farwatch.storage import sessions
from farwatch.storage.sessions import Session
from farwatch.storage.users import Role
from server.web.context import WebContext
from server.web.errors import ApiError

COOKIE = "farwatch_session"
_cookie = APIKeyCookie(name=COOKIE, auto_error=False)


async def _session(web: WebContext, token: Annotated[str | None, Depends(_cookie)]) -> Session | None:
    return await sessions.find(web.pool, token, web.deps.clock.now()) if token else None


MaybeSession = Annotated[Session | None, Depends(_session)]


async def _signed_in(session: MaybeSession) -> Session:
    if session is None:
        raise ApiError(401, "not_signed_in")
    return session


SignedIn = Annotated[Session, Depends(_signed_in)]


def _only(*roles: Role) -> Callable[[Session], Awaitable[Session]]:
    async def check(session: SignedIn) -> Session:
        if session.role not in roles:
            raise ApiError(403, "not_your_role")
        return session

    return check


Centre = Annotated[Session, Depends(_only(Role.CENTRE, Role.ADMIN))]
Officer = Annotated[Session, Depends(_only(Role.OFFICER))]
NotOfficer = Annotated[Session, Depends(_only(Role.CENTRE, Role.BUREAU, Role.ADMIN))]
Bureau = Annotated[Session, Depends(_only(Role.BUREAU, Role.ADMIN))]
Acting = Annotated[Session, Depends(_only(Role.CENTRE, Role.OFFICER, Role.ADMIN))]
