"""What a worker that was killed left open: its successor ends what the cameras showed, and goes on with their faults."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farwatch.domain.finding import Finding, Kind, Reason, Severity, Tier
from farwatch.domain.place import Position
from farwatch.storage.database import Pool, transaction
from farwatch.storage.findings import insert_findings
from tests.support.camera_house import Script, at_work, register, worker_of
from tests.support.waiting import until

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)


def left(camera: str, kind: Kind, tier: Tier) -> Finding:
    return Finding(
        rule=str(kind), kind=kind, tier=tier, place=Position(30, 120), onset_at=AT, severity=Severity.MAJOR,
        reason=Reason("smoke_seen"), camera=camera, zone="stack",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seen_s", "ended_s"), [(40.0, 40.0), (-40.0, 0.0), (None, None)], ids=["seen", "seen before", "never"]
)
async def test_what_a_killed_worker_left_open_ends_when_its_camera_was_seen_last(
    pool: Pool, data_dir: Path, seen_s: float | None, ended_s: float | None
) -> None:
    await register(pool, "c1", "rtsp://127.0.0.1:1/x")
    smoke, strange = left("c1", Kind.SMOKE, Tier.VIOLATION), left("c9", Kind.SMOKE, Tier.VIOLATION)
    async with transaction(pool) as connection:
        await insert_findings(connection, [smoke, strange, left("c1", Kind.CAMERA_FAULT, Tier.FAULT)])
    if seen_s is not None:
        await pool.execute(
            "INSERT INTO camera_status (camera, state, reason, last_frame_at, changed_at, updated_at)"
            " VALUES ('c1', 'online', '', $1, now(), now())",
            AT + timedelta(seconds=seen_s),
        )

    async def ends() -> dict[tuple[str, str], datetime | None]:
        rows = await pool.fetch("SELECT camera, kind, ended_at FROM findings")
        return {(r["camera"], r["kind"]): r["ended_at"] for r in rows}

    async with at_work(worker_of(pool, data_dir, Script())):
        ended = await until(ends, lambda seen: seen["c1", "smoke"] is not None)
    at = ended["c1", "smoke"]
    assert at is not None
    if ended_s is None:
        assert at > AT
    else:
        assert at == AT + timedelta(seconds=ended_s)
    assert ended["c1", "camera_fault"] is None, "it goes on"
    assert ended["c9", "smoke"] is None, "somebody else watches it"
