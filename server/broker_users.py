"""The broker's password file, made from the registry: one user per station, and one for the service.

Format of mosquitto 2.0: `user:$7$iterations$salt$hash`, PBKDF2 with SHA-512, salt and hash in base64.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from farwatch.storage import registry
from farwatch.storage.database import Pool, transaction
from farwatch.storage.registry_changes import lock
from server.registry.checks import SERVICE_USER
from server.registry.commands import Report
from server.registry.secret_file import Secrets, SecretsError, load_secrets, save_secrets, write_private

_ITERATIONS = 101  # what mosquitto_passwd 2.0 uses; the passwords are random, not chosen by people
_SALT_BYTES = 12
_HASH_BYTES = 64
_GENERATED_BYTES = 24


async def write_users(pool: Pool, data_dir: Path, out: Path, *, mqtt_url: str | None = None) -> Report:
    """`farwatch broker users --out FILE`: a user for each active station and one for the service.

    A password that secrets.toml lacks is generated and kept there; the service's is taken from `mqtt_url` if it
    names the service's user. Prints names, never passwords.
    """
    async with transaction(pool) as connection:
        await lock(connection)  # an import merges into secrets.toml too
        names = [*(await registry.load(connection)).stations, SERVICE_USER]
        try:
            kept = load_secrets(data_dir)
        except SecretsError as error:
            return Report(lines=(f"{data_dir}/secrets.toml: {error}: nothing was written",), exit_code=1)
        wanted = _with_passwords(kept, names, _password_in(mqtt_url))
        if wanted != kept:
            save_secrets(data_dir, wanted)
    users = {name: wanted.mqtt[name] for name in names}
    write_password_file(out, users, out.read_text("utf-8") if out.exists() else "")
    made = len(wanted.mqtt) - len(kept.mqtt)
    return Report(
        lines=(
            f"{len(users)} users written to {out}, {made} passwords generated in {data_dir}/secrets.toml [mqtt.NAME]",
            "tell the broker: send it SIGHUP (systemctl reload mosquitto)",
        ),
        changes=made,
    )


def _with_passwords(kept: Secrets, names: Iterable[str], service_password: str | None) -> Secrets:
    mqtt = dict(kept.mqtt)
    if service_password:
        mqtt[SERVICE_USER] = service_password
    for name in names:
        if name not in mqtt:
            mqtt[name] = secrets.token_urlsafe(_GENERATED_BYTES)
    return kept.merged(Secrets(mqtt=mqtt))


def _password_in(mqtt_url: str | None) -> str | None:
    parts = urlsplit(mqtt_url or "")
    return (
        unquote(parts.password) if parts.password and unquote(parts.username or "") == SERVICE_USER else None
    )


def write_password_file(path: Path, users: Mapping[str, str], existing: str = "") -> None:
    """Writes the file (mode 0600, whole or not at all). A password that has not changed keeps its line of `existing`."""
    lines = dict(line.split(":", 1) for line in existing.splitlines() if ":" in line)
    text = "".join(f"{name}:{_kept_or_new(lines.get(name), users[name])}\n" for name in sorted(users))
    write_private(path, text)


def _kept_or_new(line: str | None, password: str) -> str:
    return (
        line
        if line is not None and verify(line, password)
        else hash_password(password, os.urandom(_SALT_BYTES))
    )


def hash_password(password: str, salt: bytes) -> str:
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, _HASH_BYTES)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def verify(line: str, password: str) -> bool:
    """Is `line` the hash of the password? No for any line that is not of our format."""
    try:
        _, kind, iterations, salt, _ = line.split("$")
        salted = hash_password(password, base64.b64decode(salt, validate=True))
    except (ValueError, binascii.Error):
        return False
    return kind == "7" and iterations == str(_ITERATIONS) and hmac.compare_digest(line, salted)
