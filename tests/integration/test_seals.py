"""The log is sealed by the hour, and the service's role can take nothing of it back."""

import asyncio
import stat
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from alerting.sealing import keys, sealing
from alerting.sealing.keys import SigningKey
from alerting.sealing.sealing import KeyRefusedError
from farwatch.domain.merkle import NO_ROOT, Seal, Tree, leaf
from farwatch.storage import events, seals
from farwatch.storage.database import Connection, Pool, connect, transaction
from farwatch.storage.heartbeats import database_now
from farwatch.storage.leases import Lease, LeaseLostError
from farwatch.storage.migration import migrate
from farwatch.storage.seals import SignedSeal
from farwatch.storage.sequencer import sequence_once
from tests.support.alerting import NoLease
from tests.support.roles import login

FENCE = NoLease()
OTHER_KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)


async def told(pool: Pool, count: int, *, hours_ago: float = 0.0, task: int | None = None) -> None:
    """Events that entered the log so long ago."""
    async with transaction(pool) as connection:
        for i in range(count):
            await events.append(connection, "camera_status", task=task, i=i)
        await connection.execute(
            "UPDATE event_queue SET at = clock_timestamp() - $1::interval", timedelta(hours=hours_ago)
        )
    await sequence_once(pool, FENCE)


async def seal(pool: Pool, data_dir: Path, *, in_hours: float = 0.0) -> bool:
    async def now(connection: Connection) -> datetime:
        return await database_now(connection) + timedelta(hours=in_hours)

    key = await sealing.open_key(pool, FENCE, data_dir)
    return await sealing.seal_once(pool, FENCE, key, now) is not None


def signed_by(key: SigningKey, hour: datetime, n_first: int, n_last: int, prev_root: bytes) -> SignedSeal:
    seal = Seal(hour=hour, n_first=n_first, n_last=n_last, root=bytes(range(32)), prev_root=prev_root)
    return SignedSeal(seal, key.fingerprint, key.sign(seal.text.encode()))


async def seal_far_ahead(pool: Pool, data_dir: Path) -> None:
    """What a database whose clock was thirty days ahead has sealed then."""
    key = await sealing.open_key(pool, FENCE, data_dir)
    due = await seals.due(pool, await database_now(pool) + timedelta(days=30, hours=2))
    assert due is not None
    root = await sealing.root_of(pool, due.n_first, due.n_last)
    seal = Seal(hour=due.hour, n_first=due.n_first, n_last=due.n_last, root=root, prev_root=due.prev_root)
    await pool.execute(
        "INSERT INTO log_seals (hour, n_first, n_last, root, prev_root, key, signature) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        seal.hour, seal.n_first, seal.n_last, root, due.prev_root, key.fingerprint, key.sign(seal.text.encode()),
    )  # fmt: skip


async def test_an_hour_that_passed_is_sealed_once_and_what_is_new_waits(pool: Pool, data_dir: Path) -> None:
    await told(pool, 3, hours_ago=2, task=7)
    assert await seal(pool, data_dir)
    assert not await seal(pool, data_dir)
    await told(pool, 2)
    assert not await seal(pool, data_dir)
    assert await seals.sealed_up_to(pool) == 3
    assert await seal(pool, data_dir, in_hours=1)
    assert await seals.sealed_up_to(pool) == 5


async def test_seals_are_contiguous_linked_signed_and_hold_every_entry(pool: Pool, data_dir: Path) -> None:
    await told(pool, 5, hours_ago=3, task=7)
    await seal(pool, data_dir)
    await told(pool, 4, hours_ago=2)
    await seal(pool, data_dir, in_hours=1)
    first, second = await seals.all_in_order(pool)
    assert (first.seal.n_first, first.seal.n_last, first.seal.prev_root) == (1, 5, NO_ROOT)
    assert (second.seal.n_first, second.seal.n_last, second.seal.prev_root) == (6, 9, first.seal.root)
    known = await seals.keys(pool)
    for signed in (first, second):
        assert keys.is_signed(known[signed.key], signed.signature, signed.seal.text.encode())
        tree = Tree()
        for row in await pool.fetch(
            "SELECT task_id, hash FROM log WHERE n BETWEEN $1 AND $2 ORDER BY n",
            signed.seal.n_first,
            signed.seal.n_last,
        ):
            tree.add(leaf(row["task_id"], row["hash"]))
        assert tree.root() == signed.seal.root


