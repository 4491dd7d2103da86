"""Evidence rows and camera status on a real database."""

import asyncio
import signal
import sys
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farwatch.domain.finding import Finding, Kind, Reason, Severity, Tier
from farwatch.domain.place import Position
from farwatch.storage import camera_status, evidence
from farwatch.storage.blobs import BlobStore
from farwatch.storage.camera_status import CameraState, CameraStatus
from farwatch.storage.database import Pool, transaction
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState
from farwatch.storage.findings import insert_findings

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
SHA = "ab" * 32
SM3 = "cd" * 32


def finding(rule: str = "smoke") -> Finding:
    return Finding(
        rule=rule, kind=Kind.SMOKE, tier=Tier.VIOLATION, place=Position(30, 120), onset_at=AT,
        severity=Severity.MAJOR, reason=Reason("smoke_seen"), camera="c1", zone="stack",
    )  # fmt: skip


def piece(
    of: Finding, kind: EvidenceKind, state: EvidenceState = EvidenceState.STORED, **more: object
) -> Evidence:
    stored = {"sha256": SHA, "size_bytes": 9} if state is EvidenceState.STORED else {}
    return Evidence(
        id=evidence.evidence_id(of.id, kind), finding_id=of.id, kind=kind, state=state, media_type="image/jpeg",
        camera="c1", captured_at=AT, **(stored | more),
    )  # fmt: skip


async def events_of(pool: Pool, type: str) -> list[dict]:
    rows = await pool.fetch("SELECT event FROM event_queue WHERE event->>'type' = $1 ORDER BY id", type)
    return [row["event"] for row in rows]


async def test_a_repeated_write_of_the_same_evidence_changes_and_tells_nothing(pool: Pool) -> None:
    found = finding()
    for _ in range(2):
        async with transaction(pool) as connection:
            await insert_findings(connection, [found])
            await evidence.add(connection, piece(found, EvidenceKind.STILL))
            still = evidence.evidence_id(found.id, EvidenceKind.STILL)
            await evidence.add(connection, piece(found, EvidenceKind.STILL_MARKED, derived_from=still))
            await evidence.add(connection, piece(found, EvidenceKind.CLIP, EvidenceState.PENDING))
    async with pool.acquire() as connection:
        rows = {e.kind: e for e in await evidence.of_findings(connection, [found.id])}
        assert set(rows) == {EvidenceKind.STILL, EvidenceKind.STILL_MARKED, EvidenceKind.CLIP}
        assert rows[EvidenceKind.STILL_MARKED].derived_from == still
        assert set(await evidence.stored_hashes(connection)) == {SHA}
    assert [e["kind"] for e in await events_of(pool, "evidence_stored")] == ["still", "still_marked"]


async def test_a_pending_clip_is_stored_or_lost_once_and_never_again(pool: Pool) -> None:
    found = finding()
    clip = evidence.evidence_id(found.id, EvidenceKind.CLIP)
    stored = {"sha256": SHA, "sm3": SM3, "size_bytes": 9, "captured_at": AT, "meta": {"duration_s": 12.5}}
    async with transaction(pool) as connection:
        await insert_findings(connection, [found])
        await evidence.add(connection, piece(found, EvidenceKind.CLIP, EvidenceState.PENDING))
        assert await evidence.mark_stored(connection, clip, **stored)
        assert not await evidence.mark_stored(connection, clip, **stored)
        assert not await evidence.mark_lost(connection, clip, "camera_lost")
        row = await evidence.fetch(connection, clip)
    assert row is not None
    assert (row.state, row.sha256, row.meta) == (EvidenceState.STORED, SHA, {"duration_s": 12.5})
    assert len(await events_of(pool, "evidence_stored")) == 1


async def test_stored_evidence_names_the_task_of_its_finding(pool: Pool) -> None:
    found = finding()
    clip = evidence.evidence_id(found.id, EvidenceKind.CLIP)
    async with transaction(pool) as connection:
        await insert_findings(connection, [found])
        await evidence.add(connection, piece(found, EvidenceKind.CLIP, EvidenceState.PENDING))
        task = await connection.fetchval(
            "INSERT INTO tasks (state, severity, lat, lon, opened_at, policy)"
            " VALUES ('open', 2, 30, 120, now(), '{}') RETURNING id"
        )
        matter = await connection.fetchval(
            "INSERT INTO matters (task_id, fingerprint, kind, event_at, found_at, severity, reason_key, reason_params)"
            " VALUES ($1, 'smoke/c1/stack', 'smoke', now(), now(), 2, 'smoke_seen', '{}') RETURNING id",
            task,
        )
        await connection.execute("INSERT INTO matter_findings VALUES ($1, $2)", found.id, matter)
        await evidence.mark_stored(
            connection, clip, sha256=SHA, sm3=SM3, size_bytes=9, captured_at=AT, meta={}
        )
    assert [e["task"] for e in await events_of(pool, "evidence_stored")] == [task]


