"""The verifier's own arithmetic says what the standards and a grown library say."""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.verifier.hashes import PlainSm3, fingerprint, is_signed, new_sm3
from farwatch.domain import merkle

RFC_8032 = [  # 7.1: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
GB_T_32905 = {  # A.1, A.2
    b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
}
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_the_signatures_of_rfc_8032(key: str, message: str, signature: str) -> None:
    parts = bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(message)
    assert is_signed(*parts)
    assert not is_signed(parts[0], parts[1], parts[2] + b"x")


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=99), st.integers(0, 511), st.integers(0, 255))
def test_it_takes_what_the_library_takes_and_nothing_else(
    seed: bytes, message: bytes, sig_bit: int, key_bit: int
) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    flipped_sig = (int.from_bytes(signature, "little") ^ 1 << sig_bit).to_bytes(64, "little")
    flipped_key = (int.from_bytes(key, "little") ^ 1 << key_bit).to_bytes(32, "little")
    for parts in ((key, signature), (key, flipped_sig), (flipped_key, signature)):
        assert is_signed(*parts, message) == library_says(*parts, message)


def library_says(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_a_second_signature_of_the_same_is_none() -> None:
    """S + L signs the same by the formula alone: a changed byte that nobody would notice."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key, signature = private.public_key().public_bytes_raw(), private.sign(b"x")
    more = int.from_bytes(signature[32:], "little") + ORDER
    assert not is_signed(key, signature[:32] + more.to_bytes(32, "little"), b"x")
    assert not is_signed(key, signature + b"\0", b"x")
    assert not is_signed(key[:31], signature, b"x")


@pytest.mark.parametrize("message", GB_T_32905)
def test_the_digests_of_gb_t_32905(message: bytes) -> None:
    for digest in (PlainSm3(), new_sm3()):
        digest.update(message)
        assert digest.hexdigest() == GB_T_32905[message]


@pytest.mark.skipif("sm3" not in hashlib.algorithms_available, reason="this Python's OpenSSL has no SM3")
@settings(deadline=None)
@given(st.lists(st.binary(max_size=150), max_size=4))
def test_sm3_piece_by_piece_is_the_librarys(pieces: list[bytes]) -> None:
    plain = PlainSm3()
    for piece in pieces:
        plain.update(piece)
    assert plain.hexdigest() == hashlib.new("sm3", b"".join(pieces)).hexdigest()


@given(st.binary(min_size=32, max_size=32))
def test_both_sides_name_a_key_alike(key: bytes) -> None:
    assert fingerprint(key) == merkle.fingerprint(key)
