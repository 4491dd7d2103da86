"""The city's signing key: Ed25519, in a file that only the service's user may read."""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from farwatch.domain.merkle import fingerprint

FILE = "evidence.pem"


class KeyFileError(Exception):
    """The key file is not one of ours, or cannot be read or written; the message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    private: Ed25519PrivateKey

    @property
    def public_key(self) -> bytes:
        """32 bytes."""
        return self.private.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.public_key)

    def sign(self, content: bytes) -> bytes:
        return self.private.sign(content)


def path(data_dir: Path) -> Path:
    return data_dir / "keys" / FILE


def load(data_dir: Path) -> SigningKey | None:
    """None where there is no key yet. Raises KeyFileError."""
    try:
        content = path(data_dir).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyFileError(f"{path(data_dir)}: {error.strerror}") from None
    try:
        private = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"{path(data_dir)} holds no Ed25519 key")
    return SigningKey(private)


def ensure(data_dir: Path) -> SigningKey:
    """The key, made now where there is none. Of two that make one at once both get the same. Raises KeyFileError."""
    if found := load(data_dir):
        return found
    try:
        _write(path(data_dir), Ed25519PrivateKey.generate())
    except FileExistsError:
        pass  # somebody else was quicker
    except OSError as error:
        raise KeyFileError(f"{path(data_dir)}: {error.strerror}") from None
    made = load(data_dir)
    assert made is not None
    return made


def replace(data_dir: Path) -> SigningKey:
    """A new key in the old one's place; the old one stays beside it, under its fingerprint. Raises KeyFileError."""
    target, old = path(data_dir), load(data_dir)
    made = SigningKey(Ed25519PrivateKey.generate())
    try:
        if old is not None and not (kept := target.with_name(f"{old.fingerprint}.pem")).exists():
            os.link(target, kept)
        _write(target, made.private, over=True)
    except OSError as error:
        raise KeyFileError(f"{target}: {error.strerror}") from None
    return made


def public_pem(public_key: bytes) -> str:
    public = Ed25519PublicKey.from_public_bytes(public_key)
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def is_signed(public_key: bytes, signature: bytes, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _write(target: Path, key: Ed25519PrivateKey, *, over: bool = False) -> None:
    """Whole and durable before it has its name; raises FileExistsError when that is taken and nothing is to be written over."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if over:
            unfinished.replace(target)
        else:
            os.link(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
