"""What the alerting floor counts. The age of the last tick is computed by the page that shows it, from the heartbeat."""

from prometheus_client import Counter, Gauge, Histogram

TASKS_OPENED = Counter("farwatch_tasks_opened", "Tasks opened, by the kind of their first matter", ["kind"])
DEADLINES_BREACHED = Counter("farwatch_deadlines_breached", "Deadlines missed, accept or arrive", ["kind"])
NOTICES = Counter("farwatch_notices", "Notices by channel, and what became of them", ["channel", "result"])
NOTICE_WAIT = Histogram(
    "farwatch_notice_wait_seconds",
    "From writing a notice down to its going out, by channel",
    ["channel"],
    buckets=(0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600),
)
WEBHOOK_EVENTS = Counter(
    "farwatch_event_webhook_events",
    "Events of the log sent to programs outside, by channel",
    ["channel", "result"],
)
FINDINGS_DISPOSED = Counter(
    "farwatch_findings_disposed", "Findings by what they led to, and why", ["disposition", "reason"]
)
ROADS = Counter(
    "farwatch_road_tables", "Tables of driving times asked of the router, by what came of it", ["result"]
)
UNDECIDABLE = Counter(
    "farwatch_engine_undecidable", "Times that the engine could make no sense of a row and went on without it"
)
LAST_TICK = Gauge(
    "farwatch_engine_last_tick_timestamp_seconds",
    "When the engine last finished a round, by PostgreSQL's clock",
    multiprocess_mode="mostrecent",
)
