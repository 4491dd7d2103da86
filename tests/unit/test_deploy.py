"""What deploy/ and the compose file promise, as far as no Docker engine is needed to see it."""

import configparser
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from farwatch.domain.calendar import WorkCalendar
from farwatch.domain.policy import (
    SHIPPED,
    EvidenceRule,
    FirstTimeRule,
    LimitRule,
    Policy,
    QualityRule,
    RetentionRule,
    StormRule,
    TaskPolicy,
)
from farwatch.storage import policy_toml
from server.cli import parser
from server.settings import Settings, read
from server.web.minor_list import NewList

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("farwatch:")]
CODE = ("farwatch", "ingest", "detectors", "alerting", "simulators", "server")


def mounts(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for volume in service.get("volumes", ()):
        source, target = volume.split(":")[:2]
        yield source, target


def test_every_mounted_file_exists_and_every_volume_is_declared() -> None:
    for service in SERVICES.values():
        for source, _ in mounts(service):
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], (
                source
            )


def test_every_image_is_pinned() -> None:
    for service in SERVICES.values():
        assert re.search(r":v?\d+\.\d+\.\d+", service["image"]), service["image"]


def test_every_setting_that_compose_passes_is_one_the_service_knows() -> None:
    assert OURS == ["migrate", "broker-users", "farwatch"]
    for name in OURS:
        for variable in SERVICES[name]["environment"]:
            assert variable.removeprefix("FARWATCH_").lower() in Settings.model_fields, variable


def test_the_service_accepts_its_settings_as_compose_gives_them(caplog: pytest.LogCaptureFixture) -> None:
    for name in OURS:
        given = {
            k: re.sub(r"\$\{\w+:\?[^}]*\}", "secret", v) for k, v in SERVICES[name]["environment"].items()
        }
        assert read(given).database_url == "postgresql://farwatch:secret@timescaledb/farwatch"
        parser().parse_args(SERVICES[name]["command"])
    assert caplog.records == []


def test_owner_and_service_are_different_roles_and_only_migrate_is_the_owner() -> None:
    assert SERVICES["timescaledb"]["environment"]["POSTGRES_USER"] == "farwatch_owner"
    assert "CREATE ROLE farwatch LOGIN" in (DEPLOY / "postgres" / "10-service-role.sh").read_text()
    owners = [name for name in OURS if "FARWATCH_OWNER_DATABASE_URL" in SERVICES[name]["environment"]]
    assert owners == ["migrate"]


def test_the_broker_finds_its_files_where_its_configuration_says() -> None:
    conf = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text()
    targets = {target: source for source, target in mounts(SERVICES["mosquitto"])}
    assert "/mosquitto/config/acl" in targets
    assert "acl_file /mosquitto/config/acl" in conf
    passwords = Path(re.search(r"^password_file (.+)$", conf, re.MULTILINE)[1])  # type: ignore[index]
    ours = dict(mounts(SERVICES["broker-users"]))
    assert targets[str(passwords.parent)] == "broker-secrets"
    assert SERVICES["broker-users"]["command"][-1] == f"{ours['broker-secrets']}/{passwords.name}"
    assert "useradd --uid 1883 " in (ROOT / "Dockerfile").read_text()
    assert SERVICES["mosquitto"]["user"] == "1883:1883"


def test_health_is_asked_where_the_service_answers_it() -> None:
    assert "/readyz" in SERVICES["farwatch"]["healthcheck"]["test"][-1]
    assert "/livez" in (ROOT / "Dockerfile").read_text()
    pages = "".join(p.read_text() for p in (ROOT / "server" / "web").glob("*.py"))
    assert '"/livez"' in pages
    assert '"/readyz"' in pages
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            assert wait["condition"] != "service_healthy" or "healthcheck" in SERVICES[name], name


def test_no_secret_has_a_value_in_what_we_ship() -> None:
    example = (DEPLOY / "compose.env.example").read_text()
    given = dict(line.split("=", 1) for line in example.splitlines() if line and not line.startswith("#"))
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    asked.add(COMPOSE["secrets"]["metrics_token"]["environment"])
    assert given.keys() == asked
    assert {name for name, value in given.items() if value} == {"SITE_ADDRESS"}
    assert not re.search(r"\$\{\w+(:-|\}|-)", (ROOT / "docker-compose.yml").read_text()), "a default password"


def test_only_what_people_and_devices_need_is_open_to_the_network() -> None:
    opened = {
        name: [port for port in service.get("ports", ()) if not port.startswith("127.0.0.1:")]
        for name, service in SERVICES.items()
    }
    assert {name for name, ports in opened.items() if ports} == {"caddy", "mosquitto", "mediamtx", "farwatch"}
    assert opened["farwatch"] == ["9212:9212"], "data loggers; the pages are behind caddy"


