"""The broker's password file: private, stable, in mosquitto's format."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from server.broker_users import hash_password, verify, write_password_file


def test_an_unchanged_password_keeps_its_line_and_a_gone_user_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    write_password_file(path, {"a": "one", "b": "two", "c": "three"})
    before = dict(line.split(":", 1) for line in path.read_text().splitlines())
    write_password_file(path, {"a": "one", "b": "new"}, path.read_text())
    after = dict(line.split(":", 1) for line in path.read_text().splitlines())
    assert after.keys() == {"a", "b"}
    assert after["a"] == before["a"]
    assert after["b"] != before["b"]
    assert verify(after["b"], "new")
    assert not verify(after["b"], "two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_password_of_two_users_does_not_look_the_same(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    write_password_file(path, {"a": "one", "b": "one"})
    a, b = (line.split(":", 1)[1] for line in path.read_text().splitlines())
    assert a != b


@pytest.mark.parametrize("line", ["", "$6$salt$hash", "$7$101$%%%$x", "$7$x$AAAA$x", "plain"])
def test_a_line_of_another_format_is_no_match(line: str) -> None:
    assert not verify(line, "one")


@pytest.mark.skipif(not shutil.which("mosquitto_passwd"), reason="mosquitto_passwd is not installed")
def test_a_line_of_mosquitto_passwd_is_the_one_we_would_write(tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", str(path), "s1", "secret"], check=True, capture_output=True
    )
    line = path.read_text().strip().partition(":")[2]
    assert verify(line, "secret")
    assert len(line) == len(hash_password("secret", b"x" * 12))
