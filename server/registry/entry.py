"""A value with the place it was read from."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """`row` is a spreadsheet's row number, or `item 3` in a JSON file."""

    row: int | str
    value: T
