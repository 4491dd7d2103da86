"""Visit codes (行政行为码): secrets that show an enterprise who visits it and why, and links by which it answers a warning. Pure.

A visit's token is HMAC-SHA256 over the visit and its nonce, so that nothing that is stored can open it without the key. A
warning's token carries the finding's id and the HMAC of it, so that nothing is stored at all.
"""

import base64
import binascii
import hashlib
import hmac
import io
from datetime import datetime, timedelta
from uuid import UUID

import segno

from farwatch.domain.finding import Reason

LASTS = timedelta(hours=8)
COMMENTS_AFTER = timedelta(hours=2)
"""So long after the visit its code still takes a comment: an enterprise writes when the officer has gone."""
ANSWERS_AFTER = timedelta(hours=24)
"""So long after its window a warning can still be answered."""
MOST_COMMENTS = 5
MOST_ANSWERS = 5
LONGEST_COMMENT = 1000
_MAC_BYTES = 32


def code(secret: bytes, task: int, officer: str, nonce: bytes) -> str:
    """The token of one officer's visit: 256 bits in base64url, the same for the same nonce."""
    return _text(_mac(secret, b"visit", str(task).encode(), officer.encode(), nonce))


def warning_token(secret: bytes, finding: UUID) -> str:
    return _text(finding.bytes + _mac(secret, b"warning", finding.bytes))


def warning_of(secret: bytes, token: str) -> UUID | None:
    """The finding that the token is for; None unless this secret made it."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    finding, mac = raw[:16], raw[16:]
    known = len(raw) == 16 + _MAC_BYTES and hmac.compare_digest(mac, _mac(secret, b"warning", finding))
    return UUID(bytes=finding) if known and _text(raw) == token else None


def digest(token: str) -> bytes:
    """What is kept of a visit's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def address_hash(secret: bytes, address: str) -> bytes:
    """Tells one address from another, and nobody which it is."""
    return _mac(secret, b"address", address.encode("utf-8", "surrogatepass"))[:16]


def qr_svg(url: str) -> str:
    """The code as an SVG of black on white with its quiet zone, for `<img>`."""
    svg = io.BytesIO()
    segno.make(url, error="m", micro=False).save(
        svg, kind="svg", xmldecl=False, scale=8, border=4, dark="#000", light="#fff"
    )
    return svg.getvalue().decode()


def standing(arrived_at: datetime | None, codes: int, scans: int, *, calls_for_code: bool) -> Reason:
    """What is said of a case: no visit, one of nobody, its code never made, made and never shown, or shown."""
    if arrived_at is None:
        return Reason("no_visit_yet")
    if not codes and not calls_for_code:
        return Reason("visit_without_enterprise")
    if not codes:
        return Reason("visit_without_code")
    return Reason("visit_code_shown", {"scans": scans}) if scans else Reason("visit_code_never_shown")


def _mac(secret: bytes, *parts: bytes) -> bytes:
    """Each part with its length before it: no two lists of parts are the same bytes."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(secret, message, hashlib.sha256)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
