"""Metrics of what comes in from monitors."""

from prometheus_client import Counter, Gauge, Histogram

READINGS = Counter("farwatch_readings_total", "Readings committed, revisions included")
REVISIONS = Counter(
    "farwatch_reading_revisions_total", "Readings that replaced another content of the same key"
)
CHANNELS_HEARD = Counter("farwatch_channels_heard_total", "Channels made because a station said their code")
MESSAGES = Counter("farwatch_messages_total", "Messages taken from the broker, committed or set aside")
DEAD_LETTERS = Counter("farwatch_dead_letters_total", "Input that was refused and set aside", ["reason"])
BATCH_SECONDS = Histogram("farwatch_ingest_batch_seconds", "From taking a batch to its commit")
BATCHES_RETRIED = Counter(
    "farwatch_ingest_batches_retried_total", "Batches whose commit had to be tried again"
)
MQTT_CONNECTED = Gauge(
    "farwatch_mqtt_connected", "1 while subscribed to the broker", multiprocess_mode="livemax"
)
MQTT_DROPPED = Counter("farwatch_mqtt_dropped_total", "QoS 0 messages dropped because the inbox was full")
