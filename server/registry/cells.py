"""What people and spreadsheets put into a cell, and what it means. Every function raises ValueError with the reason."""

import math
import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from server.spreadsheet import plain

CITY_ZONE = ZoneInfo("Asia/Shanghai")
ALWAYS_VALID_FROM = datetime(1970, 1, 1, tzinfo=UTC)
"""An empty valid_from: the limit has always been in force."""

_TRUE = {"1", "true", "yes", "y", "是", "√"}
_FALSE = {"0", "false", "no", "n", "否", "×", ""}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_NAME = re.compile(r"\w[\w.:@-]{0,63}")
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DATE = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII
)
_SHIFT = re.compile(r"(\d{1,2}):(\d{2})[-~](\d{1,2}):(\d{2})", re.ASCII)
_LONGEST_TEXT = 500


def clean(cell: object) -> object:
    """Outer blanks, also those that cannot be seen, and line breaks within a cell are not part of a text."""
    return " ".join(cell.strip("\ufeff\u200b").split()) if isinstance(cell, str) else cell


def narrow(cell: object) -> str:
    """The cell with full-width letters, digits and signs made ordinary."""
    text = clean(cell)
    if not isinstance(text, str):
        raise ValueError(f"must be text, not {type(text).__name__}")  # noqa: TRY004 - pydantic wants ValueError
    return unicodedata.normalize("NFKC", text).strip()


def text(cell: object) -> str:
    value = clean(cell)
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - pydantic wants ValueError
    value = plain(value)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise ValueError("holds a control character")
    if len(value) > _LONGEST_TEXT:
        raise ValueError(f"is longer than {_LONGEST_TEXT} characters")
    return value


def _identifier(cell: object, pattern: re.Pattern[str], allowed: str) -> str:
    value = narrow(cell)
    if not value:
        raise ValueError("must not be empty")
    if _SCIENTIFIC.fullmatch(value):
        raise ValueError(f"{value!r} was turned into a number by the spreadsheet: format the column as text")
    if not pattern.fullmatch(value):
        raise ValueError(f"{value!r} may hold only {allowed}, at most 64")
    return value


def identifier(cell: object) -> str:
    return _identifier(cell, _NAME, "letters, digits and . : @ _ -")


def optional_identifier(cell: object) -> str | None:
    return identifier(cell) if narrow("" if cell is None else cell) else None


def device(cell: object) -> str:
    """An MN or a pollutant code: it is also a level of an MQTT topic and a user of the broker."""
    return _identifier(cell, _DEVICE, "ASCII letters, digits, _ and -")


def phone(cell: object) -> str:
    value = narrow(cell)
    if _SCIENTIFIC.fullmatch(value):
        raise ValueError(f"{value!r} was turned into a number by the spreadsheet: format the column as text")
    return text(value)


def number(cell: object) -> float:
    """A finite decimal number, also in full-width digits."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        value = float(cell)
    else:
        digits = narrow(cell)
        if not digits:
            raise ValueError("must not be empty")
        if not _NUMBER.fullmatch(digits):
            raise ValueError(f"{digits!r} is not a decimal number")
        value = float(digits)
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    return value


def optional_number(cell: object) -> float | None:
    return None if cell is None or (isinstance(cell, str) and not narrow(cell)) else number(cell)


def truth(cell: object) -> bool:
    """1, true, yes, 是 or 0, false, no, 否; an empty cell is no."""
    if isinstance(cell, bool):
        return cell
    word = narrow(cell).lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{word!r} is neither 1 nor 0 (是 nor 否)")


def optional_truth(cell: object) -> bool | None:
    """As `truth`; an empty cell says nothing."""
    return None if cell is None or (isinstance(cell, str) and not narrow(cell)) else truth(cell)


def instant(cell: object) -> datetime:
    """A date or RFC 3339 time, Asia/Shanghai where it names no zone; empty: 1970, it has always been so."""
    if isinstance(cell, datetime):
        return cell
    word = narrow(cell)
    if not word:
        return ALWAYS_VALID_FROM
    if re.fullmatch(r"\d{5}(\.\d+)?", word):
        raise ValueError(f"{word!r} is a spreadsheet's own date number: format the column as a date")
    try:
        if spreadsheet := _DATE.fullmatch(word):
            value = datetime(*(int(part or 0) for part in spreadsheet.groups()))  # type: ignore[arg-type] # noqa: DTZ001
        else:
            value = datetime.fromisoformat(word)
    except ValueError:
        raise ValueError(f"{word!r} is not a date such as 2026-01-31") from None
    if not 1970 <= value.year <= 2200:
        raise ValueError(f"{word!r} is not between 1970 and 2200")
    zoned = value if value.tzinfo else value.replace(tzinfo=CITY_ZONE)
    return zoned.astimezone(UTC)


def optional_day(cell: object) -> date | None:
    """A day of the city; an empty cell says nothing."""
    if cell is None or isinstance(cell, date):
        return cell
    return instant(cell).astimezone(CITY_ZONE).date() if narrow(cell) else None


def shift(cell: object) -> str:
    """`HH:MM-HH:MM`, `always` or nothing; 8:00～24:00 as spreadsheets have it becomes 08:00-00:00."""
    word = _hours_word(cell)
    if word in ("", "always"):
        return word
    return _hours(word, "HH:MM-HH:MM, 'always' or empty", "say 'always' for the whole day")


def schedule(cell: object) -> str:
    """`HH:MM-HH:MM`, written as a shift is; nothing: always."""
    word = _hours_word(cell)
    return word and _hours(word, "HH:MM-HH:MM or empty", "leave it empty for the whole day")


def _hours_word(cell: object) -> str:
    return narrow(cell).replace(" ", "").replace("–", "-").replace("—", "-").lower()


def _hours(word: str, form: str, advice: str) -> str:
    parts = _SHIFT.fullmatch(word)
    if not parts:
        raise ValueError(f"{word!r} is not {form}")
    begin, end = _time_of_day(parts[1], parts[2]), _time_of_day(parts[3], parts[4])
    if begin == end:
        raise ValueError(f"{word!r} begins when it ends: {advice}")
    return f"{begin}-{end}"


def _time_of_day(hour: str, minute: str) -> str:
    if (hour, minute) == ("24", "00"):
        return "00:00"
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"{hour}:{minute} is not a time of day")
    return f"{int(hour):02}:{minute}"


Text = Annotated[str, BeforeValidator(text)]
Name = Annotated[str, BeforeValidator(text), Field(min_length=1)]
Identifier = Annotated[str, BeforeValidator(identifier)]
OptionalIdentifier = Annotated[str | None, BeforeValidator(optional_identifier)]
Device = Annotated[str, BeforeValidator(device)]
Phone = Annotated[str, BeforeValidator(phone)]
Number = Annotated[float, BeforeValidator(number)]
OptionalNumber = Annotated[float | None, BeforeValidator(optional_number)]
Truth = Annotated[bool, BeforeValidator(truth)]
OptionalTruth = Annotated[bool | None, BeforeValidator(optional_truth)]
Instant = Annotated[datetime, BeforeValidator(instant)]
OptionalDay = Annotated[date | None, BeforeValidator(optional_day)]
Shift = Annotated[str, BeforeValidator(shift)]
Schedule = Annotated[str, BeforeValidator(schedule)]
