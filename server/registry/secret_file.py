"""secrets.toml: what the registry's rows only name. Never in the database, an export, a log line or a repr."""

import base64
import json
import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from farwatch.domain.device import StationSecret
from server.registry.problems import did_you_mean

FILE_NAME = "secrets.toml"
SECRET_MIN = 16


class SecretsError(Exception):
    """The file is not a secrets.toml; `problems` name keys, never values."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Credential:
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """`credentials` of cameras by name, `channels`' notice URLs by name and `signing` what signs for them, `mqtt` passwords by MN
    or service name, `stations`' HJ 212 passwords and keys by name."""

    credentials: Mapping[str, Credential] = field(default_factory=lambda: MappingProxyType({}))
    channels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    signing: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    mqtt: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stations: Mapping[str, StationSecret] = field(default_factory=lambda: MappingProxyType({}))

    def __repr__(self) -> str:
        return (
            f"Secrets(credentials={sorted(self.credentials)}, channels={sorted(self.channels)},"
            f" mqtt={sorted(self.mqtt)}, stations={sorted(self.stations)})"
        )

    def merged(self, newer: "Secrets") -> "Secrets":
        """By name: what `newer` says replaces, what it does not name stays."""
        return Secrets(
            credentials={**self.credentials, **newer.credentials},
            channels={**self.channels, **newer.channels},
            # A channel that is written anew says everything about itself.
            signing={n: s for n, s in self.signing.items() if n not in newer.channels} | dict(newer.signing),
            mqtt={**self.mqtt, **newer.mqtt},
            stations={**self.stations, **newer.stations},
        )


_Value = Annotated[str, Field(min_length=1, max_length=2000)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class _Credential(_Table):
    user: _Value
    password: Annotated[str, Field(max_length=2000)]


class _Channel(_Table):
    """`secret` signs what a webhook is sent: `whsec_` and base64, or any text of at least 16 characters."""

    url: _Value
    secret: Annotated[str, Field(max_length=2000)] = ""

    @field_validator("secret")
    @classmethod
    def _signs(cls, secret: str) -> str:
        if secret.startswith("whsec_"):
            base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        if 0 < len(secret) < SECRET_MIN:
            raise ValueError("too short")
        return secret


class _Mqtt(_Table):
    password: _Value


class _Station(_Table):
    """HJ 212's PW stands in the frame's fields: letters and digits, six by the standard."""

    password: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.-]{0,32}$")] = ""
    sm4_key: Annotated[str, StringConstraints(pattern=r"^([0-9A-Fa-f]{32})?$")] = ""


class _File(_Table):
    credentials: dict[str, _Credential] = {}
    channels: dict[str, _Channel] = {}
    mqtt: dict[str, _Mqtt] = {}
    stations: dict[str, _Station] = {}


def parse(text: str) -> Secrets:
    """Raises SecretsError, which names tables and keys but no value."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        where = str(error).rpartition("(at ")[2].rstrip(")")
        raise SecretsError([f"is not TOML at {where}"]) from None
    except ValidationError as error:
        raise SecretsError(
            [_line(p["loc"], p["type"], p["msg"]) for p in error.errors(include_input=False)]
        ) from None
    return Secrets(
        credentials={name: Credential(c.user, c.password) for name, c in file.credentials.items()},
        channels={name: c.url for name, c in file.channels.items()},
        signing={name: c.secret for name, c in file.channels.items() if c.secret},
        mqtt={name: m.password for name, m in file.mqtt.items()},
        stations={name: _station(s) for name, s in file.stations.items()},
    )


def _station(table: _Station) -> StationSecret:
    key = bytes.fromhex(table.sm4_key) if table.sm4_key else None
    return StationSecret(password=table.password, sm4_key=key)


def _line(loc: tuple[int | str, ...], type_: str, message: str) -> str:
    where = ".".join(str(part) for part in loc)
    if type_ == "extra_forbidden":
        known = [*_File.model_fields, "user", "password", "url", "secret", "sm4_key"]
        return f"{where}: unknown key{did_you_mean(str(loc[-1]), known)} (tables are [credentials.NAME], …)"
    if loc[-1] == "secret" and type_ == "value_error":
        return f"{where}: a secret is whsec_ and base64, or a text of at least 16 characters"
    if type_ == "string_pattern_mismatch" and loc[-1] == "sm4_key":
        return f"{where}: an SM4 key is 32 hexadecimal digits"
    return f"{where}: {message}"


def load_secrets(data_dir: Path) -> Secrets:
    """What `farwatch registry import` has put there; empty when there is none. Raises SecretsError."""
    path = data_dir / FILE_NAME
    try:
        return parse(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return Secrets()
    except UnicodeDecodeError:
        raise SecretsError(["is not UTF-8 text"]) from None


def save_secrets(data_dir: Path, secrets: Secrets) -> None:
    """Replaces DATA_DIR/secrets.toml, readable by its owner only, whole or not at all."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(data_dir / FILE_NAME, _render(secrets))


def write_private(path: Path, text: str) -> None:
    """Writes a file of mode 0600 and puts it in place once it is on the disk; a file that is replaced keeps its owner."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            if path.exists() and os.geteuid() == 0:
                os.fchown(file.fileno(), path.stat().st_uid, path.stat().st_gid)
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def readable_by_others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _render(secrets: Secrets) -> str:
    lines = ["# Written by farwatch. Keep it readable by its owner only."]
    for name, credential in sorted(secrets.credentials.items()):
        lines += ["", f"[credentials.{_quoted(name)}]", f"user = {_quoted(credential.user)}"]
        lines += [f"password = {_quoted(credential.password)}"]
    for name, url in sorted(secrets.channels.items()):
        lines += ["", f"[channels.{_quoted(name)}]", f"url = {_quoted(url)}"]
        lines += [f"secret = {_quoted(secrets.signing[name])}"] if name in secrets.signing else []
    for name, password in sorted(secrets.mqtt.items()):
        lines += ["", f"[mqtt.{_quoted(name)}]", f"password = {_quoted(password)}"]
    for name, secret in sorted(secrets.stations.items()):
        lines += ["", f"[stations.{_quoted(name)}]", f"password = {_quoted(secret.password)}"]
        lines += [f"sm4_key = {_quoted(secret.sm4_key.hex())}"] if secret.sm4_key else []
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's, except that TOML also wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
