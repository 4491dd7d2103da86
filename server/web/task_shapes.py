"""A task as the API shows it, put together from its rows."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field, ValidationError

from farwatch.domain.finding import Kind
from farwatch.domain.task import DeadlineState, Outcome, TaskState
from farwatch.storage import custody
from farwatch.storage.database import Record
from farwatch.storage.evidence import EvidenceKind, EvidenceState
from farwatch.storage.log_reader import LogEntry
from farwatch.storage.task_views import TaskRows
from server.web.case_shapes import CaseBody
from server.web.errors import ApiError
from server.web.notice_shapes import NoticeBody
from server.web.shapes import Named, Point, Reason

log = logging.getLogger(__name__)


def _absent(value: object) -> bool:
    return value is None


class EvidenceDetails(BaseModel):
    """What is known of a picture or clip, each only where it is.

    `codec` is h264, h265, mjpeg or jpeg. `time_source`: rtcp (the camera dates its pictures; `clock_offset_s` is how long
    after that they arrive, its clock's error and the way together) or receive. `key_distance_s`: between pictures that
    decoding can begin with. `cut_short`: what ended the clip before its time. `certificate` is the device's as of then;
    `certificate_expired` says that it had ended. `sm3_later`: the second hash was not made at first touch. `late`: a photo that
    came when its visit was over.
    """

    codec: str | None = Field(default=None, exclude_if=_absent)
    width: int | None = Field(default=None, exclude_if=_absent)
    height: int | None = Field(default=None, exclude_if=_absent)
    duration_s: float | None = Field(default=None, exclude_if=_absent)
    frames: int | None = Field(default=None, exclude_if=_absent)
    key_distance_s: float | None = Field(default=None, exclude_if=_absent)
    cut_short: str | None = Field(default=None, exclude_if=_absent)
    time_source: str | None = Field(default=None, exclude_if=_absent)
    camera_clock_at: datetime | None = Field(default=None, exclude_if=_absent)
    clock_offset_s: float | None = Field(default=None, exclude_if=_absent)
    certificate: str | None = Field(default=None, exclude_if=_absent)
    certificate_until: date | None = Field(default=None, exclude_if=_absent)
    certificate_expired: bool | None = Field(default=None, exclude_if=_absent)
    sm3_later: bool | None = Field(default=None, exclude_if=_absent)
    late: bool | None = Field(default=None, exclude_if=_absent)


class EvidenceBody(BaseModel):
    """`url` is null until the bytes are stored; `derived_from` names the original of a copy. `phone_sha256` and `claimed_at` are
    what the officer's phone said of a photo before it sent it."""

    id: UUID
    kind: EvidenceKind
    state: EvidenceState
    reason: str | None
    sha256: str | None
    sm3: str | None
    phone_sha256: str | None = Field(default=None, exclude_if=_absent)
    claimed_at: datetime | None = Field(default=None, exclude_if=_absent)
    url: str | None
    media_type: str
    derived_from: UUID | None
    captured_at: datetime | None
    camera: str | None
    size_bytes: int | None
    details: EvidenceDetails


class DeadlineBody(BaseModel):
    """A breach may be excused by somebody, and stays one."""

    due_at: datetime
    state: DeadlineState
    excused_at: datetime | None = Field(default=None, exclude_if=_absent)
    excused_by: str | None = Field(default=None, exclude_if=_absent)
    excuse: str | None = Field(default=None, exclude_if=_absent)


class OwnDeadlines(BaseModel):
    """`arrive` is null where somebody was there already when the matter joined."""

    accept: DeadlineBody | None
    arrive: DeadlineBody | None


class MatterBody(BaseModel):
    """Has `station` or `camera`, and `code` or `zone` where there is one.

    `occurrences`: how often it was found, `last_found_at` when last; `was_silenced`: a silence held some of it back.
    `arrived_at`: since when somebody was at its own `place`. `ceased_at`: its findings ended and stayed away. `confirmed_by`:
    matters of the same place that another kind of eye saw.
    """

    id: int
    fingerprint: str
    kind: Kind
    station: str | None = Field(default=None, exclude_if=_absent)
    camera: str | None = Field(default=None, exclude_if=_absent)
    code: str | None = Field(default=None, exclude_if=_absent)
    zone: str | None = Field(default=None, exclude_if=_absent)
    place: Point
    event_at: datetime
    found_at: datetime
    accepted_at: datetime | None
    arrived_at: datetime | None
    ceased_at: datetime | None
    closed_at: datetime | None
    closed_reason: str | None
    confirmed_by: list[int]
    occurrences: int
    last_found_at: datetime
    was_silenced: bool
    severity: int
    reason: Reason
    deadlines: OwnDeadlines
    evidence: list[EvidenceBody]


class Deadlines(BaseModel):
    """Of several matters' deadlines the first that still runs, else the first that was missed, one that nobody excused before
    others, else the first."""

    accept: DeadlineBody | None
    arrive: DeadlineBody | None
    handle: DeadlineBody | None


class TaskBody(BaseModel):
    """Times are null until they have come; all are the database's clock.

    `officer` holds the task; before anybody accepted, it is the first of those who were offered it and have not declined.
    `handover_to` is asked to take it over from `officer`. `reopened_from` is the earlier task of the same business,
    `followed_by` the later one; `storm` the storm that it stands for.
    """

    id: int
    kinds: list[Kind]
    state: TaskState
    place: Point
    grid: str | None
    officer: str | None
    enterprise: Named | None
    severity: int
    outcome: Outcome | None
    drill_id: str | None
    opened_at: datetime
    dispatched_at: datetime | None
    delivered_at: datetime | None
    accepted_at: datetime | None
    arrived_at: datetime | None
    handled_at: datetime | None
    verified_at: datetime | None
    closed_at: datetime | None
    dispatch: Reason | None
    offered_to: list[str]
    declined_by: list[str]
    handover_to: str | None
    closed_reason: str | None
    reopened_from: int | None
    followed_by: int | None
    storm: int | None
    deadlines: Deadlines
    matters: list[MatterBody]


class TimelineEntry(BaseModel):
    n: int
    at: datetime
    type: str
    actor: str | None
    detail: dict[str, Any]


class TaskPage(TaskBody):
    """A task with its time line, the viewable copies of its photos, and its notices; `case` is null for officers.

    `may_excuse`: whoever asked may excuse its breaches.
    """

    may_excuse: bool
    case: CaseBody | None
    timeline: list[TimelineEntry]
    photos: list[EvidenceBody]
    notices: list[NoticeBody]


_PLAIN = (
    "id", "state", "grid", "severity", "outcome", "drill_id", "opened_at", "dispatched_at", "delivered_at",
    "accepted_at", "arrived_at", "handled_at", "verified_at", "closed_at", "offered_to", "declined_by", "handover_to",
    "closed_reason", "reopened_from", "followed_by", "storm",
)  # fmt: skip


@contextmanager
def readable(task: int) -> Iterator[None]:
    """What no sense can be made of, damaged or of a later release, is refused by name, and the log has it."""
    try:
        yield
    except ValidationError as error:
        log.exception("no sense can be made of task %d", task)
        raise ApiError(409, "task_unreadable") from error


def task_bodies(rows: TaskRows) -> list[TaskBody]:
    """Without those that no sense can be made of: they must not hide the others."""
    bodies: list[TaskBody] = []
    for task, fields in zip(rows.tasks, task_fields(rows), strict=True):
        with suppress(ApiError), readable(task["id"]):
            bodies.append(TaskBody.model_validate(fields))
    return bodies


def task_fields(rows: TaskRows) -> list[dict[str, Any]]:
    """What TaskBody is validated from, in the order of `rows.tasks`."""
    evidence = _grouped(rows.evidence, lambda r: int(r["matter_id"]))
    matters = _grouped(rows.matters, lambda r: int(r["task_id"]))
    deadlines = _grouped(rows.deadlines, lambda r: int(r["task_id"]))
    return [_task(t, matters[t["id"]], deadlines[t["id"]], evidence) for t in rows.tasks]


def _task(
    task: Record, matters: Sequence[Record], deadlines: Sequence[Record], evidence: dict[int, list[Record]]
) -> dict[str, Any]:
    due = {d["kind"]: d for d in reversed(deadlines)}
    own = {(d["matter_id"], d["kind"]): d for d in reversed(deadlines)}
    dispatch = task["dispatch_reason"]
    enterprise = task["enterprise"]
    return {
        **{name: task[name] for name in _PLAIN},
        "officer": task["officer"] or next(iter(_asked(task)), None),
        "kinds": list(dict.fromkeys(m["kind"] for m in matters)),
        "place": {"lat": task["lat"], "lon": task["lon"]},
        "enterprise": enterprise and {"id": enterprise, "name": task["enterprise_name"] or enterprise},
        "dispatch": dispatch and {"key": dispatch, "params": task["dispatch_params"]},
        "deadlines": {kind: _deadline(due.get(kind)) for kind in ("accept", "arrive", "handle")},
        "matters": [_matter(m, own, evidence[m["id"]]) for m in matters],
    }


def _asked(task: Record) -> list[str]:
    return [officer for officer in task["offered_to"] if officer not in task["declined_by"]]


def _deadline(row: Record | None) -> dict[str, Any] | None:
    return dict(row) if row else None


def _matter(
    matter: Record, deadlines: Mapping[tuple[int | None, str], Record], evidence: Sequence[Record]
) -> dict[str, Any]:
    own = {kind: _deadline(deadlines.get((matter["id"], kind))) for kind in ("accept", "arrive")}
    return {
        **dict(matter),
        "place": {"lat": matter["lat"], "lon": matter["lon"]},
        "reason": {"key": matter["reason_key"], "params": matter["reason_params"]},
        "deadlines": own,
        "evidence": [evidence_body(e) for e in evidence],
    }


def evidence_body(row: Record) -> EvidenceBody:
    url = f"/api/v1/evidence/{row['id']}" if row["state"] == EvidenceState.STORED else None
    details = row["meta"]
    if custody.has_expired(details, row["captured_at"]):
        details = {**details, "certificate_expired": True}
    return EvidenceBody.model_validate({**dict(row), "url": url, "details": details})


def timeline_entry(entry: LogEntry, reasons: Mapping[str, str]) -> TimelineEntry:
    """`reasons`: by deed the words that stand beside the log."""
    event = entry.event
    detail = {k: v for k, v in event.items() if k not in ("n", "at", "type", "task", "actor", "prev_n")}
    if why := reasons.get(str(event.get("deed"))):
        detail["why"] = why
    return TimelineEntry(
        n=entry.n, at=event["at"], type=event["type"], actor=event.get("actor"), detail=detail
    )


def _grouped(rows: Iterable[Record], key: Callable[[Record], int]) -> dict[int, list[Record]]:
    groups: dict[int, list[Record]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups
