"""Metrics of data loggers on TCP."""

from prometheus_client import Counter, Gauge

CONNECTIONS = Gauge(
    "farwatch_hj212_connections", "TCP connections of data loggers", multiprocess_mode="livemax"
)
STATIONS = Gauge(
    "farwatch_hj212_stations", "Stations that can be reached over TCP", multiprocess_mode="livemax"
)
TURNED_AWAY = Counter(
    "farwatch_hj212_connections_turned_away_total", "Connections not taken, by reason", ["reason"]
)
ENDED = Counter("farwatch_hj212_connections_ended_total", "Connections that ended, by reason", ["reason"])
FRAMES = Counter(
    "farwatch_hj212_frames_total", "Frames over TCP by what length and checksum said", ["verdict"]
)
TURNED_FRAMES = Counter(
    "farwatch_hj212_frames_turned_away_total", "Frames over TCP that were not taken, by reason", ["reason"]
)
LETTERS_DROPPED = Counter(
    "farwatch_hj212_letters_dropped_total", "Refused frames that were counted but not kept: too many at once"
)
PAUSES = Counter(
    "farwatch_hj212_reading_paused_total",
    "Times a connection was read no further until its frames were committed",
)
COMMANDS = Counter("farwatch_hj212_commands_total", "Commands to loggers by how they ended", ["state"])
