"""The formulas as a table of words, for the end of every report. Pure."""

from alerting.reports.figures import FORMULAS
from alerting.reports.words import word


def formulas() -> tuple[tuple[str, str], ...]:
    """Each rate's name, and its numerator over its denominator."""
    return tuple(
        (
            word(f"report.rate.{f.key}"),
            f"{word(f'report.count.{f.numerator}')} ÷ {word(f'report.count.{f.denominator}')}",
        )
        for f in FORMULAS
    )
