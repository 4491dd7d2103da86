"""A salted digest in the log instead of what somebody wrote: it can be proven later, and erased without a hole in the chain."""

import hashlib

from farwatch.domain.chain import canonical
from farwatch.domain.place import Position

SALT_BYTES = 16


def commitment(salt: bytes, note: str, position: Position | None) -> str:
    """SHA-256 over the salt and the canonical text of note and position, as lower-case hex. Without the salt nothing can be
    guessed from it."""
    at = position and {"lat": position.lat, "lon": position.lon, "accuracy_m": position.accuracy_m}
    return hashlib.sha256(salt + canonical({"note": note, "position": at}).encode()).hexdigest()
