"""What a finding leads to, and which clocks a task has: `policy.toml` as values.

A task carries the policy it was opened with; a later policy never moves a running clock.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from farwatch.domain.finding import Tier


class Action(StrEnum):
    """task: somebody goes; warn: the enterprise is told first; record: kept, nobody is sent."""

    TASK = "task"
    WARN = "warn"
    RECORD = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """`after_s` seconds after t1 without an acceptance, offer also to `to`: next_officer, lead or centre."""

    after_s: float
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """When a reading over its limit becomes a finding.

    A violation in real-time data needs `violation_ratio` times the limit in at least `hold_readings` readings that
    span `hold_s` seconds; a finding ends when the value is below `clear_share` of the limit for `clear_s` seconds.
    """

    violation_ratio: float = 2.0
    hold_s: float = 10.0
    hold_readings: int = 3
    clear_share: float = 0.95
    clear_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRule:
    """A station is silent when nothing new came for `after_s`; two hours, so that hourly senders are not accused."""

    after_s: float = 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRule:
    """What a bureau tunes of the rules about data that lies or fails; their other numbers stand beside each rule.

    A value that stands still for `constant_s` (at most six hours) is constant, one of a slow analyser in water for
    `slow_constant_s` (at most 48 hours). A station's clock drifts from `clock_drift_s` on. Kitchens are open in
    `business_hours` (`HH:MM-HH:MM`, Asia/Shanghai).
    """

    constant_s: float = 21600.0
    slow_constant_s: float = 86400.0
    clock_drift_s: float = 60.0
    business_hours: tuple[str, ...] = ("10:30-14:00", "16:30-21:30")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """How long each class is kept, in days. Event times are taken as far back as 400 days, so no less than 430 for readings.

    Reviews, findings, tasks and the log are kept as they are, evidence as `EvidenceRule` says.
    """

    readings_days: int = 1830
    revisions_days: int = 1830
    dead_letters_days: int = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRule:
    """How much each class of evidence may hold, in GB of 10^9 bytes; beyond it the oldest bytes go, their rows stay.

    `closed_gb`: of closed cases; `recorded_gb`: of findings that became no case; `faults_gb`: of faults of cameras and
    monitors; `copies_gb`: H.264 copies for browsers. Evidence of an open case counts in none and never goes.
    """

    closed_gb: float = 200.0
    recorded_gb: float = 20.0
    faults_gb: float = 5.0
    copies_gb: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPolicy:
    """The clocks of a task; frozen into it when it opens. All times run from t1, the commit of the finding."""

    accept_s: float = 300.0
    arrive_s: float = 600.0
    geofence_m: float = 100.0
    accuracy_max_m: float = 100.0
    quiet_close_s: float = 1800.0
    escalation: tuple[EscalationStep, ...] = (
        EscalationStep(after_s=90, to="next_officer"),
        EscalationStep(after_s=180, to="lead"),
        EscalationStep(after_s=300, to="centre"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`actions` maps (rule, tier) to what is done; a pair that is not listed is recorded."""

    warn_window_s: float = 600.0
    join_radius_m: float = 150.0
    join_within_s: float = 1800.0
    position_fresh_s: float = 180.0
    actions: dict[tuple[str, Tier], Action] = field(default_factory=dict)
    limit: LimitRule = field(default_factory=LimitRule)
    silence: SilenceRule = field(default_factory=SilenceRule)
    quality: QualityRule = field(default_factory=QualityRule)
    retention: RetentionRule = field(default_factory=RetentionRule)
    evidence: EvidenceRule = field(default_factory=EvidenceRule)
    task: TaskPolicy = field(default_factory=TaskPolicy)

    def action_for(self, rule: str, tier: Tier, *, late: bool) -> Action:
        """Anything late is recorded and never starts a clock (rule 10 of the design)."""
        return Action.RECORD if late else self.actions.get((rule, tier), Action.RECORD)


SHIPPED_ACTIONS: dict[tuple[str, Tier], Action] = {
    ("limit_rtd", Tier.EARLY): Action.WARN,
    ("limit_min", Tier.EARLY): Action.WARN,
    ("limit_rtd", Tier.VIOLATION): Action.TASK,
    ("limit_hour", Tier.VIOLATION): Action.TASK,
    ("limit_day", Tier.VIOLATION): Action.TASK,
    ("smoke", Tier.VIOLATION): Action.TASK,
    ("left_object", Tier.VIOLATION): Action.TASK,
    ("camera_offline", Tier.FAULT): Action.TASK,
    ("camera_black", Tier.FAULT): Action.TASK,
    ("camera_overexposed", Tier.FAULT): Action.TASK,
    ("camera_frozen", Tier.FAULT): Action.TASK,
    ("camera_covered", Tier.FAULT): Action.TASK,
    ("camera_defocused", Tier.FAULT): Action.TASK,
    ("camera_turned", Tier.FAULT): Action.TASK,
    ("station_silent", Tier.FAULT): Action.TASK,
    ("gateway_silent", Tier.FAULT): Action.TASK,
    ("data_constant", Tier.FAULT): Action.TASK,
    ("data_out_of_range", Tier.FAULT): Action.TASK,
    ("data_missing", Tier.FAULT): Action.TASK,
    ("data_valid_rate", Tier.FAULT): Action.TASK,
    ("data_late", Tier.FAULT): Action.TASK,
    ("data_remarked", Tier.VIOLATION): Action.TASK,
    ("data_repeats", Tier.VIOLATION): Action.TASK,
}
SHIPPED = Policy(actions=SHIPPED_ACTIONS)
