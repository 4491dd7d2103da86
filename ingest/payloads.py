"""What a monitor publishes, decoded and refused by name: `farwatch/v1/{mn}/{rtd|min|hour|day}` with JSON. Pure.

    {"ts": RFC 3339, "values": {"a21026": 31.2}, "flags": {"a21026": "N"}, "zs": {"a21026": 40.1}}

`ts` is the event time, for min, hour and day the period's start; `flags` default to N; `zs` are converted values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
)

from farwatch.domain.reading import FUTURE_TOLERANCE, NORMAL_FLAG, OLDEST, ReadingKind

TOPIC_ROOT = "farwatch/v1"
LARGEST_PAYLOAD_BYTES = 64 * 1024


def _written_as_a_date(value: object) -> object:
    """Pydantic would also read "1700000000" as a time; RFC 3339 has no such form."""
    if not isinstance(value, str) or len(value) < 20 or value[4] != "-":
        raise ValueError("not an RFC 3339 time")
    return value


Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,20}$")]
Flag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,2}$")]


class _Message(BaseModel):
    model_config = ConfigDict(strict=True)

    ts: Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written_as_a_date)]
    values: dict[Code, FiniteFloat] = Field(min_length=1, max_length=200)
    flags: dict[Code, Flag] = Field(default_factory=dict)
    zs: dict[Code, FiniteFloat] = Field(default_factory=dict)
    mn: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One message: several channels of one station at one time."""

    mn: str
    kind: ReadingKind
    ts: datetime
    values: Mapping[str, float]
    flags: Mapping[str, str]
    converted: Mapping[str, float]

    def flag(self, code: str) -> str:
        return self.flags.get(code, NORMAL_FLAG)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an input is set aside: `reason` is a name that metrics and pages know, `detail` says what exactly."""

    reason: str
    detail: str = ""


def split_topic(topic: str) -> tuple[str, ReadingKind] | Refusal:
    """The MN and the kind that a topic names."""
    root, _, tail = topic.rpartition(TOPIC_ROOT + "/")
    mn, _, kind = tail.partition("/")
    if root or not mn or kind not in ReadingKind.__members__.values():
        return Refusal("bad_topic", topic[:200])
    return mn, ReadingKind(kind)


def decode(topic: str, payload: bytes, received_at: datetime) -> Measurement | Refusal:
    """Never raises: whatever is not a measurement is a refusal with its reason."""
    named = split_topic(topic)
    if isinstance(named, Refusal):
        return named
    mn, kind = named
    if len(payload) > LARGEST_PAYLOAD_BYTES:
        return Refusal("payload_too_large", f"more than {LARGEST_PAYLOAD_BYTES} bytes")
    try:
        message = _Message.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:80]
        reason = "bad_json" if first["type"] == "json_invalid" else "bad_payload"
        return Refusal(reason, f"{where}: {first['msg']}"[:200])
    if message.mn is not None and message.mn != mn:
        return Refusal("foreign_mn", message.mn[:80])
    if message.ts > received_at + FUTURE_TOLERANCE:
        return Refusal("time_in_future", message.ts.isoformat())
    if message.ts < received_at - OLDEST:
        return Refusal("time_too_old", message.ts.isoformat())
    return Measurement(mn, kind, message.ts, message.values, message.flags, message.zs)


def encode(measurement: Measurement) -> tuple[str, bytes]:
    """The topic and payload that `decode` reads back: what simulated monitors publish."""
    message = _Message(
        ts=measurement.ts.isoformat(),  # type: ignore[arg-type]  # the validator takes the written form
        values=dict(measurement.values),
        flags=dict(measurement.flags),
        zs=dict(measurement.converted),
    )
    topic = f"{TOPIC_ROOT}/{measurement.mn}/{measurement.kind}"
    return topic, message.model_dump_json(exclude_none=True, exclude_defaults=True).encode()
