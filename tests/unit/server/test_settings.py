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
        (BASE | {"FARWATCH_CONFIG": "/nowhere/farwatch.toml"}, "farwatch.toml"),
    ],
)
def test_what_is_wrong_is_one_clear_line(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as raised:
        read(environment)
    assert "\n" not in str(raised.value)


def test_no_message_repeats_a_secret() -> None:
    with pytest.raises(SettingsError) as raised:
        read({"FARWATCH_DATABASE_URL": "postgresql://u:hunter2@h/d", "FARWATCH_HTTP_PORT": "hunter2"})
    assert "hunter2" not in str(raised.value)


def test_a_child_reads_the_same_settings() -> None:
    settings = Settings(database_url="postgresql://x", http_port=0, behind_proxy=True, data_dir=Path("d"))
    assert read(to_environment(settings)) == settings
