"""What the alerting floor counts. The age of the last tick is computed by the page that shows it, from the heartbeat."""

from prometheus_client import Counter, Gauge

TASKS_OPENED = Counter("farwatch_tasks_opened", "Tasks opened, by the kind of their first matter", ["kind"])
DEADLINES_BREACHED = Counter("farwatch_deadlines_breached", "Deadlines missed, accept or arrive", ["kind"])
NOTICES = Counter("farwatch_notices", "Notices by channel, and what became of them", ["channel", "result"])
FINDINGS_DISPOSED = Counter(
    "farwatch_findings_disposed", "Findings by what they led to, and why", ["disposition", "reason"]
)
UNDECIDABLE = Counter(
    "farwatch_engine_undecidable", "Times that the engine could make no sense of a row and went on without it"
)
LAST_TICK = Gauge(
    "farwatch_engine_last_tick_timestamp_seconds",
    "When the engine last finished a round, by PostgreSQL's clock",
    multiprocess_mode="mostrecent",
)
