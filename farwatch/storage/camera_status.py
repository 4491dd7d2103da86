"""Whether each camera shows pictures, as its worker last said it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from farwatch.domain.finding import FindingEnded, Param
from farwatch.storage import events, findings
from farwatch.storage.database import Connection, Pool

STALE_AFTER_S = 20.0
"""Workers say it every few seconds; a row older than this says only that its worker is away."""


class CameraState(StrEnum):
    ONLINE = "online"
    RESTING = "resting"
    """Seen on its last visit; on patrol with others, and not its turn."""
    OFFLINE = "offline"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """`reason` is a key (empty while online); `last_frame_at` is when the last decoded picture was taken.

    `stream` is what is known of it: codec, width, height, clock_offset_s (ours less the camera's).
    `changed_at` is since when state and reason are so; of a status that is reported nobody asks for it.
    """

    camera: str
    state: CameraState
    reason: str = ""
    last_frame_at: datetime | None = None
    stream: Mapping[str, Param] = field(default_factory=dict)
    changed_at: datetime | None = None


NO_NEWS = ("starting", "waits_its_turn", "worker_away", "pictures_not_sent")
"""Reasons that are the worker's, not the camera's. What comes after them is news when it differs from what was before."""
_REPORT = """
INSERT INTO camera_status AS known (camera, state, reason, last_frame_at, stream, changed_at, updated_at, told, told_at)
SELECT camera, state, reason, last_frame_at, stream, now(), now(), news, CASE WHEN news <> '' THEN now() END
FROM (SELECT *, CASE WHEN reason = ANY($6) THEN '' ELSE replace(state, 'resting', 'online') || ' ' || reason END AS news
  FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[])
    AS said (camera, state, reason, last_frame_at, stream)) AS said
ON CONFLICT (camera) DO UPDATE SET state = excluded.state, reason = excluded.reason,
  last_frame_at = coalesce(excluded.last_frame_at, known.last_frame_at),
  stream = CASE WHEN excluded.stream = '{}' THEN known.stream ELSE excluded.stream END, updated_at = excluded.updated_at,
  changed_at = CASE WHEN (known.state, known.reason) = (excluded.state, excluded.reason) THEN known.changed_at
                    ELSE excluded.updated_at END,
  told = CASE WHEN excluded.told = '' THEN known.told ELSE excluded.told END,
  told_at = CASE WHEN excluded.told IN ('', known.told) THEN known.told_at ELSE excluded.updated_at END
RETURNING camera, told_at = updated_at AS is_news
"""
_FETCH = """
SELECT camera, last_frame_at, stream,
  CASE WHEN updated_at < now() - make_interval(secs => $1) THEN updated_at ELSE changed_at END AS changed_at,
  CASE WHEN updated_at < now() - make_interval(secs => $1) THEN 'unknown' ELSE state END AS state,
  CASE WHEN updated_at < now() - make_interval(secs => $1) THEN 'worker_away' ELSE reason END AS reason
FROM camera_status WHERE $2::text IS NULL OR camera = $2
"""


async def report(connection: Connection, statuses: Sequence[CameraStatus]) -> list[str]:
    """Writes what is so in the caller's transaction; news becomes an event. Returns whose.

    No news: that a camera on patrol rests or is looked at again, that a worker started. No camera may be named twice in one call.
    """
    rows = await connection.fetch(
        _REPORT,
        [s.camera for s in statuses],
        [s.state for s in statuses],
        [s.reason for s in statuses],
        [s.last_frame_at for s in statuses],
        [dict(s.stream) for s in statuses],
        NO_NEWS,
    )
    news = {row["camera"] for row in rows if row["is_news"]}
    for status in statuses:
        if status.camera in news:
            await events.append(
                connection, "camera_status", camera=status.camera, state=status.state, reason=status.reason
            )
    return sorted(news)


async def fetch_all(connection: Connection, camera: str | None = None) -> dict[str, CameraStatus]:
    """Every camera's status by its id, or only that one's; a worker that has fallen silent makes its cameras `unknown`."""
    rows = await connection.fetch(_FETCH, STALE_AFTER_S, camera)
    return {
        r["camera"]: CameraStatus(
            camera=r["camera"],
            state=CameraState(r["state"]),
            reason=r["reason"],
            last_frame_at=r["last_frame_at"],
            stream=r["stream"],
            changed_at=r["changed_at"],
        )
        for r in rows
    }


async def give_up_silent(connection: Connection) -> None:
    """The same in their rows, with the time since when: for those who read them, and no events."""
    await connection.execute(
        "UPDATE camera_status SET state = 'unknown', reason = 'worker_away', changed_at = updated_at"
        " WHERE updated_at < now() - make_interval(secs => $1) AND reason NOT IN ('worker_away', 'not_watched')",
        STALE_AFTER_S,
    )


async def unwatched(connection: Connection | Pool) -> int:
    """Cameras of the registry that no worker watches."""
    number: int = await connection.fetchval(
        "SELECT count(*) FROM cameras c WHERE c.active AND NOT EXISTS (SELECT FROM camera_status s"
        " WHERE s.camera = c.id AND s.updated_at >= now() - make_interval(secs => $1))",
        STALE_AFTER_S,
    )
    return number


async def open_faults(
    connection: Connection, cameras: Sequence[str]
) -> dict[tuple[str, str], tuple[UUID, datetime]]:
    """Findings of camera faults that have not ended: (camera, rule) -> (id, onset_at), for a worker that starts again."""
    rows = await connection.fetch(
        "SELECT DISTINCT ON (camera, rule) camera, rule, id, onset_at FROM findings"
        " WHERE kind = 'camera_fault' AND camera = ANY($1) AND ended_at IS NULL ORDER BY camera, rule, onset_at DESC",
        list(cameras),
    )  # fmt: skip
    return {(r["camera"], r["rule"]): (r["id"], r["onset_at"]) for r in rows}


async def end_left_open(connection: Connection, cameras: Sequence[str]) -> None:
    """Before a worker begins to watch these: what they showed in an earlier worker's time, which nobody follows any more, ended
    when its camera was seen last. If it goes on it is found anew."""
    rows = await connection.fetch(
        "SELECT f.id, greatest(f.onset_at, coalesce(c.last_frame_at, now())) AS ended_at FROM findings f"
        " LEFT JOIN camera_status c ON c.camera = f.camera"
        " WHERE f.camera = ANY($1) AND f.kind <> 'camera_fault' AND f.ended_at IS NULL",
        list(cameras),
    )
    await findings.end_camera_findings(connection, [FindingEnded(r["id"], r["ended_at"]) for r in rows])
