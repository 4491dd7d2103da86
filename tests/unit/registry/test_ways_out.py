"""Channels of notices as a bureau's files name them: what can never arrive is said before it is imported."""

from pathlib import Path

from server.registry.checks import check_files
from server.registry.files import read_files
from server.registry.problems import Findings
from server.registry.secret_file import Secrets
from tests.unit.registry.sample import FILES, write_city

HOOKS = (
    FILES["secrets.toml"]
    + '[channels.far]\nurl = "webhook+http://10.0.0.9/token"\n[channels.near]\nurl = "webhook+http://127.0.0.1/x"\n'
)
RULES = '[notices]\nofficer = [["page", "contact"], ["smss"]]\ncentre = [["page", "duty"]]\n[calendar]\nholidays = [2026-10-01]\n'


def found(folder: Path, **files: str) -> Findings:
    city, said = read_files(write_city(folder, **files))
    check_files(city, Secrets(), said)
    return said


def test_plain_http_to_another_machine_is_refused_and_its_address_is_not_told(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, secrets=HOOKS).errors
    assert str(problem).startswith("secrets.toml: [channels.far]: its url must be webhook+https://")
    assert "token" not in str(problem)


def test_a_group_that_names_a_channel_without_an_address_is_named(tmp_path: Path) -> None:
    said = found(
        tmp_path, policy=RULES, secrets=FILES["secrets.toml"] + '[channels.sms]\nurl = "json://10.0.0.1"\n'
    )
    assert [str(w) for w in said.warnings] == [
        "policy.toml: [notices] officer: secrets.toml has no [channels.smss], did you mean 'sms'?"
    ]
