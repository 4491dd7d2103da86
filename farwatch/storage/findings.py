"""Findings as rows: found once, however often they are judged."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from farwatch.domain.finding import Finding, FindingEnded
from farwatch.storage import events
from farwatch.storage.database import Connection, Pool

_INSERT = """
INSERT INTO findings (id, rule, kind, tier, fingerprint, station, code, camera, zone, enterprise, lat, lon, onset_at,
                      severity, reason_key, reason_params, detector, late, drill_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
ON CONFLICT (id) DO NOTHING RETURNING id, pg_notify('farwatch_findings', '')
"""


async def insert_findings(connection: Connection, findings: Sequence[Finding]) -> list[UUID]:
    """Writes the findings that are new, in the caller's transaction, wakes the engine, and returns their ids."""
    new: list[UUID] = []
    for f in findings:
        row = await connection.fetchval(
            _INSERT, f.id, f.rule, f.kind, f.tier, f.fingerprint, f.station, f.code, f.camera, f.zone, f.enterprise,
            f.place.lat, f.place.lon, f.onset_at, f.severity, f.reason.key, dict(f.reason.params), dict(f.detector),
            f.late, f.drill_id,
        )  # fmt: skip
        if row is None:
            continue
        new.append(row)
        await events.append(
            connection, "finding_found", finding=str(row), rule=f.rule, kind=f.kind, tier=f.tier, station=f.station,
            code=f.code, camera=f.camera, zone=f.zone, late=f.late, drill=f.drill_id,
        )  # fmt: skip
    return new


async def end_findings(connection: Connection, ended: Sequence[FindingEnded]) -> None:
    """Notes when findings ended; an end that is known stays as it is, and one that was never found is nothing."""
    if not ended:
        return
    rows = await connection.fetch(
        "UPDATE findings f SET ended_at = e.ended_at FROM unnest($1::uuid[], $2::timestamptz[]) AS e (id, ended_at)"
        " WHERE f.id = e.id AND f.ended_at IS NULL RETURNING f.id",
        [e.finding_id for e in ended],
        [e.ended_at for e in ended],
    )
    if rows:
        await connection.execute("NOTIFY farwatch_findings")


async def end_camera_findings(connection: Connection, ended: Sequence[FindingEnded]) -> None:
    """The same for findings of cameras, by a function that their workers' role may call."""
    if await connection.fetchval(
        "SELECT camera_findings_ended($1, $2)", [e.finding_id for e in ended], [e.ended_at for e in ended]
    ):
        await connection.execute("NOTIFY farwatch_findings")


async def open_onsets(connection: Connection) -> dict[tuple[str, str, str, str, bool], datetime]:
    """Findings of monitors that have not ended, for a judge that starts again; of several the one that was found last."""
    rows = await connection.fetch(
        "SELECT rule, tier, station, code, late, onset_at FROM findings"
        " WHERE ended_at IS NULL AND station IS NOT NULL ORDER BY found_at"
    )
    return {(r["rule"], r["tier"], r["station"], r["code"], r["late"]): r["onset_at"] for r in rows}


async def stand_again(connection: Connection, ids: Sequence[UUID]) -> None:
    """Findings that had been revoked, as if they had ended when they began, and are found once more: they have not ended."""
    if not ids:
        return
    await connection.execute(
        "UPDATE findings SET ended_at = NULL WHERE id = ANY($1) AND ended_at <= onset_at", list(ids)
    )


async def open_onsets_of(connection: Connection | Pool, rule: str) -> dict[tuple[str, str], datetime]:
    """Findings of one rule that have not ended, by (MN, code)."""
    rows = await connection.fetch(
        "SELECT station, code, onset_at FROM findings WHERE rule = $1 AND ended_at IS NULL AND station IS NOT NULL"
        " ORDER BY found_at",
        rule,
    )
    return {(r["station"], r["code"] or ""): r["onset_at"] for r in rows}
