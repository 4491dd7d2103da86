"""Shapes that several answers share."""

import base64
import binascii
from typing import Generic, TypeVar

from pydantic import BaseModel

from farwatch.domain.finding import Param
from farwatch.domain.registry import Registry
from server.web.errors import ApiError

Item = TypeVar("Item")


class Point(BaseModel):
    """WGS-84 degrees."""

    lat: float
    lon: float


class Reason(BaseModel):
    """A named decision; the pages turn it into words."""

    key: str
    params: dict[str, Param]


class Named(BaseModel):
    id: str
    name: str


class Listing(BaseModel, Generic[Item]):
    """`next` is the cursor of the following page, null on the last."""

    items: list[Item]
    next: str | None = None


def enterprise_named(registry: Registry, id: str) -> Named:
    """By its id when it is no longer active."""
    known = registry.enterprises.get(id)
    return Named(id=id, name=known.name if known else id)


def cursor(position: str | int) -> str:
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def position_of(cursor: str) -> str:
    """What `cursor` was made of. Raises ApiError 422 bad_cursor for anything else."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ApiError(422, "bad_cursor") from None
