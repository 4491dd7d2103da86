"""What somebody kept elsewhere and gives to the verifier: keys and roots."""

import binascii
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alerting.verifier.hashes import fingerprint

_SPKI = bytes.fromhex("302a300506032b6570032100")


def read_key(text: str) -> str:
    """A fingerprint, or the fingerprint of the public key in a PEM file. Raises ValueError and OSError."""
    digits = text.replace("-", "").replace(" ", "").replace(":", "").lower()
    if re.fullmatch("[0-9a-f]{32}", digits):
        return "-".join(digits[i : i + 4] for i in range(0, 32, 4))
    pem = re.search(
        r"-----BEGIN PUBLIC KEY-----([\sA-Za-z0-9+/=]+)-----END PUBLIC KEY-----",
        Path(text).read_text("ascii"),
    )
    der = binascii.a2b_base64(pem[1]) if pem else b""
    if len(der) != 44 or not der.startswith(_SPKI):
        raise ValueError("no public Ed25519 key")
    return fingerprint(der[12:])


def read_roots(path: str) -> dict[str, Mapping[str, Any]]:
    """What `farwatch evidence roots` wrote, by hour. Raises ValueError, KeyError, TypeError and OSError."""
    return {
        str(root["hour"]): {k: root[k] for k in ("n_first", "n_last", "root", "key")}
        for root in json.loads(Path(path).read_text("utf-8"))["roots"]
    }
