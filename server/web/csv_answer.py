"""Answers as CSV files: asked for by `format=csv` or by `Accept: text/csv`, sent as they are read."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Query
from fastapi.responses import StreamingResponse

from farwatch.domain.review import CITY
from server.spreadsheet import BOM, Cell, lines

CSV_TOO: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


def _csv_wanted(
    format: Annotated[Literal["json", "csv"] | None, Query()] = None,
    accept: Annotated[str, Header()] = "",
) -> bool:
    return format == "csv" or (format is None and accept.split(";")[0].strip().lower() == "text/csv")


CsvWanted = Annotated[bool, Depends(_csv_wanted)]


def local(at: datetime | None) -> str | None:
    """A time as people of the city read it, still with its offset."""
    return (
        at.astimezone(CITY).isoformat(timespec="milliseconds" if at.microsecond else "seconds")
        if at
        else None
    )


async def csv_answer(
    name: str, header: Sequence[str], pages: AsyncIterator[Sequence[Sequence[Cell]]]
) -> StreamingResponse:
    """Reads the first page before it answers, so that an error there is still an error's answer. `name` is plain ASCII."""
    first = await anext(pages, ())

    async def content() -> AsyncIterator[bytes]:
        yield BOM + lines([header, *first])
        async for page in pages:
            yield lines(page)

    return StreamingResponse(
        content(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
