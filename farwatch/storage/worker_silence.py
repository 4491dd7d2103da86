"""Camera workers that fall silent, and that are back: one event for each share, which may hold hundreds of cameras."""

from farwatch.domain.share import Share
from farwatch.storage import camera_status, events
from farwatch.storage.camera_status import STALE_AFTER_S
from farwatch.storage.database import Connection

_DIVIDED_OTHERWISE = """
DELETE FROM heartbeats AS old WHERE name LIKE 'cameras %' AND at < clock_timestamp() - make_interval(secs => $1) AND EXISTS (
  SELECT FROM heartbeats AS new WHERE new.name LIKE 'cameras %' AND split_part(new.name, '/', 2) <> split_part(old.name, '/', 2)
    AND new.at >= clock_timestamp() - make_interval(secs => $1))
"""
_SILENT = """
UPDATE heartbeats SET silent_since = at WHERE name LIKE 'cameras %' AND silent_since IS NULL
  AND at < clock_timestamp() - make_interval(secs => $1) RETURNING name, at AS since
"""
_BACK = """
WITH back AS (SELECT name, silent_since AS since FROM heartbeats WHERE silent_since IS NOT NULL AND at > silent_since FOR UPDATE)
UPDATE heartbeats h SET silent_since = NULL FROM back WHERE h.name = back.name RETURNING h.name, back.since
"""


async def note(connection: Connection) -> None:
    """In the caller's transaction: tells the log of shares that fell silent and of those that are back, and gives up what
    is known of silent shares' cameras. A share of another division than that of those at work is forgotten."""
    await connection.execute(_DIVIDED_OTHERWISE, STALE_AFTER_S)
    silent, back = await connection.fetch(_SILENT, STALE_AFTER_S), await connection.fetch(_BACK)
    await camera_status.give_up_silent(connection)
    if not silent and not back:
        return
    cameras = [r["id"] for r in await connection.fetch("SELECT id FROM cameras WHERE active")]
    told = [("camera_worker_away", row) for row in silent] + [("camera_worker_back", row) for row in back]
    for type_, row in told:
        share = Share.parse(row["name"].removeprefix("cameras "))
        count = sum(share.holds(camera) for camera in cameras)
        await events.append(
            connection, type_, share=str(share), cameras=count, since=row["since"].isoformat()
        )
