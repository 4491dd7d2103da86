"""The number by which people call a case (案卷编号)."""

from datetime import datetime

from farwatch.domain.review import CITY


def case_number(opened_at: datetime, task: int) -> str:
    """`FW2026-0000123`: the year in the city, and the task's own number, which no other case has in any year."""
    return f"FW{opened_at.astimezone(CITY).year}-{task:07d}"