async def test_only_old_pending_clips_and_stills_of_these_cameras_become_lost(pool: Pool) -> None:
    found = finding()
    ids = {name: uuid.uuid4() for name in ("old", "young", "other camera", "old still", "old copy")}
    kinds = {"old still": EvidenceKind.STILL, "old copy": EvidenceKind.CLIP_COPY}
    async with transaction(pool) as connection:
        await insert_findings(connection, [found])
        for name, row_id in ids.items():
            kind = kinds.get(name, EvidenceKind.CLIP)
            camera = "c2" if name == "other camera" else "c1"
            row = piece(found, kind, EvidenceState.PENDING)
            await evidence.add(connection, replace(row, id=row_id, camera=camera))
            await connection.execute(
                "UPDATE evidence SET created_at = clock_timestamp() - make_interval(secs => $2) WHERE id = $1",
                row_id, 10 if name == "young" else 300,
            )  # fmt: skip
        lost = await evidence.lose_pending(connection, ["c1"], older_than_s=120, reason="worker_restarted")
        rows = {name: await evidence.fetch(connection, row_id) for name, row_id in ids.items()}
    gone = (EvidenceState.LOST, "worker_restarted")
    assert lost == 2
    assert {
        n: (r.state, r.reason) for n, r in rows.items() if r and r.state is not EvidenceState.PENDING
    } == {"old": gone, "old still": gone}


async def test_camera_status_becomes_an_event_only_when_it_changes(pool: Pool) -> None:
    said = [
        CameraStatus(camera="c1", state=CameraState.ONLINE, last_frame_at=AT),
        CameraStatus(camera="c1", state=CameraState.ONLINE, last_frame_at=AT + timedelta(seconds=5)),
        CameraStatus(camera="c1", state=CameraState.OFFLINE, reason="timed_out"),
        CameraStatus(camera="c1", state=CameraState.OFFLINE, reason="timed_out"),
        CameraStatus(camera="c1", state=CameraState.OFFLINE, reason="unreachable"),
    ]
    changed = []
    for status in said:
        async with transaction(pool) as connection:
            changed.append(await camera_status.report(connection, [status]))
    assert changed == [["c1"], [], ["c1"], [], ["c1"]]
    assert [(e["state"], e["reason"]) for e in await events_of(pool, "camera_status")] == [
        ("online", ""), ("offline", "timed_out"), ("offline", "unreachable"),
    ]  # fmt: skip
    async with pool.acquire() as connection:
        known = (await camera_status.fetch_all(connection))["c1"]
        assert known.last_frame_at == AT + timedelta(seconds=5)
        await connection.execute("UPDATE camera_status SET updated_at = updated_at - interval '1 minute'")
        assert (await camera_status.fetch_all(connection))["c1"].reason == "worker_away"


async def test_turns_on_patrol_and_a_workers_start_are_no_news_of_a_camera(pool: Pool) -> None:
    said = [
        ("unknown", "waits_its_turn"), ("online", ""), ("resting", ""), ("online", ""), ("resting", ""),
        ("unknown", "starting"), ("online", ""), ("resting", "camera_black"), ("online", "camera_black"),
        ("unknown", "starting"), ("offline", "timed_out"), ("unknown", "starting"), ("online", ""),
    ]  # fmt: skip
    for state, reason in said:
        async with transaction(pool) as connection:
            status = CameraStatus(camera="c1", state=CameraState(state), reason=reason, last_frame_at=AT)
            await camera_status.report(connection, [status])
            now = (await camera_status.fetch_all(connection))["c1"]
            assert (now.state, now.reason) == (state, reason)
            assert now.changed_at == await connection.fetchval("SELECT now()")
    assert [(e["state"], e["reason"]) for e in await events_of(pool, "camera_status")] == [
        ("online", ""), ("resting", "camera_black"), ("offline", "timed_out"), ("online", ""),
    ]  # fmt: skip


_KILLED = """
import asyncio, os, signal, sys, uuid
from pathlib import Path
from farwatch.storage import evidence
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import open_pool, transaction

async def main(url, folder):
    sha256 = BlobStore(Path(folder)).put_bytes(b"a picture").sha256
    print(sha256, flush=True)
    async with open_pool(url) as pool, transaction(pool) as connection:
        await evidence.add(connection, evidence.Evidence(
            id=uuid.uuid4(), kind=evidence.EvidenceKind.STILL, state=evidence.EvidenceState.STORED,
            media_type="image/jpeg", sha256=sha256, size_bytes=9))
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.process
async def test_a_kill_between_the_file_and_the_row_leaves_whole_bytes_and_no_row(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _KILLED,
        database_url,
        str(tmp_path / "evidence"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(child.communicate(), timeout=30)
    assert child.returncode == -signal.SIGKILL
    assert BlobStore(tmp_path / "evidence").verify(said.decode().strip())
    async with pool.acquire() as connection:
        assert await evidence.stored_hashes(connection) == {}
