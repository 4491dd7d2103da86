"""`policy.toml` as text and as values. A key that is not known is an error that names it."""

import tomllib
from dataclasses import fields
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from farwatch.domain.finding import Tier
from farwatch.domain.policy import (
    SHIPPED,
    Action,
    EscalationStep,
    EvidenceRule,
    LimitRule,
    Policy,
    QualityRule,
    RetentionRule,
    SilenceRule,
    TaskPolicy,
)

Seconds = Annotated[float, Field(gt=0, le=30 * 86400)]
Metres = Annotated[float, Field(gt=0, le=100_000)]
Stretch = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]


Days = Annotated[int, Field(ge=30, le=36_500)]
Gigabytes = Annotated[float, Field(ge=0.1, le=1_000_000)]
ReadingDays = Annotated[int, Field(ge=430, le=36_500)]
"""Event times are taken as far back as 400 days (farwatch.domain.reading.OLDEST)."""


class PolicyError(Exception):
    """The text is not a policy; `problems` are lines for the operator, each naming its key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Limit(_Table):
    violation_ratio: Annotated[float, Field(ge=1, le=100)] = SHIPPED.limit.violation_ratio
    hold_s: Annotated[float, Field(ge=0, le=86400)] = SHIPPED.limit.hold_s
    hold_readings: Annotated[int, Field(ge=1, le=10_000)] = SHIPPED.limit.hold_readings
    clear_share: Annotated[float, Field(gt=0, le=1)] = SHIPPED.limit.clear_share
    clear_s: Annotated[float, Field(ge=0, le=86400)] = SHIPPED.limit.clear_s


class _Silence(_Table):
    after_s: Seconds = SHIPPED.silence.after_s


class _Quality(_Table):
    constant_s: Annotated[float, Field(ge=3600, le=6 * 3600)] = SHIPPED.quality.constant_s
    slow_constant_s: Annotated[float, Field(ge=6 * 3600, le=48 * 3600)] = SHIPPED.quality.slow_constant_s
    clock_drift_s: Annotated[float, Field(ge=5, le=86400)] = SHIPPED.quality.clock_drift_s
    business_hours: list[Stretch] = list(SHIPPED.quality.business_hours)

    def rule(self) -> QualityRule:
        return QualityRule(**{**self.model_dump(), "business_hours": tuple(self.business_hours)})


class _Retention(_Table):
    readings_days: ReadingDays = SHIPPED.retention.readings_days
    revisions_days: ReadingDays = SHIPPED.retention.revisions_days
    dead_letters_days: Days = SHIPPED.retention.dead_letters_days


class _Evidence(_Table):
    closed_gb: Gigabytes = SHIPPED.evidence.closed_gb
    recorded_gb: Gigabytes = SHIPPED.evidence.recorded_gb
    faults_gb: Gigabytes = SHIPPED.evidence.faults_gb
    copies_gb: Gigabytes = SHIPPED.evidence.copies_gb


class _Step(_Table):
    after_s: Seconds
    to: Literal["next_officer", "lead", "centre"]


class _Task(_Table):
    accept_s: Seconds = SHIPPED.task.accept_s
    arrive_s: Seconds = SHIPPED.task.arrive_s
    geofence_m: Metres = SHIPPED.task.geofence_m
    accuracy_max_m: Metres = SHIPPED.task.accuracy_max_m
    quiet_close_s: Seconds = SHIPPED.task.quiet_close_s
    escalation: list[_Step] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        after = [step.after_s for step in self.escalation or []]
        if after != sorted(after):
            raise ValueError("escalation: the steps must be in the order of after_s")
        return self


class _ActionRow(_Table):
    rule: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    tier: Literal["early", "violation", "fault"]
    action: Literal["task", "warn", "record"]


class _PolicyFile(_Table):
    warn_window_s: Seconds = SHIPPED.warn_window_s
    join_radius_m: Metres = SHIPPED.join_radius_m
    join_within_s: Seconds = SHIPPED.join_within_s
    position_fresh_s: Seconds = SHIPPED.position_fresh_s
    actions: list[_ActionRow] | None = None
    limit: _Limit = Field(default_factory=_Limit)
    silence: _Silence = Field(default_factory=_Silence)
    quality: _Quality = Field(default_factory=_Quality)
    retention: _Retention = Field(default_factory=_Retention)
    evidence: _Evidence = Field(default_factory=_Evidence)
    task: _Task = Field(default_factory=_Task)

    @model_validator(mode="after")
    def _once(self) -> Self:
        pairs = [(row.rule, row.tier) for row in self.actions or []]
        if twice := sorted({f"{rule}/{tier}" for rule, tier in pairs if pairs.count((rule, tier)) > 1}):
            raise ValueError(f"actions: listed twice: {', '.join(twice)}")
        return self

    def policy(self) -> Policy:
        return Policy(
            warn_window_s=self.warn_window_s,
            join_radius_m=self.join_radius_m,
            join_within_s=self.join_within_s,
            position_fresh_s=self.position_fresh_s,
            actions=SHIPPED.actions
            if self.actions is None
            else {(row.rule, Tier(row.tier)): Action(row.action) for row in self.actions},
            limit=LimitRule(**self.limit.model_dump()),
            silence=SilenceRule(**self.silence.model_dump()),
            quality=self.quality.rule(),
            retention=RetentionRule(**self.retention.model_dump()),
            evidence=EvidenceRule(**self.evidence.model_dump()),
            task=_task_policy(self.task),
        )


def _task_policy(table: _Task) -> TaskPolicy:
    steps = SHIPPED.task.escalation
    if table.escalation is not None:
        steps = tuple(EscalationStep(after_s=step.after_s, to=step.to) for step in table.escalation)
    return TaskPolicy(**table.model_dump(exclude={"escalation"}), escalation=steps)


_KNOWN_KEYS = sorted(
    {
        field.name
        for type_ in (
            Policy,
            LimitRule,
            SilenceRule,
            QualityRule,
            RetentionRule,
            EvidenceRule,
            TaskPolicy,
            EscalationStep,
        )
        for field in fields(type_)
    }
    | _ActionRow.model_fields.keys()
)


def parse(text: str) -> Policy:
    """The policy that the text says, everything it leaves out as shipped. Raises PolicyError with all problems."""
    try:
        return _PolicyFile.model_validate(tomllib.loads(text)).policy()
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"not TOML: {error}"]) from error
    except ValidationError as error:
        raise PolicyError([_line(dict(problem)) for problem in error.errors()]) from error


def _line(problem: dict[str, Any]) -> str:
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(str(problem["loc"][-1]), _KNOWN_KEYS, n=1)
        return f"{where}: unknown key" + (f", did you mean {near[0]!r}?" if near else "")
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
