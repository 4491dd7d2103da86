"""What is wrong with a file, said so that the person with the spreadsheet finds it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Problem:
    """`row` is the number a spreadsheet shows (the header is row 1), or words such as `item 3` for other files."""

    file: str
    message: str
    row: int | str | None = None
    column: str = ""

    def __str__(self) -> str:
        place = [self.file]
        if self.row is not None:
            place.append(f"row {self.row}" if isinstance(self.row, int) else self.row)
        if self.column:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {self.message}"


@dataclass(slots=True)
class Findings:
    """Everything noticed while reading: errors refuse the whole registry, warnings do not.

    `refused` names, by file, the keys of rows that were refused, so that rows naming them are not blamed too;
    `unreadable` are files of which no row was read.
    """

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    refused: dict[str, set[str]] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)

    def error(self, file: str, message: str, row: int | str | None = None, column: str = "") -> None:
        self.errors.append(Problem(file, message, row, column))

    def warn(self, file: str, message: str, row: int | str | None = None, column: str = "") -> None:
        self.warnings.append(Problem(file, message, row, column))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` when something known is near, else nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""
