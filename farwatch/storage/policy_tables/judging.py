"""What is a finding, and how long everything is kept."""

from typing import Annotated, Literal

from pydantic import Field

from farwatch.domain.finding import Tier
from farwatch.domain.policy import SHIPPED, NOfM, QualityRule
from farwatch.storage.policy_tables.table import Seconds, Stretch, Table, Word

Days = Annotated[int, Field(ge=30, le=36_500)]
Gigabytes = Annotated[float, Field(ge=0.1, le=1_000_000)]
ReadingDays = Annotated[int, Field(ge=430, le=36_500)]
"""Event times are taken as far back as 400 days (farwatch.domain.reading.OLDEST)."""


class Limit(Table):
    violation_ratio: Annotated[float, Field(ge=1, le=100)] = SHIPPED.limit.violation_ratio
    hold_s: Annotated[float, Field(ge=0, le=86400)] = SHIPPED.limit.hold_s
    hold_readings: Annotated[int, Field(ge=1, le=10_000)] = SHIPPED.limit.hold_readings
    clear_share: Annotated[float, Field(gt=0, le=1)] = SHIPPED.limit.clear_share
    clear_s: Annotated[float, Field(ge=0, le=86400)] = SHIPPED.limit.clear_s


class Silence(Table):
    after_s: Seconds = SHIPPED.silence.after_s


class Quality(Table):
    constant_s: Annotated[float, Field(ge=3600, le=6 * 3600)] = SHIPPED.quality.constant_s
    slow_constant_s: Annotated[float, Field(ge=6 * 3600, le=48 * 3600)] = SHIPPED.quality.slow_constant_s
    clock_drift_s: Annotated[float, Field(ge=5, le=86400)] = SHIPPED.quality.clock_drift_s
    business_hours: list[Stretch] = Field(default_factory=lambda: list(SHIPPED.quality.business_hours))

    def rule(self) -> QualityRule:
        return QualityRule(**{**self.model_dump(), "business_hours": tuple(self.business_hours)})


class Retention(Table):
    readings_days: ReadingDays = SHIPPED.retention.readings_days
    revisions_days: ReadingDays = SHIPPED.retention.revisions_days
    dead_letters_days: Days = SHIPPED.retention.dead_letters_days
    cases_years: Annotated[int, Field(ge=1, le=100)] = SHIPPED.retention.cases_years
    tracks_days: Annotated[int, Field(ge=1, le=36_500)] = SHIPPED.retention.tracks_days
    attempts_days: Days = SHIPPED.retention.attempts_days


class Evidence(Table):
    closed_gb: Gigabytes = SHIPPED.evidence.closed_gb
    recorded_gb: Gigabytes = SHIPPED.evidence.recorded_gb
    faults_gb: Gigabytes = SHIPPED.evidence.faults_gb
    copies_gb: Gigabytes = SHIPPED.evidence.copies_gb


class ActionRow(Table):
    rule: Word
    tier: Literal["early", "violation", "fault"]
    action: Literal["task", "warn", "record"]


class NOfMRow(Table):
    rule: Word
    tier: Literal["early", "violation", "fault"]
    n: Annotated[int, Field(ge=2, le=1000)]
    within_s: Seconds

    def value(self) -> NOfM:
        return NOfM(rule=self.rule, tier=Tier(self.tier), n=self.n, within_s=self.within_s)
