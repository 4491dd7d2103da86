"""Logs for people or for machines: a short sentence with values, and an `event` name that alert rules can count on."""

import json
import logging
import sys
from datetime import UTC, datetime

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
_TELL_ADDRESSES = ("uvicorn.access", "httpx", "httpcore")
"""They log each request's full address, and keys stand in queries."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line; whatever was passed as `extra` is a field of its own."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {k: v for k, v in record.__dict__.items() if k not in _STANDARD}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


def configure(role: str, *, as_json: bool, level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    human = logging.Formatter(f"%(asctime)s %(levelname)-7s {role:<9} %(message)s")
    handler.setFormatter(JsonFormatter(role) if as_json else human)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _TELL_ADDRESSES:
        logging.getLogger(name).setLevel(logging.WARNING)
