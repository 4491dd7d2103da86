"""CloudEvents 1.0 in structured JSON, and their signature as Standard Webhooks have it. Pure."""

import base64
import hashlib
import hmac
import json
import string
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_PREFIX = "whsec_"
_PLAIN = string.punctuation.replace("%", "")


def cloud_event(
    *, type: str, source: str, id: str, at: datetime, subject: str | None, data: Mapping[str, object]
) -> dict[str, object]:
    """`source` and `id` together name an event once and for all: who gets the same twice was told twice of one thing."""
    event: dict[str, object] = {
        "specversion": "1.0",
        "type": type,
        "source": source,
        "id": id,
        "time": at.isoformat(),
    }
    if subject:
        event["subject"] = subject
    return {**event, "datacontenttype": "application/json", "data": dict(data)}


def body_of(event: Mapping[str, object]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def signature(secret: str, id: str, timestamp_s: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of `id.timestamp.body`. A secret `whsec_…` is base64, any other is taken as it is."""
    key = base64.b64decode(secret.removeprefix(_PREFIX)) if secret.startswith(_PREFIX) else secret.encode()
    signed = f"{id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers_of(secret: str, id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The Standard Webhooks headers; without a secret there is no signature. What no header can hold of `id`, which has names of
    channels and targets in it, stands percent-encoded in `webhook-id`; that is what is signed."""
    webhook_id = quote(id, safe=_PLAIN)
    timestamp_s = int(now.timestamp())
    headers = {"content-type": CONTENT_TYPE, "webhook-id": webhook_id, "webhook-timestamp": str(timestamp_s)}
    if secret:
        headers["webhook-signature"] = signature(secret, webhook_id, timestamp_s, body)
    return headers
