"""The hashes and the signature that the verifier needs, for a Python that has nothing but its standard library."""

import hashlib
import struct
from typing import Protocol


class Digest(Protocol):
    def update(self, content: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def new_sm3() -> Digest:
    """GB/T 32905-2016, by this Python's own library where that has it."""
    return hashlib.new("sm3") if "sm3" in hashlib.algorithms_available else PlainSm3()


def _turn(x: int, by: int) -> int:
    by %= 32
    return ((x << by) | (x >> (32 - by))) & 0xFFFFFFFF


class PlainSm3:
    def __init__(self) -> None:
        self._state = [
            0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E,
        ]  # fmt: skip
        self._rest, self._bytes = b"", 0

    def update(self, content: bytes, /) -> None:
        self._bytes += len(content)
        whole = self._rest + content
        for at in range(0, len(whole) - 63, 64):
            self._state = _sm3_block(self._state, whole[at : at + 64])
        self._rest = whole[len(whole) - len(whole) % 64 :]

    def hexdigest(self) -> str:
        bits = struct.pack(">Q", 8 * self._bytes)
        self.update(b"\x80" + bytes((55 - self._bytes) % 64) + bits)
        return b"".join(word.to_bytes(4, "big") for word in self._state).hex()


def _sm3_block(state: list[int], block: bytes) -> list[int]:
    w = list(struct.unpack(">16I", block))
    for j in range(16, 68):
        x = w[j - 16] ^ w[j - 9] ^ _turn(w[j - 3], 15)
        w.append(x ^ _turn(x, 15) ^ _turn(x, 23) ^ _turn(w[j - 13], 7) ^ w[j - 6])
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        ss1 = _turn((_turn(a, 12) + e + _turn(0x79CC4519 if j < 16 else 0x7A879D8A, j)) & 0xFFFFFFFF, 7)
        ff = a ^ b ^ c if j < 16 else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if j < 16 else (e & f) | (~e & g)
        tt1 = (ff + d + (ss1 ^ _turn(a, 12)) + (w[j] ^ w[j + 4])) & 0xFFFFFFFF
        tt2 = (gg + h + ss1 + w[j]) & 0xFFFFFFFF
        a, b, c, d = tt1, a, _turn(b, 9), c
        e, f, g, h = tt2 ^ _turn(tt2, 9) ^ _turn(tt2, 17), e, _turn(f, 19), g
    return [old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True)]


# Ed25519 as RFC 8032 writes it down: points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z.
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
Point = tuple[int, int, int, int]


def _add(one: Point, two: Point) -> Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c, d = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _point(encoded: bytes) -> Point | None:
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def is_signed(public_key: bytes, signature: bytes, content: bytes) -> bool:
    """Ed25519 (RFC 8032, 5.1.7, without the cofactor): [S]B - [k]A must be R, in R's one encoding."""
    point, base = _point(public_key), _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    s = int.from_bytes(signature[32:], "little")
    if len(public_key) != 32 or len(signature) != 64 or point is None or base is None or s >= _L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public_key + content).digest(), "little") % _L
    minus: Point = (_P - point[0], point[1], 1, _P - point[3])
    table = {(1, 0): base, (0, 1): minus, (1, 1): _add(base, minus)}
    sum_: Point = (0, 1, 1, 0)
    for bit in range(252, -1, -1):
        sum_ = _add(sum_, sum_)
        if (which := (s >> bit & 1, k >> bit & 1)) != (0, 0):
            sum_ = _add(sum_, table[which])
    x, y = (v * pow(sum_[2], -1, _P) % _P for v in sum_[:2])
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def fingerprint(public_key: bytes) -> str:
    digits = hashlib.sha256(public_key).hexdigest()
    return "-".join(digits[i : i + 4] for i in range(0, 32, 4))
