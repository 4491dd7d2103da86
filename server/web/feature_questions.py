"""What programs ask of OGC API Features: parameters as the standard words them. A wrong one is 400, as it wants."""

import math
from collections.abc import Collection
from datetime import datetime

from starlette.datastructures import QueryParams

from farwatch.storage.features import Box
from server.web.errors import ApiError

LIMIT, MOST = 100, 1000


def bad(name: str, why: str) -> ApiError:
    return ApiError(400, "bad_parameter", {"at": name, "why": why})


def only(asked: QueryParams, known: Collection[str]) -> None:
    """Raises ApiError 400 for a parameter that the route does not know, one that comes twice, and any format but JSON."""
    for name in asked:
        if name not in known and name != "f":
            raise bad(name, "unknown")
        if len(asked.getlist(name)) > 1:
            raise bad(name, "repeated")
    if asked.get("f", "json") != "json":
        raise bad("f", "only_json")


def limit_of(asked: QueryParams) -> int:
    """More than MOST is answered with MOST, as the standard allows."""
    text = asked.get("limit")
    if text is None:
        return LIMIT
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise bad("limit", "not_a_positive_number")
    return min(int(text), MOST)


def box_of(asked: QueryParams) -> Box | None:
    """Four numbers, or six whose heights say nothing here: all features lie on the ground. West may be beyond east."""
    text = asked.get("bbox")
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise bad("bbox", "not_numbers") from None
    if len(numbers) == 6:
        numbers = [*numbers[0:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise bad("bbox", "not_four_or_six_numbers")
    west, south, east, north = numbers
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= 90 and -90 <= north <= 90):
        raise bad("bbox", "not_on_earth")
    if south > north:
        raise bad("bbox", "south_over_north")
    return west, south, east, north


def interval_of(asked: QueryParams) -> tuple[datetime | None, datetime | None]:
    """An instant, or two joined by a slash of which either may be open (`..` or nothing)."""
    text = asked.get("datetime")
    if text is None:
        return None, None
    begin, slash, end = text.partition("/")
    since = _instant(begin, open_too=bool(slash))
    until = _instant(end, open_too=True) if slash else since
    if since and until and since > until:
        raise bad("datetime", "ends_before_it_begins")
    return since, until


def _instant(text: str, *, open_too: bool) -> datetime | None:
    if open_too and text in ("", ".."):
        return None
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus that was not escaped comes as a blank
    except ValueError:
        raise bad("datetime", "not_rfc3339") from None
    if at.tzinfo is None:
        raise bad("datetime", "without_zone")
    return at


def truth_of(asked: QueryParams, name: str) -> bool:
    text = asked.get(name, "false")
    if text not in ("true", "false"):
        raise bad(name, "not_true_or_false")
    return text == "true"
