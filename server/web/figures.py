"""The day's figures for the wall."""

from fastapi import APIRouter

from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.errors import errors
from server.web.figures_cache import Figures

router = APIRouter(prefix="/api/v1/figures", tags=["figures"])


@router.get("/today", responses=errors(401, 403, 409))
async def figures_today(web: WebContext, _: NotOfficer) -> Figures:
    """Since midnight in Asia/Shanghai, as the daily report counts; up to 5 s old."""
    return await web.figures.today(web.deps.clock.now(), web.deps.clock.monotonic())
