"""Is it the first time, and is it minor? A suggestion by the bureau's own list; the decision is a person's. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.finding import Param, Reason
from farwatch.domain.leniency import JudgedMatter, Leniency, MinorRow, PastCase
from farwatch.domain.review import CITY

_FITTING = {
    "first_time_minor": (Leniency.NO_PENALTY_FIRST,),
    "minor": (Leniency.NO_PENALTY_MINOR,),
}
_OTHERWISE = (Leniency.PENALTY, Leniency.TRANSFERRED)


@dataclass(frozen=True, slots=True)
class History:
    """Confirmed cases before a matter, within the months that count; `minor_before` of them were let off."""

    first: bool
    before: int
    last_at: datetime | None
    minor_before: int


def history(cases: Iterable[PastCase], at: datetime, months: int) -> History:
    """Of cases that were opened in the `months` before `at`, calendar months of the city."""
    since = months_before(at, months)
    counted = [case for case in cases if since <= case.opened_at < at]
    last_at = max((case.opened_at for case in counted), default=None)
    return History(not counted, len(counted), last_at, sum(case.lenient for case in counted))


def suggestion(
    cases: Sequence[PastCase], rows: Sequence[MinorRow], matter: JudgedMatter, first_months: int
) -> Reason:
    """What the list suggests, with the row, its basis and the numbers; `not_corrected_yet` names what it would be otherwise."""
    past = history(cases, matter.at, first_months)
    row = covering(rows, matter)
    if row is None:
        return Reason("not_on_list", {"before": past.before, "months": first_months})
    key = _key(past, history(cases, matter.at, row.months).before + 1, row, matter)
    params: Mapping[str, Param] = {
        "row": row.id, "basis": row.basis, "ratio": matter.ratio, "max_ratio": row.max_ratio, "before": past.before,
        "months": first_months, "times_at_most": row.times_at_most, "row_months": row.months,
    }  # fmt: skip
    if key in _FITTING and row.needs_corrected and not matter.corrected:
        return Reason("not_corrected_yet", {**params, "would_be": key})
    return Reason(key, params)


def _key(past: History, times: int, row: MinorRow, matter: JudgedMatter) -> str:
    minor = is_minor(row, matter)
    if past.first:
        return "first_time_minor" if minor else "first_time_not_minor"
    return "minor" if minor and times <= row.times_at_most else "again"


def is_minor(row: MinorRow, matter: JudgedMatter) -> bool:
    """A ratio that nobody measured is not known to be small."""
    within = row.max_ratio is None or (matter.ratio is not None and matter.ratio <= row.max_ratio)
    return within and matter.severity <= row.max_severity


def covering(rows: Sequence[MinorRow], matter: JudgedMatter) -> MinorRow | None:
    """The row that says most exactly what the matter is; of two alike the one that stands first."""
    fitting = [
        row
        for row in rows
        if row.kind is matter.kind and row.rule in ("", *matter.rules) and row.code in ("", matter.code)
    ]
    return max(fitting, key=lambda row: (row.code != "", row.rule != ""), default=None)


def is_deviation(suggested: str, decision: Leniency) -> bool:
    """Does the decision differ from what was suggested? Then it must say why."""
    return decision not in _FITTING.get(suggested, _OTHERWISE)


def months_before(at: datetime, months: int) -> datetime:
    """The same day and time of the city that many calendar months earlier; the month's last day where it has no such day."""
    local = at.astimezone(CITY)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    for day in (local.day, 30, 29, 28):
        try:
            return local.replace(year=year, month=month + 1, day=min(day, local.day))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
