"""The hash chain of the log: each entry's hash covers the one before it."""

import hashlib
import json
from collections.abc import Mapping

GENESIS = bytes(32)


def canonical(event: Mapping[str, object]) -> str:
    """The one text of an event: keys sorted, no spaces, UTF-8, as RFC 8785 does for strings and integers."""
    return json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def link(prev_hash: bytes, text: str) -> bytes:
    return hashlib.sha256(prev_hash + text.encode()).digest()
