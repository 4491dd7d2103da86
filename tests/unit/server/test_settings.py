import logging
from pathlib import Path

import pytest

from server.settings import Settings, SettingsError, read, to_environment

BASE = {"FARWATCH_DATABASE_URL": "postgresql://x@h/d"}


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "farwatch.toml"
    file.write_text('database_url = "postgresql://file"\nhttp_port = 1\n')
    assert read({"FARWATCH_HTTP_PORT": "2"}, file).http_port == 2
    assert read({}, file).database_url == "postgresql://file"


def test_an_unknown_name_in_the_file_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "farwatch.toml"
    file.write_text('databse_url = "x"\n')
    with pytest.raises(SettingsError, match="databse_url"):
        read(BASE, file)


def test_an_unknown_name_in_the_environment_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read(BASE | {"FARWATCH_SERVICE_PORT_8080_TCP": "1"})
    assert "FARWATCH_SERVICE_PORT_8080_TCP" in caplog.text


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({}, "FARWATCH_DATABASE_URL"),
        (BASE | {"FARWATCH_HTTP_PORT": "abc"}, "FARWATCH_HTTP_PORT"),
        (BASE | {"FARWATCH_HTTP_PORT": "70000"}, "FARWATCH_HTTP_PORT"),
        (BASE | {"FARWATCH_HTTP_HOST": "0.0.0.0"}, "TLS"),
        (BASE | {"FARWATCH_TLS_CERT": "a.pem"}, "belong together"),
        *(
            ({"FARWATCH_DATABASE_URL": url}, "FARWATCH_DATABASE_URL.*must look like")
            for url in (
                "nonsense",
                "postgres//u@h/d",
                "mysql://h/d",
                "postgresql://u@h:x/d",
                "postgresql://h:99999/d",
            )
        ),
        *(
            (BASE | {"FARWATCH_MQTT_URL": url}, "FARWATCH_MQTT_URL.*must look like")
            for url in ("nonsense", "http://h", "mqtt://", "mqtt://h:x", "mqtt://h:0", "mqtt://u:p/w@h")
        ),
        (BASE | {"FARWATCH_SERVER_URL": "https://far.watch"}, "belong together"),
        *(
            (BASE | {"FARWATCH_SERVER_URL": url, "FARWATCH_WORKER_TOKEN": "x"}, "FARWATCH_SERVER_URL")
            for url in ("http://far.watch", "https://far.watch/x", "https://u:p@far.watch", "far.watch")
        ),
        *(
            (BASE | {"FARWATCH_OSRM_URL": url}, "FARWATCH_OSRM_URL.*must look like")
            for url in ("osrm:5000", "ftp://osrm", "http://u:p@osrm", "http://osrm?x")
        ),
        (BASE | {"FARWATCH_CONFIG": "/nowhere/farwatch.toml"}, "farwatch.toml"),
    ],
)
def test_what_is_wrong_is_one_clear_line(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as raised:
        read(environment)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "environment",
    [
        {"FARWATCH_DATABASE_URL": "postgresql://u:hunter2@h/d", "FARWATCH_HTTP_PORT": "hunter2"},
        {"FARWATCH_DATABASE_URL": "postgresql://u:hunter2/h@h:port/d"},
        BASE | {"FARWATCH_MQTT_URL": "mqtt://u:hunter2/@h"},
    ],
)
def test_no_message_repeats_a_secret(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as raised:
        read(environment)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres@/farwatch?host=/run/farwatch",
        "postgres://u:p%40w@h1:5432,h2:5433/d?sslmode=require",
        "postgresql://[::1]:5432/d",
        "postgresql:///d",
        "postgresql://u:p@ss@h/d",
    ],
)
def test_every_way_to_name_a_database_is_taken(url: str) -> None:
    assert read({"FARWATCH_DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize("url", ["mqtt://127.0.0.1:1883", "mqtts://u:p%2Fw@broker", "mqtt://[::1]:1883/"])
def test_every_way_to_name_a_broker_is_taken(url: str) -> None:
    assert read(BASE | {"FARWATCH_MQTT_URL": url}).mqtt_url == url


def test_a_child_reads_the_same_settings() -> None:
    settings = Settings(database_url="postgresql://x", http_port=0, behind_proxy=True, data_dir=Path("d"))
    assert read(to_environment(settings)) == settings


@pytest.mark.parametrize(
    "url", ["https://far.watch", "https://far.watch:8443/", "http://127.0.0.1:8080", "https://[::1]"]
)
def test_a_camera_machines_token_goes_to_an_encrypted_server_or_to_this_machine_and_into_no_repr(
    url: str,
) -> None:
    settings = read(BASE | {"FARWATCH_SERVER_URL": url, "FARWATCH_WORKER_TOKEN": "hunter2"})
    assert settings.server_url == url.rstrip("/")
    assert "hunter2" not in repr(settings)
