"""Two `farwatch serve` on one database, each with its own data, with officers who are told by a webhook."""

import shutil
from pathlib import Path

from farwatch.domain.finding import Finding, Kind, Reason, Tier
from farwatch.domain.place import Position
from farwatch.storage.database import Connection, connect
from farwatch.storage.migration import migrate
from server.embedded.postgres import EmbeddedPostgres
from tests.support.city import GRID
from tests.support.counting_receiver import SECRET, Receiver
from tests.support.mosquitto import free_port
from tests.support.service import Service
from tests.support.waiting import until

CHANNEL = "hook"
OFFICERS = 10
CODES = 10


def place_of(enterprise: int) -> Position:
    """Enterprises stand 220 m apart or more, too far to be one visit."""
    return Position(29.91 + 0.002 * (enterprise % 90), 119.95 + 0.003 * (enterprise // 90))


def exceedance(enterprise: int, code: int, onset_at: object) -> Finding:
    return Finding(
        rule="limit_rtd", kind=Kind.EXCEEDANCE, tier=Tier.VIOLATION, place=place_of(enterprise),
        onset_at=onset_at, severity=2, reason=Reason("over_limit", {"value": 120.0, "limit": 50.0}),  # type: ignore[arg-type]
        enterprise=f"E{enterprise}", station=f"MN{enterprise}", code=f"a{code}",
    )  # fmt: skip


class TwoServes:
    """`roles` of both; `policy` is a policy.toml. They run from `start` on; `close` ends everything."""

    def __init__(self, folder: Path, roles: str, policy: str) -> None:
        self._roles, self._policy = roles, policy
        self.receiver = Receiver()
        self.postgres = EmbeddedPostgres(folder / "pg")
        self.postgres.start()
        self.url = self.postgres.url()
        self.ports = [free_port(), free_port()]
        self.services = [
            Service(folder / f"service{n}", database_url=self.url, http_port=str(port))
            for n, port in enumerate(self.ports)
        ]

    async def prepare(self, enterprises: int) -> None:
        await migrate(self.url, self.url)
        connection = await connect(self.url)
        async with connection.transaction():
            await _city(connection, enterprises)
            await connection.execute("INSERT INTO policies (toml) VALUES ($1)", self._policy)
            await connection.execute("UPDATE registry_version SET version = version + 1, changed_at = now()")
        await connection.close()
        for service in self.services:
            service.data_dir.mkdir(parents=True)
            secrets = service.data_dir / "secrets.toml"
            secrets.write_text(f'[channels.{CHANNEL}]\nurl = "{self.receiver.url}"\nsecret = "{SECRET}"\n')
            secrets.chmod(0o600)

    async def start(self) -> None:
        """The second one gets the first one's keys, as an operator would copy them."""
        first, second = self.services
        first.start(self._roles)
        key = first.data_dir / "keys" / "evidence.pem"

        async def made() -> bool:
            return key.exists()

        await until(made, bool)
        shutil.copytree(key.parent, second.data_dir / "keys")
        second.start(self._roles)

    def close(self) -> None:
        for service in self.services:
            service.stop_if_running()
        self.postgres.stop(immediate=True)
        self.receiver.close()


async def _city(connection: Connection, enterprises: int) -> None:
    await connection.execute("INSERT INTO teams (id, name, lead) VALUES ('T1', 'team', 'O0')")
    await connection.execute(
        "INSERT INTO grids (id, name, team, geometry) VALUES ('G1', 'grid', 'T1', $1)", GRID
    )
    for n in range(OFFICERS):
        await connection.execute(
            "INSERT INTO officers (id, name, team, lat, lon, shift, contact_channel) VALUES ($1, $1, 'T1', 30, 120, 'always', $2)",
            f"O{n}", CHANNEL,
        )  # fmt: skip
    for n in range(enterprises):
        place = place_of(n)
        await connection.execute(
            "INSERT INTO enterprises (id, name, lat, lon) VALUES ($1, $1, $2, $3)",
            f"E{n}",
            place.lat,
            place.lon,
        )
        await connection.execute(
            "INSERT INTO stations (mn, enterprise, name, lat, lon, medium) VALUES ($1, $2, $1, $3, $4, 'air')",
            f"MN{n}", f"E{n}", place.lat, place.lon,
        )  # fmt: skip
