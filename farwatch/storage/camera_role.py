"""The database role of camera workers on other machines: it inserts what cameras found, and reads no more than it watches.

Roles belong to the whole server, so the operator makes this one (a group; each machine's login is a member), and
`farwatch migrate` grants it its rights in this database.
"""

from farwatch.storage.database import Connection

ROLE = "farwatch_camera"
FUNCTIONS = (  # every camera worker calls them, also one that writes as the service
    "camera_evidence_stored",
    "camera_evidence_lost",
    "camera_evidence_given_up",
    "camera_findings_ended",
    "camera_heartbeat",
)
_READ = (
    "migrations",
    "registry_version",
    "cameras",
    "zones",
    "camera_status",
    "findings (id, rule, kind, camera, zone, onset_at, found_at, ended_at)",
    "evidence (id, finding_id, task_id, kind, state, sha256, sm3, derived_from, camera, captured_at, created_at)",
    "matter_findings (finding_id, matter_id)",
    "matters (id, task_id)",
)
_OF_A_FINDING = """id, rule, kind, tier, fingerprint, station, code, camera, zone, enterprise, lat, lon, onset_at, severity,
  reason_key, reason_params, detector, late, drill_id"""
_OF_A_PIECE = """id, finding_id, task_id, kind, state, reason, sha256, sm3, size_bytes, media_type, derived_from, camera,
  captured_at, meta, stored_at"""
_INSERTED = (
    "camera_status",
    f"findings ({_OF_A_FINDING})",
    f"evidence ({_OF_A_PIECE})",
    "event_queue (event)",
)


async def grant(connection: Connection) -> str | None:
    """As the owner. The role's name; None where nobody has made it."""
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE):
        return None
    schema = await connection.fetchval("SELECT quote_ident(current_schema())")
    await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {ROLE}")
    for right, tables in (("SELECT", _READ), ("INSERT", _INSERTED), ("UPDATE", ("camera_status",))):
        for table in tables:
            name, _, columns = table.partition(" ")
            await connection.execute(f"GRANT {right} {columns} ON {name} TO {ROLE}")
    await connection.execute(f"GRANT EXECUTE ON FUNCTION {', '.join(FUNCTIONS)} TO {ROLE}")
    return ROLE
