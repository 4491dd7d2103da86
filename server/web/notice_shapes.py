"""A notice as the API shows it."""

from datetime import datetime

from pydantic import BaseModel

from farwatch.storage.database import Record
from server.web.shapes import Reason


class NoticeBody(BaseModel):
    """`channel` is `page` or a channel's name; `state` queued, sent (on the page's log, or a messenger took it), delivered, seen,
    accepted, failed, expired, superseded or digested (told in another one's message). Times are null until they have come."""

    id: int
    task: int | None
    step: str
    channel: str
    target: str
    message: Reason
    state: str
    attempts: int
    error: str | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    seen_at: datetime | None
    accepted_at: datetime | None


def notice_body(row: Record) -> NoticeBody:
    message = {"key": row["message_key"], "params": row["message_params"]}
    return NoticeBody.model_validate({**dict(row), "task": row["task_id"], "message": message})
