"""The database role of camera workers on other machines: what they need works, and nothing else does."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from farwatch.domain.finding import Finding, FindingEnded, Kind, Reason, Severity, Tier
from farwatch.domain.place import Position
from farwatch.domain.share import Share
from farwatch.storage import camera_status, evidence, findings, heartbeats, registry
from farwatch.storage.camera_status import CameraState, CameraStatus
from farwatch.storage.database import Connection, Pool, connect
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState
from farwatch.storage.migration import require_current
from tests.support.camera_house import register
from tests.support.roles import camera_login

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
FOUND = Finding(
    rule="smoke", kind=Kind.SMOKE, tier=Tier.VIOLATION, place=Position(30.5, 120.5), onset_at=AT, severity=Severity.MAJOR,
    reason=Reason("smoke_seen", {"share": 0.2}), camera="c1", zone="stack",
)  # fmt: skip


@pytest.fixture
async def worker(pool: Pool, database_url: str) -> AsyncIterator[Connection]:
    async with camera_login(pool, database_url) as login:
        connection = await connect(login.url)
        yield connection
        await connection.close()


def still(state: EvidenceState = EvidenceState.PENDING) -> Evidence:
    return Evidence(
        id=uuid.uuid4(), kind=EvidenceKind.STILL, state=state, media_type="image/jpeg", finding_id=FOUND.id,
        sha256="a" * 64 if state is EvidenceState.STORED else None, camera="c1", captured_at=AT,
    )  # fmt: skip


async def test_a_worker_reads_its_cameras_and_writes_what_they_found(pool: Pool, worker: Connection) -> None:
    await register(pool, "c1", "rtsp://127.0.0.1:1/x")
    await require_current(worker)
    city = await registry.load_cameras(worker)
    assert list(city.cameras) == list(city.zones) == ["c1"]
    first, second, third = still(), still(), still(EvidenceState.STORED)
    async with worker.transaction():
        assert await findings.insert_findings(worker, [FOUND]) == [FOUND.id]
        for piece in (first, second, third):
            assert await evidence.add(worker, piece)
    async with worker.transaction():
        assert await evidence.mark_stored(
            worker, first.id, sha256="b" * 64, sm3="c" * 64, size_bytes=9, captured_at=AT, meta={"width": 1}
        )
        assert await evidence.mark_lost(worker, second.id, "upload_failed")
        await findings.end_camera_findings(worker, [FindingEnded(FOUND.id, AT)])
        await camera_status.report(worker, [CameraStatus(camera="c1", state=CameraState.ONLINE)])
        await camera_status.report(
            worker, [CameraStatus(camera="c1", state=CameraState.OFFLINE, reason="closed")]
        )
        await camera_status.end_left_open(worker, ["c1"])
        assert await camera_status.open_faults(worker, ["c1"]) == {}
        assert await evidence.cameras_with_old_pending(worker, older_than_s=0) == []
        assert await evidence.lose_pending(worker, ["c1"], older_than_s=0, reason="worker_restarted") == 0
        await heartbeats.beat_share(worker, Share(1, 4))
    assert await pool.fetchval("SELECT ended_at FROM findings") == AT
    rows = {e.id: e for e in await evidence.of_findings(pool, [FOUND.id])}
    assert (rows[first.id].state, rows[first.id].sha256, dict(rows[first.id].meta)) == (
        "stored",
        "b" * 64,
        {"width": 1},
    )
    assert (rows[second.id].state, rows[second.id].reason) == ("lost", "upload_failed")
    assert "cameras 2/4" in await heartbeats.ages_s(pool)
    told = [r["event"]["type"] for r in await pool.fetch("SELECT event FROM event_queue ORDER BY id")]
    assert told == [
        "finding_found",
        "evidence_stored",
        "evidence_stored",
        "camera_status",
        "camera_status",
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM users",
        "SELECT * FROM officers",
        "SELECT * FROM enterprises",
        "SELECT * FROM stations",
        "SELECT * FROM readings",
        "SELECT * FROM worker_tokens",
        "SELECT * FROM findings",
        "SELECT * FROM log",
        "SELECT reason_params FROM findings",
        "UPDATE findings SET severity = 1",
        "UPDATE evidence SET state = 'lost'",
        "DELETE FROM evidence",
        "DELETE FROM findings",
        "DELETE FROM camera_status",
        "UPDATE cameras SET url = 'rtsp://127.0.0.1/'",
        "INSERT INTO findings (id, found_at) VALUES (gen_random_uuid(), now() - interval '1 h')",
        "INSERT INTO findings (id, disposition) VALUES (gen_random_uuid(), 'recorded')",
        "INSERT INTO heartbeats VALUES ('engine', now())",
        'INSERT INTO event_queue (event) VALUES (\'{"type": "task_closed"}\')',
        "INSERT INTO event_queue (event) VALUES ('{}')",
        "INSERT INTO evidence (id, kind, state, media_type) VALUES (gen_random_uuid(), 'photo', 'pending', 'image/png')",
        "CREATE TABLE mine (n int)",
        "SELECT drop_readings_before('readings', now())",
        "SELECT ensure_partitions(now())",
    ],
)
async def test_a_worker_may_do_nothing_else(worker: Connection, sql: str) -> None:
    with pytest.raises(Exception, match=r"permission denied|may not write this row"):
        await worker.execute(sql)


async def test_functions_that_run_as_the_owner_see_no_temporary_tables_of_the_worker(
    pool: Pool, worker: Connection
) -> None:
    await worker.execute("CREATE TEMPORARY TABLE heartbeats (name text PRIMARY KEY, at timestamptz)")
    await worker.execute(
        "CREATE FUNCTION pg_temp.as_owner() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN DELETE FROM public.registry_version; RETURN NEW; END $$"
    )
    await worker.execute(
        "CREATE TRIGGER t BEFORE INSERT ON pg_temp.heartbeats FOR EACH ROW EXECUTE FUNCTION pg_temp.as_owner()"
    )
    await heartbeats.beat_share(worker, Share(0, 1))
    assert await pool.fetchval("SELECT count(*) FROM registry_version") == 1
    assert "cameras 1/1" in await heartbeats.ages_s(pool)


async def test_a_worker_cannot_hide_who_it_is(worker: Connection) -> None:
    await worker.execute("CREATE TEMPORARY TABLE pg_roles (oid oid, rolname name, rolsuper boolean)")
    with pytest.raises(Exception, match="may not write this row of event_queue"):
        await worker.execute('INSERT INTO event_queue (event) VALUES (\'{"type": "task_closed"}\')')


async def test_a_worker_neither_writes_nor_ends_what_monitors_found_nor_touches_their_evidence(
    pool: Pool, worker: Connection
) -> None:
    of_a_monitor = replace(FOUND, camera=None, zone=None, station="MN1", code="a21026")
    with pytest.raises(Exception, match="may not write this row of findings"):
        await findings.insert_findings(worker, [of_a_monitor])
    curve = replace(still(), kind=EvidenceKind.READINGS, camera=None, finding_id=of_a_monitor.id)
    async with pool.acquire() as connection, connection.transaction():
        await findings.insert_findings(connection, [of_a_monitor])
        await evidence.add(connection, curve)
    await findings.end_camera_findings(worker, [FindingEnded(of_a_monitor.id, AT)])
    assert await pool.fetchval("SELECT ended_at FROM findings") is None
    assert not await evidence.mark_lost(worker, curve.id, "no_reason")
    async with pool.acquire() as connection:
        assert await evidence.mark_lost(connection, curve.id, "no_readings")
