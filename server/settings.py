"""The settings, read once: a TOML file, and the environment over it. Split at the composition root."""

import logging
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

log = logging.getLogger(__name__)

PREFIX = "FARWATCH_"
CONFIG_VARIABLE = "FARWATCH_CONFIG"
_NOT_SETTINGS = frozenset({CONFIG_VARIABLE, "FARWATCH_TEST_DATABASE_URL"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one line for the operator."""


_DATABASE = re.compile(r"postgres(?:ql)?://(?:[^/?#]*@)?(?P<hosts>[^/?#@]*)(?:[/?].*)?")
_BROKER = re.compile(r"mqtts?://(?:[^/?#]*@)?(?P<hosts>[^/?#@,]+)/?")
_LISTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[0-9A-Za-z_.-]+):(?P<port>\d{1,5})")
_HOST = re.compile(r"(?:\[[0-9a-fA-F:.%]+\]|[^:\[\]]*)(?::(?P<port>\d{1,5}))?")


def _address(shape: re.Pattern[str], example: str) -> AfterValidator:
    """Checks an address before anybody dials it. The complaint names no part of it: it may hold a password."""

    def check(value: str) -> str:
        whole = shape.fullmatch(value)
        hosts = [_HOST.fullmatch(host) for host in whole["hosts"].split(",")] if whole else [None]
        if not all(host and 0 < int(host["port"] or 1) <= 65535 for host in hosts):
            raise PydanticCustomError("address", "must look like {example}", {"example": example})
        return value

    return AfterValidator(check)


DatabaseUrl = Annotated[str, _address(_DATABASE, "postgresql://user:password@host:5432/database")]
BrokerUrl = Annotated[str, _address(_BROKER, "mqtt://user:password@host:1883")]


def _check_listen(value: str) -> str:
    match = _LISTEN.fullmatch(value)
    if match is None or int(match["port"]) > 65535:
        raise PydanticCustomError("listen", "must look like 0.0.0.0:9212 or [::]:9212")
    return value


def _check_player(value: str) -> str:
    if not re.fullmatch(r"(https?://|/(?!/))[^\s{}]*\{camera\}[^\s{}]*", value):
        raise PydanticCustomError(
            "player", "must look like https://video.example/{{camera}} or /video/{{camera}}/"
        )
    return value


def _check_server(value: str) -> str:
    whole = re.fullmatch(r"(https?)://(\[[0-9a-fA-F:]+\]|[^\s/?#@:\[\]]+)(:\d{1,5})?/?", value)
    if whole is None or (whole[1] == "http" and whole[2].strip("[]") not in LOOPBACK):
        raise PydanticCustomError("server", "must look like https://farwatch.example")
    return value.rstrip("/")


def _check_tsa(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s#]*)?", value):
        raise PydanticCustomError("tsa", "must look like https://tsa.example/path")
    return value


def _check_router(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
        raise PydanticCustomError("router", "must look like http://osrm.example:5000")
    return value


class Settings(BaseModel):
    """Every field is `FARWATCH_` + its name in capitals in the environment, and its name in the TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: DatabaseUrl = Field(
        description="The service role's PostgreSQL: postgresql://user:password@host/database."
    )
    owner_database_url: DatabaseUrl | None = Field(
        default=None,
        description="The owner's, for `farwatch migrate` only; the service's where there is one role.",
    )
    mqtt_url: BrokerUrl | None = Field(
        default=None, description="The broker: mqtt://user:password@host:1883, or mqtts://."
    )
    mqtt_client_id: str = Field(
        default="farwatch-intake",
        description="Names the persistent session; belongs to the holder of the intake's lease.",
    )
    hj212_listen: Annotated[str, AfterValidator(_check_listen)] | None = Field(
        default=None,
        description="Where data loggers connect by TCP (HJ 212), e.g. 0.0.0.0:9212; it has no TLS: a private network only.",
    )
    hj212_connections: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=4000, description="TCP connections of data loggers at most."
    )
    hj212_connections_per_address: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=500, description="Of them from one address; loggers behind one gateway or VPN share theirs."
    )
    hj212_idle_s: Annotated[float, Field(ge=10, le=86_400)] = Field(
        default=900.0,
        description="A logger's connection ends after so long without a frame that was taken, seconds.",
    )
    hj212_frame_s: Annotated[float, Field(ge=1, le=600)] = Field(
        default=30.0, description="A frame must be whole this long after its first byte, seconds."
    )
    hj212_write_s: Annotated[float, Field(ge=1, le=600)] = Field(
        default=10.0,
        description="A logger that does not read what it is sent is ended after this long, seconds.",
    )
    http_host: str = Field(
        default="127.0.0.1", description="Where the pages listen; another host than loopback needs TLS."
    )
    http_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, description="The port of pages and API."
    )
    data_dir: Path = Field(
        default=Path("data"), description="Evidence, secrets.toml, latest stills, metrics of the processes."
    )
    evidence_floor_mb: Annotated[int, Field(ge=0)] = Field(
        default=1024,
        description="Less than this free on the evidence's disk: no clips any more, stills only, MB.",
    )
    tls_cert: Path | None = Field(default=None, description="PEM certificate chain for the pages.")
    tls_key: Path | None = Field(default=None, description="PEM private key for the pages.")
    behind_proxy: bool = Field(
        default=False,
        description="A proxy on a trusted network ends TLS in front: its forwarded headers are believed.",
    )
    camera_player_url: Annotated[str, AfterValidator(_check_player)] | None = Field(
        default=None,
        description="A page of the city's own video gateway that plays a camera: https://video.example/{camera}, /video/{camera}/.",
    )
    public_url: Annotated[str, AfterValidator(_check_server)] | None = Field(
        default=None,
        description="The pages' https://host as phones of enterprises reach them: in visit codes, notices and reports.",
    )
    bureau_name: Annotated[str, Field(max_length=100)] = Field(
        default="", description="The bureau's name, as the public page of a visit and reports show it."
    )
    session_hours: Annotated[float, Field(gt=0, le=168)] = Field(
        default=12.0, description="How long a sign-in lasts, hours."
    )
    metrics_token: str | None = Field(
        default=None,
        description="Bearer token for /metrics from another host; without it only loopback may read them.",
    )
    camera_processes: Annotated[int, Field(ge=0, le=64)] = Field(
        default=0, description="Processes of role cameras; 0: one for every two cores, at most 32."
    )
    camera_memory_base_mb: Annotated[float, Field(ge=100, le=100_000)] = Field(
        default=600.0,
        description="A process of role cameras that takes more memory than this and its cameras' share is replaced, MB.",
    )
    camera_memory_each_mb: Annotated[float, Field(ge=10, le=10_000)] = Field(
        default=64.0, description="Each camera's share of it, ring included, MB."
    )
    camera_connects_per_s: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=20.0,
        description="Cameras that one process connects to in a second, at a start and after an outage.",
    )
    camera_decode_share: Annotated[float, Field(ge=0, le=64)] = Field(
        default=0.25,
        description="Cores that a process may spend on more than key frames: on what begins, on viewers, on keys far apart.",
    )
    camera_patrol_slots: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=4, description="Cameras on patrol that a process looks at at once."
    )
    camera_patrol_dwell_s: Annotated[float, Field(ge=5, le=3600)] = Field(
        default=30.0, description="How long each of them is looked at before the next one, seconds."
    )
    camera_hwaccel: str | None = Field(
        default=None,
        description="Hardware that decodes, as FFmpeg names it: cuda, vaapi, qsv; what it cannot decode here the CPU does.",
    )
    server_url: Annotated[str, AfterValidator(_check_server)] | None = Field(
        default=None,
        description="For `farwatch cameras` on another machine: the pages' https://host, where evidence is sent.",
    )
    worker_token: str | None = Field(
        default=None,
        description="Its token there, from `farwatch worker-token add`; goes with the address.",
        repr=False,
    )
    report_font: Path | None = Field(
        default=None,
        description="A TrueType font with Chinese that PDF reports embed; without one a known place, else the reader's own font.",
    )
    osrm_url: Annotated[str, AfterValidator(_check_router)] | None = Field(
        default=None,
        description="An OSRM server of your own that tells driving times: http(s)://host; it sees where officers and tasks are.",
    )
    tsa_url: Annotated[str, AfterValidator(_check_tsa)] | None = Field(
        default=None,
        description="A time stamp authority (RFC 3161) that witnesses each hour's seal of the log: http(s)://host/path.",
    )
    tsa_certificate: Path | None = Field(
        default=None,
        description="Its root certificate, PEM: with it each stamp is verified before it is kept.",
    )
    log_format: Literal["human", "json"] = Field(
        default="human", description="Logs for people or for machines."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least level that is logged."
    )

    @property
    def hj212_address(self) -> tuple[str, int] | None:
        """Host and port of `hj212_listen`."""
        if self.hj212_listen is None:
            return None
        host, _, port = self.hj212_listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def owner_url(self) -> str:
        return self.owner_database_url or self.database_url