async def test_an_outage_of_days_is_one_seal_and_an_empty_hour_none(pool: Pool, data_dir: Path) -> None:
    assert not await seal(pool, data_dir)
    await told(pool, 2, hours_ago=50)
    await told(pool, 2, hours_ago=2)
    assert await seal(pool, data_dir)
    assert [(s.seal.n_first, s.seal.n_last) for s in await seals.all_in_order(pool)] == [(1, 4)]
    assert not await seal(pool, data_dir, in_hours=5)


async def test_one_look_at_a_clock_that_is_ahead_does_not_stop_the_sealing(
    pool: Pool, data_dir: Path
) -> None:
    await told(pool, 3, hours_ago=2)
    assert await seal(pool, data_dir, in_hours=24 * 30)
    (ahead,) = await seals.all_in_order(pool)
    async with pool.acquire() as connection:
        assert ahead.seal.hour <= await database_now(connection)
    await told(pool, 2)
    assert await seal(pool, data_dir, in_hours=1)


async def test_after_events_of_a_clock_that_was_ahead_the_seals_go_on_by_the_hour(
    pool: Pool, data_dir: Path
) -> None:
    await told(pool, 2, hours_ago=-24 * 30)
    await seal_far_ahead(pool, data_dir)
    await told(pool, 1, hours_ago=-24 * 30)
    await told(pool, 2)
    assert not await seal(pool, data_dir)
    assert await seal(pool, data_dir, in_hours=1)
    assert not await seal(pool, data_dir, in_hours=1)
    assert await seals.sealed_up_to(pool) == 5


async def test_what_waits_since_before_the_hour_is_sealed_with_it(pool: Pool, data_dir: Path) -> None:
    await told(pool, 2, hours_ago=3)
    async with transaction(pool) as connection:
        await events.append(connection, "camera_status")
        await connection.execute("UPDATE event_queue SET at = clock_timestamp() - interval '2 hours'")
    assert not await seal(pool, data_dir)
    await sequence_once(pool, FENCE)
    assert await seal(pool, data_dir)
    assert await seals.sealed_up_to(pool) == 3


async def test_a_holder_that_was_replaced_seals_nothing(pool: Pool, data_dir: Path) -> None:
    await told(pool, 2, hours_ago=2)
    await pool.execute("INSERT INTO leases VALUES ('engine', 2, 'another', now())")
    key = await sealing.open_key(pool, FENCE, data_dir)
    with pytest.raises(LeaseLostError):
        await sealing.seal_once(pool, Lease("engine", 1), key)
    assert await seals.all_in_order(pool) == []


