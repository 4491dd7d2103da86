"""The built console: one page for all its addresses, and the files it loads."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse, Response

from farwatch.storage.users import Role
from server.web.authentication import MaybeSession
from server.web.context import Web, WebContext
from server.web.errors import not_found

router = APIRouter(include_in_schema=False)

PAGE_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; connect-src 'self';"
    " media-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
_HOME = {Role.OFFICER: "/officer"}


@router.get("/")
async def home(session: MaybeSession) -> RedirectResponse:
    target = _HOME.get(session.role, "/centre") if session else "/signin"
    return RedirectResponse(target, 303, {"Cache-Control": "no-store"})


@router.get("/signin")
@router.get("/centre")
@router.get("/centre/{_:path}")
@router.get("/bureau")
@router.get("/bureau/{_:path}")
@router.get("/officer")
@router.get("/officer/{_:path}")
@router.get("/visit/{_}")
@router.get("/w/{_}")
def page(web: WebContext) -> Response:
    return _page(web)


def _page(web: Web, status: int = 200) -> Response:
    index = web.deps.console_dist / "index.html"
    if not index.is_file():
        return PlainTextResponse("The pages are not built yet. Run: make console\n", 503)
    return FileResponse(
        index,
        status,
        media_type="text/html",
        headers={"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"},
    )


@router.get("/{path:path}")
def static_file(web: WebContext, request: Request, path: str) -> Response:
    """A file of the built console. What the build names by its content never changes, so browsers may keep it.
    Who mistypes an address in a browser is told so by the page; programs get the error."""
    file = inside(web.deps.console_dist, path)
    is_api = path == "api" or path.startswith("api/")
    if file is None and not is_api and "text/html" in request.headers.get("accept", ""):
        return _page(web, 404)
    if file is None or is_api:
        raise not_found()
    kept = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
    headers = {"Cache-Control": kept, "Content-Security-Policy": PAGE_POLICY, "Vary": "Accept-Encoding"}
    whole = FileResponse(file, headers=headers, stat_result=file.stat())
    small = web.compressed.get(file) if _takes_gzip(request) else None
    etag = whole.headers["etag"] if small is None else f'{whole.headers["etag"][:-1]}-gzip"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={**headers, "ETag": etag})
    if small is None:
        return whole
    return Response(
        small, headers={**headers, "ETag": etag, "Content-Encoding": "gzip"}, media_type=whole.media_type
    )


def _takes_gzip(request: Request) -> bool:
    accepted = request.headers.get("accept-encoding", "").split(",")
    return any(
        a.split(";")[0].strip() == "gzip" and not a.replace(" ", "").endswith(";q=0") for a in accepted
    )


def inside(folder: Path, path: str) -> Path | None:
    """The file of that name in `folder`; None when there is none, or when it lies elsewhere (`..`, links)."""
    if "\x00" in path or "\\" in path:
        return None
    root = folder.resolve()
    try:
        file = (root / path).resolve()
        return file if file.is_relative_to(root) and file.is_file() else None
    except OSError:  # no file has a name as long as this
        return None
