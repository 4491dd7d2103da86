"""The clocks of a task, the working calendar, storms and first times."""

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from farwatch.domain.calendar import WorkCalendar
from farwatch.domain.finding import Kind
from farwatch.domain.policy import (
    SHIPPED,
    EscalationStep,
    Handling,
    SeverityClocks,
    TaskPolicy,
)
from farwatch.storage.policy_tables.table import Metres, Seconds, Stretch, Table

AtOnce = Annotated[int, Field(ge=1, le=10)]
FaultKind = Literal["camera_fault", "data_fault"]


class Step(Table):
    after_s: Seconds
    to: Literal["next_officer", "lead", "centre", "city"]
    of: Literal["accept", "arrive"] = "accept"

    def value(self) -> EscalationStep:
        return EscalationStep(after_s=self.after_s, to=self.to, of=self.of)


class _Clocks(Table):
    escalation: list[Step] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for of in ("accept", "arrive"):
            after = [step.after_s for step in self.escalation or [] if step.of == of]
            if after != sorted(after):
                raise ValueError("escalation: the steps must be in the order of after_s")
        return self

    def steps(self, otherwise: tuple[EscalationStep, ...]) -> tuple[EscalationStep, ...]:
        return otherwise if self.escalation is None else tuple(step.value() for step in self.escalation)


class Severity(_Clocks):
    """What is left out is as in [task]."""

    level: Annotated[int, Field(ge=1, le=3)]
    accept_s: Seconds | None = None
    arrive_s: Seconds | None = None
    offer_window_s: Seconds | None = None
    ask_at_once: AtOnce | None = None

    def value(self, plain: SeverityClocks) -> SeverityClocks:
        said = self.model_dump(exclude={"level", "escalation"}, exclude_none=True)
        kept = {
            name: getattr(plain, name) for name in ("accept_s", "arrive_s", "offer_window_s", "ask_at_once")
        }
        return SeverityClocks(**{**kept, **said}, escalation=self.steps(plain.escalation))


class HandlingRow(Table):
    kind: Kind = Field(strict=False)
    amount: Annotated[float, Field(gt=0, le=2000)]
    unit: Literal["hours", "working_hours", "working_days"]

    def value(self) -> Handling:
        return Handling(kind=self.kind.value, amount=self.amount, unit=self.unit)


class Task(_Clocks):
    accept_s: Seconds = SHIPPED.task.accept_s
    arrive_s: Seconds = SHIPPED.task.arrive_s
    geofence_m: Metres = SHIPPED.task.geofence_m
    accuracy_max_m: Metres = SHIPPED.task.accuracy_max_m
    quiet_close_s: Seconds = SHIPPED.task.quiet_close_s
    offer_window_s: Seconds = SHIPPED.task.offer_window_s
    ask_at_once: AtOnce = SHIPPED.task.ask_at_once
    severity: list[Severity] | None = None
    handling: list[HandlingRow] | None = None
    closes_itself: list[FaultKind] = Field(default=["camera_fault", "data_fault"])

    @model_validator(mode="after")
    def _once(self) -> Self:
        for name, listed in (
            ("severity", [s.level for s in self.severity or []]),
            ("handling", [h.kind for h in self.handling or []]),
        ):
            if len(set(listed)) != len(listed):
                raise ValueError(f"{name}: listed twice")
        return self

    def value(self) -> TaskPolicy:
        plain = SeverityClocks(
            accept_s=self.accept_s, arrive_s=self.arrive_s, offer_window_s=self.offer_window_s,
            ask_at_once=self.ask_at_once, escalation=self.steps(SHIPPED.task.escalation),
        )  # fmt: skip
        said = self.model_dump(exclude={"escalation", "severity", "handling", "closes_itself"})
        handling = SHIPPED.task.handling if self.handling is None else tuple(h.value() for h in self.handling)
        return TaskPolicy(
            **said, escalation=plain.escalation, severities=self._severities(plain), handling=handling,
            closes_itself=tuple(self.closes_itself),
        )  # fmt: skip

    def _severities(self, plain: SeverityClocks) -> dict[int, SeverityClocks]:
        """A file with steps of its own and no classes means those steps for all."""
        if self.severity is not None:
            return {row.level: row.value(plain) for row in self.severity}
        if self.escalation is not None:
            return {}
        return {
            level: Severity(
                level=level, ask_at_once=own.ask_at_once, escalation=[_row(s) for s in own.escalation]
            ).value(plain)
            for level, own in SHIPPED.task.severities.items()
        }


def _row(step: EscalationStep) -> Step:
    return Step.model_validate({"after_s": step.after_s, "to": step.to, "of": step.of})


class Storm(Table):
    tasks: Annotated[int, Field(ge=1, le=10_000)] = SHIPPED.storm.tasks
    within_s: Seconds = SHIPPED.storm.within_s
    quiet_s: Seconds = SHIPPED.storm.quiet_s


class FirstTime(Table):
    months: Annotated[int, Field(ge=1, le=120)] = SHIPPED.first_time.months


class Calendar(Table):
    hours: list[Stretch] = Field(default_factory=lambda: list(SHIPPED.calendar.hours))
    weekdays: list[Annotated[int, Field(ge=1, le=7)]] = Field(
        default_factory=lambda: list(SHIPPED.calendar.weekdays)
    )
    holidays: list[date] = Field(default_factory=list)
    extra_days: list[date] = Field(default_factory=list)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        instants = [instant for hours in self.hours for instant in hours.split("-")]
        if not instants or not self.weekdays or any(a >= b for a, b in pairwise(instants)):
            raise ValueError(
                "hours: at least one stretch, in order and within a day, and at least one weekday"
            )
        return self

    def value(self) -> WorkCalendar:
        return WorkCalendar(
            hours=tuple(self.hours), weekdays=tuple(self.weekdays), holidays=frozenset(self.holidays),
            extra_days=frozenset(self.extra_days),
        )  # fmt: skip
