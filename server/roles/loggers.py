"""Data loggers within role intake: the TCP server and the commands that go down, wired from settings."""

from farwatch.domain.device import StationSecrets
from farwatch.domain.registry import Registry
from farwatch.runtime.clock import Clock
from farwatch.runtime.supervision import Service
from farwatch.storage.database import PASSING_ERRORS as DATABASE_ERRORS
from farwatch.storage.database import Pool
from farwatch.storage.leases import Lease
from ingest import mqtt
from ingest.intake import Intake
from ingest.loggers.broker_ear import BrokerEar
from ingest.loggers.commands import Commands, Ways
from ingest.loggers.heard import Heard
from ingest.loggers.limits import LoggerLimits
from ingest.loggers.lines import Lines
from ingest.loggers.records import Records
from ingest.loggers.server import LoggerParts, LoggerServer
from server.settings import Settings

PORT_IN_USE: tuple[type[Exception], ...] = (OSError,)
"""Whoever held the role before may still have it for a moment."""


class LoggerHouse:
    """Commands go over TCP and over the broker; `subscription` is None where there is no broker."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        lease: Lease,
        intake: Intake,
        secrets: StationSecrets,
        clock: Clock,
    ) -> None:
        self._address = settings.hj212_address
        heard, lines = Heard(), Lines()
        self._records = Records(pool, lease, heard)

        def city() -> Registry:
            return intake.registry

        ear = BrokerEar(take_batch=intake.take, registry=city, secrets=secrets, heard=heard, clock=clock)
        self.subscription = _subscription(settings, ear)
        broker = _no_broker if self.subscription is None else self.subscription.send
        ways = Ways(lines=lines, heard=heard, broker=broker, registry=city, secrets=secrets)
        self._commands = Commands(pool, lease, ways)
        parts = LoggerParts(
            take=intake.take,
            keep=self._records.keep,
            registry=city,
            secrets=secrets,
            lines=lines,
            heard=heard,
            clock=clock,
        )
        self._server = LoggerServer(parts, limits_of(settings))

    def is_listening(self) -> bool:
        return self._server.is_listening

    def services(self) -> list[Service]:
        found = [
            Service(name="logger records", run=self._records.run, passing=DATABASE_ERRORS),
            Service(name="logger commands", run=self._commands.run, passing=DATABASE_ERRORS),
        ]
        if self._address is not None:
            host, port = self._address
            found.append(
                Service(
                    name="logger server",
                    run=lambda: self._server.run_once(host, port),
                    passing=PORT_IN_USE,
                    longest_delay_s=1.0,
                )
            )
        return found


def _subscription(settings: Settings, ear: BrokerEar) -> mqtt.Subscription | None:
    if settings.mqtt_url is None:
        return None
    return mqtt.Subscription(settings.mqtt_url, settings.mqtt_client_id, ear.take)


def limits_of(settings: Settings) -> LoggerLimits:
    return LoggerLimits(
        connections=settings.hj212_connections,
        connections_per_address=settings.hj212_connections_per_address,
        idle_s=settings.hj212_idle_s,
        frame_within_s=settings.hj212_frame_s,
        write_within_s=settings.hj212_write_s,
    )


def _no_broker(_mn: str, _frame: bytes) -> bool:
    return False
