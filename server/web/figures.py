"""The day's figures for the wall."""

from fastapi import APIRouter

from farwatch.storage.figures import Figures
from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.errors import errors

router = APIRouter(prefix="/api/v1/figures", tags=["figures"])


@router.get("/today", responses=errors(401, 403))
async def figures_today(web: WebContext, _: NotOfficer) -> Figures:
    """Since midnight in Asia/Shanghai; up to 5 s old."""
    return await web.figures.today(web.deps.clock.now(), web.deps.clock.monotonic())