async def test_the_key_is_made_once_and_for_its_owner_only(pool: Pool, data_dir: Path) -> None:
    assert await seals.current_fingerprint(pool) == ""
    first = await sealing.open_key(pool, FENCE, data_dir)
    assert (await sealing.open_key(pool, FENCE, data_dir)).public_key == first.public_key
    assert await seals.current_fingerprint(pool) == first.fingerprint
    assert stat.S_IMODE(keys.path(data_dir).stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.path(data_dir).parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("other", ["another key", "no key"])
async def test_a_key_that_is_not_the_databases_is_refused_by_both_names(
    pool: Pool, tmp_path: Path, other: str
) -> None:
    ours = await sealing.open_key(pool, FENCE, tmp_path / "here")
    there = tmp_path / "there"
    second = keys.ensure(there).fingerprint if other == "another key" else "is missing"
    with pytest.raises(KeyRefusedError, match=f"{ours.fingerprint}.*{second}"):
        await sealing.open_key(pool, FENCE, there)
    assert (keys.load(there) is None) == (other == "no key")


async def test_of_two_that_make_the_key_at_once_both_get_the_same(data_dir: Path) -> None:
    made = await asyncio.gather(*(asyncio.to_thread(keys.ensure, data_dir) for _ in range(8)))
    assert len({key.fingerprint for key in made}) == 1
    assert [p.name for p in keys.path(data_dir).parent.iterdir()] == ["evidence.pem"]


@pytest.mark.parametrize("content", [b"", b"nothing", OTHER_KEY])
def test_a_file_that_is_no_key_of_ours_is_said_so(data_dir: Path, content: bytes) -> None:
    keys.path(data_dir).parent.mkdir(parents=True)
    keys.path(data_dir).write_bytes(content)
    for use in (keys.load, keys.ensure, keys.replace):
        with pytest.raises(keys.KeyFileError, match="holds no Ed25519 key"):
            use(data_dir)
    assert keys.path(data_dir).read_bytes() == content


def test_a_replaced_key_stays_beside_the_new_one(data_dir: Path) -> None:
    old = keys.ensure(data_dir)
    new = keys.replace(data_dir)
    assert new.public_key != old.public_key
    assert sorted(p.name for p in keys.path(data_dir).parent.iterdir()) == sorted(
        [f"{old.fingerprint}.pem", "evidence.pem"]
    )


@pytest.fixture
async def service(pool: Pool, database_url: str) -> AsyncIterator[Connection]:
    """A connection of a role that writes rows and owns nothing, as in production."""
    async with login(pool, database_url) as role:
        assert role.name in (await migrate(database_url, role.url)).granted
        connection = await connect(role.url)
        yield connection
        await connection.close()


TABLES = ("log", "log_seals", "seal_stamps", "signing_keys")
REWRITES = (
    "UPDATE {0} SET {1} = {1}",
    "DELETE FROM {0}",
    "TRUNCATE {0} CASCADE",
    "DROP TRIGGER {0}_append_only ON {0}",
    "ALTER TABLE {0} DISABLE TRIGGER {0}_append_only",
    "ALTER TABLE {0} DISABLE TRIGGER ALL",
    "ALTER TABLE {0} OWNER TO CURRENT_USER",
    "DROP TABLE {0} CASCADE",
    "CREATE RULE forged AS ON INSERT TO {0} DO INSTEAD NOTHING",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION log_is_append_only() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
)
COLUMN = {"log": "event", "log_seals": "root", "seal_stamps": "token", "signing_keys": "public_key"}


async def test_the_service_role_cannot_take_back_what_was_logged_or_sealed(
    pool: Pool, data_dir: Path, service: Connection
) -> None:
    await told(pool, 2, hours_ago=2)
    await seal(pool, data_dir)
    before = await pool.fetch("SELECT * FROM log")
    for table in TABLES:
        for rewrite in REWRITES:
            with pytest.raises(Exception, match=r"permission denied|must be (owner|member)"):
                await service.execute(rewrite.format(table, COLUMN[table]))
    assert await pool.fetch("SELECT * FROM log") == before
    assert await seals.is_protected(service)
    assert not await seals.is_protected(pool)


async def test_the_service_role_seals(pool: Pool, data_dir: Path, service: Connection) -> None:
    await told(pool, 2, hours_ago=2)
    key = keys.ensure(data_dir)
    await seals.add_first_key(service, key.public_key)
    due = await seals.due(service, await database_now(service))
    assert due is not None
    assert (due.n_first, due.n_last) == (1, 2)
    assert await seals.add(service, signed_by(key, due.hour, due.n_first, due.n_last, NO_ROOT))
    assert await seals.sealed_up_to(pool) == 2


async def test_a_look_at_a_clock_that_is_ahead_delays_the_next_seal_by_an_hour_at_most(
    pool: Pool, data_dir: Path
) -> None:
    await told(pool, 2, hours_ago=1.2)
    assert await seal(pool, data_dir, in_hours=24 * 30)
    await told(pool, 2)
    assert not await seal(pool, data_dir)
    assert await seals.due(pool, await database_now(pool) + timedelta(hours=2)) is not None
    assert await seal(pool, data_dir, in_hours=2)
    assert await sealing.first_wrong_seal(pool) is None


async def test_where_a_seal_lies_ahead_each_hour_is_sealed_all_the_same(pool: Pool, data_dir: Path) -> None:
    await told(pool, 1, hours_ago=-24 * 30)
    await seal_far_ahead(pool, data_dir)
    for hours in (1, 2, 3):
        await told(pool, 2, hours_ago=1.5 - hours)
        assert await seal(pool, data_dir, in_hours=hours)
        assert not await seal(pool, data_dir, in_hours=hours)
    assert await seals.sealed_up_to(pool) == 7
    assert await sealing.first_wrong_seal(pool) is None


async def test_the_service_role_puts_no_other_key_in_the_citys_place(
    pool: Pool, data_dir: Path, tmp_path: Path, service: Connection
) -> None:
    ours, theirs = await sealing.open_key(pool, FENCE, data_dir), keys.ensure(tmp_path / "theirs")
    with pytest.raises(Exception, match="permission denied"):
        await service.execute(
            "INSERT INTO signing_keys VALUES ($1, $2)", theirs.fingerprint, theirs.public_key
        )
    with pytest.raises(Exception, match="permission denied"):
        await service.execute(
            "INSERT INTO log_seals VALUES (now(), 1, 1, '', '', now(), $1, '')", ours.fingerprint
        )
    with pytest.raises(Exception, match="permission denied"):
        await seals.add_key(service, theirs.public_key)
    await seals.add_first_key(service, theirs.public_key)
    assert await seals.current_fingerprint(pool) == ours.fingerprint
    assert (await seals.may_add_key(service), await seals.may_add_key(pool)) == (False, True)
    await seals.add_key(pool, theirs.public_key)
    assert await seals.current_fingerprint(pool) == theirs.fingerprint


async def test_a_key_that_was_dated_ahead_before_is_followed_too(pool: Pool, data_dir: Path) -> None:
    await pool.execute("ALTER TABLE signing_keys DISABLE TRIGGER signing_keys_in_order")
    await pool.execute("INSERT INTO signing_keys VALUES ('theirs', $1, '2099-01-01')", bytes(32))
    await pool.execute("ALTER TABLE signing_keys ENABLE TRIGGER signing_keys_in_order")
    ours = keys.ensure(data_dir)
    await seals.add_key(pool, ours.public_key)
    assert await seals.current_fingerprint(pool) == ours.fingerprint


@pytest.mark.parametrize(
    ("hour", "n_first", "n_last"),
    [
        ("2099-01-01T00:00Z", 3, 3),
        ("2000-01-01T00:00Z", 3, 3),
        ("next", 4, 4),
        ("next", 3, 10**15),
        ("next", 10**15, 10**15),
    ],
)
async def test_no_seal_is_put_where_none_is_due(
    pool: Pool, data_dir: Path, service: Connection, hour: str, n_first: int, n_last: int
) -> None:
    await told(pool, 2, hours_ago=2)
    assert await seal(pool, data_dir)
    await told(pool, 1)
    (last,), key = await seals.all_in_order(pool), keys.ensure(data_dir)
    when = last.seal.hour + timedelta(hours=1) if hour == "next" else datetime.fromisoformat(hour)
    with pytest.raises(Exception, match="seal_not_next"):
        await seals.add(service, signed_by(key, when, n_first, n_last, last.seal.root))
