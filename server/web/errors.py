"""Every answer that is not a success has one shape: {"error": {"key": …, "params": {…}}}."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as AnyHTTPException

from farwatch.domain.finding import Param
from farwatch.storage.database import DATA_ERRORS, PASSING_ERRORS
from farwatch.storage.report_rows import MOST_CASES, TooManyCasesError

log = logging.getLogger(__name__)

# Errors raised by the framework itself, by status; what we raise names its own key.
_KEYS = {
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
}


class ErrorDetail(BaseModel):
    key: str
    params: dict[str, Any] = Field(default_factory=dict)


class ErrorBody(BaseModel):
    error: ErrorDetail


class ApiError(HTTPException):
    """An answer with a named reason; the pages turn `key` and `params` into words."""

    def __init__(
        self,
        status: int,
        key: str,
        params: Mapping[str, Param] | None = None,
        *,
        retry_after_s: int | None = None,
    ) -> None:
        headers = None if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        super().__init__(status, key, headers=headers)
        self.key = key
        self.params = dict(params or {})


def not_found() -> ApiError:
    return ApiError(404, "not_found")


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: these statuses carry an ErrorBody."""
    return {s: {"model": ErrorBody, "description": HTTPStatus(s).phrase} for s in statuses}


def answer(
    status: int, key: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse({"error": {"key": key, "params": dict(params or {})}}, status, headers)


def install(app: FastAPI) -> None:
    app.add_exception_handler(AnyHTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(TooManyCasesError, _too_many_cases)
    app.add_exception_handler(Exception, _internal)
    for error in PASSING_ERRORS:
        app.add_exception_handler(error, _away)
    for error in DATA_ERRORS:
        app.add_exception_handler(error, _unstorable)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AnyHTTPException)
    if isinstance(error, ApiError):
        return answer(error.status_code, error.key, error.params, error.headers)
    if error.status_code == 400:  # how the framework calls a body that no JSON reader takes
        return answer(422, "invalid", {"at": "body", "why": "json_invalid"})
    key = _KEYS.get(error.status_code, "refused" if error.status_code < 500 else "internal")
    return answer(error.status_code, key, headers=error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Names the first wrong field, never its value: a body may hold a password."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return answer(422, "invalid", {"at": ".".join(map(str, first["loc"])), "why": first["type"]})


async def _unstorable(request: Request, error: Exception) -> JSONResponse:
    """No shape let this through on purpose: it is logged as a fault of ours, and answered as one of the value."""
    log.error("%s %s: the database refuses a value", request.method, request.url.path, exc_info=error)
    return answer(422, "bad_value")


async def _too_many_cases(_: Request, __: Exception) -> JSONResponse:
    return answer(409, "too_many_cases", {"most": MOST_CASES})


async def _away(_: Request, __: Exception) -> JSONResponse:
    return answer(503, "database_away", headers={"Retry-After": "2"})


async def _internal(_: Request, __: Exception) -> JSONResponse:
    return answer(500, "internal")
