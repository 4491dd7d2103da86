"""A database, a broker and the service as real processes, each of which can be killed, and what must be true in the end."""

from pathlib import Path

from farwatch.storage.database import Pool
from server.embedded.postgres import EmbeddedPostgres
from tests.support.mosquitto import ENOUGH, Mosquitto, free_port
from tests.support.service import Service


class Rig:
    """`limits` are lines of the broker's configuration."""

    def __init__(self, folder: Path, limits: str = ENOUGH) -> None:
        self.postgres = EmbeddedPostgres(folder / "pg")
        self.postgres.start()
        self.broker = Mosquitto(folder / "broker", limits)
        self.broker.start()
        self.service = Service(
            folder / "service",
            database_url=self.postgres.url(),
            mqtt_url=self.broker.url,
            http_port=str(free_port()),
        )

    def close(self) -> None:
        self.service.stop_if_running()
        self.broker.stop()
        self.postgres.stop(immediate=True)


async def facts(pool: Pool) -> dict[str, int]:
    """Counts of all that comes of readings."""
    row = await pool.fetchrow(
        "SELECT (SELECT count(*) FROM readings) AS readings, (SELECT count(*) FROM reading_revisions) AS revisions,"
        " (SELECT coalesce(sum(readings), 0)::bigint FROM reading_counts) AS counted,"
        " (SELECT count(*) FROM dead_letters) AS dead_letters,"
        " (SELECT count(*) FROM findings WHERE kind = 'exceedance') AS findings,"
        " (SELECT count(*) FROM findings WHERE kind = 'exceedance' AND ended_at IS NOT NULL) AS ended,"
        " (SELECT count(*) FROM tasks) AS tasks, (SELECT count(*) FROM matters) AS matters,"
        " (SELECT count(*) FROM log WHERE event::jsonb ->> 'type' = 'task_opened') AS opened,"
        " (SELECT count(*) FROM log WHERE event::jsonb ->> 'type' = 'finding_found') AS found,"
        " (SELECT count(*) FROM deadlines WHERE kind = 'accept') AS accept_deadlines,"
        " (SELECT count(*) FROM event_queue) AS unnumbered"
    )
    return dict(row)
