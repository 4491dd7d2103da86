"""What a finding leads to, and which clocks a task has: `policy.toml` as values.

A task carries the policy it was opened with; a later policy never moves a running clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from farwatch.domain.calendar import WorkCalendar
from farwatch.domain.finding import Tier


class Action(StrEnum):
    """task: somebody goes; warn: the enterprise is told first; record: kept, nobody is sent."""

    TASK = "task"
    WARN = "warn"
    RECORD = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """`after_s` seconds after t1 and still not accepted (`of` = accept) or not arrived (arrive): next_officer and lead are asked,
    centre and city are told."""

    after_s: float
    to: str
    of: str = "accept"


SHIPPED_STEPS = (
    EscalationStep(after_s=90.0, to="next_officer"),
    EscalationStep(after_s=180.0, to="lead"),
    EscalationStep(after_s=300.0, to="centre"),
)
CRITICAL_STEPS = (
    EscalationStep(after_s=60.0, to="next_officer"),
    EscalationStep(after_s=120.0, to="lead"),
    EscalationStep(after_s=240.0, to="centre"),
    EscalationStep(after_s=600.0, to="city"),
    EscalationStep(after_s=900.0, to="city", of="arrive"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityClocks:
    """The clocks of one class of severity. An officer's offer lapses after `offer_window_s`; `ask_at_once` are asked together."""

    accept_s: float = 300.0
    arrive_s: float = 600.0
    offer_window_s: float = 60.0
    ask_at_once: int = 1
    escalation: tuple[EscalationStep, ...] = SHIPPED_STEPS

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.offer_window_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """A matter of `kind` must be dealt with within `amount` of `unit`: hours, working_hours or working_days."""

    kind: str
    amount: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NOfM:
    """A finding of this (rule, tier) counts from the `n`-th of its fingerprint within `within_s` on."""

    rule: str
    tier: Tier
    n: int
    within_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StormRule:
    """More than `tasks` tasks opened within `within_s` are a storm, until none came for `quiet_s`."""

    tasks: int = 20
    within_s: float = 60.0
    quiet_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchRule:
    """What it costs, in seconds, to send an officer: the way (`detour` times the distance at `speed_m_s`), `open_task_s` for each
    open task, `other_grid_s` from another grid's team, `stale_s` for each time that his position is as old as a fresh one may be
    (at most three), `skill_s` without the skill that `skills` (kind, skill) asks for. From another grid nobody is asked beyond
    `most_eta_s`."""

    detour: float = 1.35
    speed_m_s: float = 8.3
    open_task_s: float = 600.0
    other_grid_s: float = 120.0
    stale_s: float = 60.0
    skill_s: float = 600.0
    most_eta_s: float = 2400.0
    skills: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRule:
    """How much channel `name` takes: `per_minute` on average, `burst` at once; from `digest_from` waiting ones on, one digest.
    DingTalk and WeCom ban a sender above 20 a minute. With `events` it gets every event of the log, as CloudEvents."""

    name: str
    per_minute: float = 18.0
    burst: int = 18
    digest_from: int = 5
    events: bool = False


Groups = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRule:
    """By target, groups of channels: the first at once, the next `fall_through_s` later unless a receipt came. `page` is the
    page, `contact` the target's own channel, anything else a channel's name. After `expire_s` a notice is too old to send."""

    officer: Groups = (("page", "contact"),)
    lead: Groups = (("page", "contact"),)
    centre: Groups = (("page",),)
    city: Groups = (("page",),)
    enterprise: Groups = (("contact",),)
    fall_through_s: float = 30.0
    expire_s: float = 3600.0
    channels: tuple[ChannelRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstTimeRule:
    """A first time (首违) is one without another confirmed case of the same kind in so many months."""

    months: int = 24


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
    """How long each class is kept, in days; confirmed cases in years. Event times are taken as far back as 400 days, so no less
    than 430 for readings.

    Reviews, findings, tasks and the log are kept as they are, evidence as `EvidenceRule` says.
    """

    readings_days: int = 1830
    revisions_days: int = 1830
    dead_letters_days: int = 180
    cases_years: int = 10
    tracks_days: int = 30
    attempts_days: int = 180


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
    """The clocks of a task; frozen into it when it opens. All times run from t1, the commit of the finding.

    `severities` holds the classes that have clocks of their own; the plain fields are for the others. A matter is quiet, and
    has ceased, `quiet_close_s` after its last finding ended; of the kinds in `closes_itself` it then needs no visit.
    """

    accept_s: float = 300.0
    arrive_s: float = 600.0
    geofence_m: float = 100.0
    accuracy_max_m: float = 100.0
    quiet_close_s: float = 1800.0
    offer_window_s: float = 60.0
    ask_at_once: int = 1
    escalation: tuple[EscalationStep, ...] = SHIPPED_STEPS
    severities: Mapping[int, SeverityClocks] = field(default_factory=dict)
    handling: tuple[Handling, ...] = ()
    closes_itself: tuple[str, ...] = ("camera_fault", "data_fault")

    def clocks(self, severity: int) -> SeverityClocks:
        own = self.severities.get(severity)
        return own or SeverityClocks(
            accept_s=self.accept_s, arrive_s=self.arrive_s, offer_window_s=self.offer_window_s,
            ask_at_once=self.ask_at_once, escalation=self.escalation,
        )  # fmt: skip

    @property
    def rungs(self) -> tuple[EscalationStep, ...]:
        """All steps of all classes, the plain ones first: a deadline's step is a place in here."""
        own = (step for level in sorted(self.severities) for step in self.severities[level].escalation)
        return (*self.escalation, *own)

    def first_rung(self, severity: int) -> int:
        """The place in `rungs` where the steps of this class begin."""
        if severity not in self.severities:
            return 0
        before = (len(c.escalation) for level, c in self.severities.items() if level < severity)
        return len(self.escalation) + sum(before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`actions` maps (rule, tier) to what is done; a pair that is not listed is recorded.

    What is found again within `reopen_within_s` of its closing names the old task. Camera and monitor of one enterprise that
    speak within `confirm_within_s` confirm each other.
    """

    warn_window_s: float = 600.0
    join_radius_m: float = 150.0
    join_within_s: float = 1800.0
    position_fresh_s: float = 180.0
    reopen_within_s: float = 86400.0
    confirm_within_s: float = 1800.0
    actions: dict[tuple[str, Tier], Action] = field(default_factory=dict)
    limit: LimitRule = field(default_factory=LimitRule)
    silence: SilenceRule = field(default_factory=SilenceRule)
    quality: QualityRule = field(default_factory=QualityRule)
    retention: RetentionRule = field(default_factory=RetentionRule)
    evidence: EvidenceRule = field(default_factory=EvidenceRule)
    task: TaskPolicy = field(default_factory=TaskPolicy)
    n_of_m: tuple[NOfM, ...] = ()
    storm: StormRule = field(default_factory=StormRule)
    dispatch: DispatchRule = field(default_factory=DispatchRule)
    notices: NoticeRule = field(default_factory=NoticeRule)
    first_time: FirstTimeRule = field(default_factory=FirstTimeRule)
    calendar: WorkCalendar = field(default_factory=WorkCalendar)

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
SHIPPED = Policy(
    actions=SHIPPED_ACTIONS,
    task=TaskPolicy(
        handling=(Handling(kind="data_fault", amount=5.0, unit="working_days"),),
        severities={3: SeverityClocks(ask_at_once=2, escalation=CRITICAL_STEPS)},
    ),
)