def test_the_image_copies_what_exists_and_runs_as_an_ordinary_user() -> None:
    text = (ROOT / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
    last = text[text.rindex("\nFROM") :]
    assert "\nUSER farwatch\n" in last
    allowed = (ROOT / ".dockerignore").read_text()
    assert allowed.startswith("*\n"), "nothing enters the image that is not named"
    for folder in CODE:
        assert f"!{folder}\n" in allowed


def metric_names() -> set[str]:
    """Names as they are exposed: a counter ends in _total, a histogram has its parts."""
    found: set[str] = set()
    made = re.compile(r'(Counter|Gauge|Histogram|Summary|GaugeMetricFamily)\(\s*"(farwatch_\w+)"')
    for folder in CODE:
        for path in (ROOT / folder).rglob("*.py"):
            for kind, name in made.findall(path.read_text("utf-8")):
                ends = {"Counter": ["_total"], "Histogram": ["_bucket", "_count", "_sum"]}.get(kind, [""])
                found |= {
                    name.removesuffix("_total") + end if kind == "Counter" else name + end for end in ends
                }
    return found


def test_every_metric_that_alerts_and_dashboards_use_exists() -> None:
    alerts = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "farwatch.json").read_text())
    expressions = [rule["expr"] for rule in rules] + [
        t["expr"] for p in dashboard["panels"] for t in p["targets"]
    ]
    used = set(re.findall(r"farwatch_\w+", " ".join(expressions)))
    assert used - metric_names() == set()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    assert {"FarwatchEngineStalled", "FarwatchCameraStale", "FarwatchDeadLetters", "FarwatchOutboxStuck"} <= {
        rule["alert"] for rule in rules
    }
    assert next(r["expr"] for r in rules if r["alert"] == "FarwatchEngineStalled").endswith("> 5")


def test_grafana_finds_its_source_and_dashboards() -> None:
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())
    folder = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/farwatch.yml").read_text())
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "farwatch.json").read_text())
    uids = {panel["datasource"]["uid"] for panel in dashboard["panels"]}
    assert uids == {source["datasources"][0]["uid"]}
    assert folder["providers"][0]["options"]["path"] in {target for _, target in mounts(SERVICES["grafana"])}


ROWS = {"severities": "severity"}


def test_the_shipped_policy_file_is_the_shipped_policy() -> None:
    text = (DEPLOY / "policy.toml").read_text()
    assert policy_toml.parse(text) == SHIPPED
    told = tomllib.loads(text)
    for table, values in (
        (told, Policy),
        (told["limit"], LimitRule),
        (told["quality"], QualityRule),
        (told["retention"], RetentionRule),
        (told["evidence"], EvidenceRule),
        (told["task"], TaskPolicy),
        (told["storm"], StormRule),
        (told["first_time"], FirstTimeRule),
        (told["calendar"], WorkCalendar),
    ):
        names = {ROWS.get(field.name, field.name) for field in fields(values)}
        assert table.keys() == names, "a value that the file cannot say"
    assert policy_toml.parse("") == SHIPPED


def test_the_unit_and_its_example_use_settings_and_commands_that_exist() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "farwatch.service")
    assert parser().parse_args(unit["Service"]["ExecStart"].split()[1:]).command == "serve"
    assert unit["Service"]["User"] == "farwatch"
    lines = (DEPLOY / "farwatch.env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert str(read(given).data_dir) == "/var/lib/farwatch"
    assert {name.removeprefix("FARWATCH_").lower() for name in given} <= Settings.model_fields.keys()


def test_the_example_of_a_minor_list_is_one_and_says_that_it_is_an_example() -> None:
    example = NewList.model_validate_json((DEPLOY / "minor-list.example.json").read_text("utf-8"))
    assert (example.version, len(example.rows)) == (0, 2)
    assert all(row.basis.startswith("示例，不是建议") for row in example.rows)


def test_a_change_of_the_policy_shows() -> None:
    text = (DEPLOY / "policy.toml").read_text()
    assert policy_toml.parse(text.replace("accept_s = 300.0", "accept_s = 301.0")) != SHIPPED


@pytest.mark.skipif(not shutil.which("docker"), reason="the docker client is not installed")
def test_docker_itself_reads_the_compose_file() -> None:
    names = re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text())
    environment = {**os.environ, **dict.fromkeys(names, "x")}
    command = ["docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    if "is not a docker command" in done.stderr or "unknown shorthand" in done.stderr:
        pytest.skip("the docker client has no compose")
    assert done.returncode == 0, done.stderr