def read(environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Raises SettingsError. Unknown names: in the file an error, in the environment a warning (orchestrators inject names)."""
    path = file or (Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None)
    values = _from_file(path) if path else {}
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name in _NOT_SETTINGS:
            continue
        field = name.removeprefix(PREFIX).lower()
        if field not in Settings.model_fields:
            log.warning("%s is not a setting of Farwatch and is ignored", name)
        elif value != "":
            values[field] = value
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        raise SettingsError(f"{PREFIX}{name.upper()} (in a file: {name}): {first['msg'].lower()}") from None
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("FARWATCH_TLS_CERT and FARWATCH_TLS_KEY belong together")
    if (settings.server_url is None) != (settings.worker_token is None):
        raise SettingsError("FARWATCH_SERVER_URL and FARWATCH_WORKER_TOKEN belong together")
    if settings.http_host not in LOOPBACK and settings.tls_cert is None and not settings.behind_proxy:
        raise SettingsError(
            f"FARWATCH_HTTP_HOST is {settings.http_host}: outside this machine the pages need FARWATCH_TLS_CERT/KEY"
        )
    return settings


def _from_file(path: Path) -> dict[str, object]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    if unknown := sorted(values.keys() - Settings.model_fields.keys()):
        raise SettingsError(f"{path}: '{unknown[0]}' is not a setting of Farwatch")
    return dict(values)


def to_environment(settings: Settings) -> dict[str, str]:
    """What a child process needs to read the very same settings."""
    dumped = settings.model_dump(mode="json", exclude_none=True)
    return {PREFIX + name.upper(): str(value) for name, value in dumped.items()}
