"""HJ 212-2025's sealed content: SM4-ECB without padding over what stands between `CP=&&` and the last `&&`.

Whole blocks of 16 bytes are sealed, the remainder stays plain; length and checksum of a frame are those of the plain text.
Not from the standard's own text but from what implementations do.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

KEY_BYTES = 16
BLOCK_BYTES = 16
_START = b"CP=&&"
_END = b"&&"
_PLAIN = frozenset(range(0x20, 0x7F))
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\r\n"))


def is_sealed_command(cn: str) -> bool:
    """Of these commands the standard seals the content: 2000-2999, 1014 and 3020."""
    return (len(cn) == 4 and cn[0] == "2" and cn.isdigit()) or cn in ("1014", "3020")


def is_sealed(segment: bytes) -> bool:
    """Whether the content may be sealed: plain content begins with a field's name, a sealed block is all printable once in ten
    million. (Plain content whose first 16 bytes hold Chinese looks sealed too.)"""
    start, end = _content(segment)
    return end - start >= BLOCK_BYTES and not _PLAIN.issuperset(segment[start : start + BLOCK_BYTES])


def has_block(segment: bytes) -> bool:
    """Whether there is something to seal: less than a block stays plain."""
    start, end = _content(segment)
    return end - start >= BLOCK_BYTES


def holds_controls(segment: bytes) -> bool:
    """Whether the content has bytes that no text has; of sealed content one byte in nine is such."""
    start, end = _content(segment)
    content = segment[start:end]
    return len(content.translate(None, _CONTROLS)) < len(content)


def unseal(segment: bytes, key: bytes) -> bytes:
    """The segment with its content in the clear. The key has 16 bytes."""
    return _crypt(segment, _cipher(key), seal=False)


def seal(segment: bytes, key: bytes) -> bytes:
    return _crypt(segment, _cipher(key), seal=True)


def _cipher(key: bytes) -> "Cipher[modes.ECB]":
    return Cipher(SM4(key), modes.ECB())  # noqa: S305  # the standard's choice


def _crypt(segment: bytes, cipher: "Cipher[modes.ECB]", *, seal: bool) -> bytes:
    start, end = _content(segment)
    whole = start + (end - start) // BLOCK_BYTES * BLOCK_BYTES
    worker = cipher.encryptor() if seal else cipher.decryptor()
    return segment[:start] + worker.update(segment[start:whole]) + segment[whole:]


def _content(segment: bytes) -> tuple[int, int]:
    """Where the content begins and ends; an empty range at the end where there is none."""
    start = segment.find(_START)
    end = segment.rfind(_END)
    if start < 0 or end < start + len(_START):
        return len(segment), len(segment)
    return start + len(_START), end
