import os
from pathlib import Path

import pytest

from server.city import LiveSecrets, notice_channels


def write(folder: Path, text: str, at_ns: int) -> None:
    (folder / "secrets.toml").write_text(text)
    os.utime(folder / "secrets.toml", ns=(at_ns, at_ns))


def test_a_file_that_was_broken_by_hand_stops_nobody_and_is_told_once_without_its_values(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    channels = LiveSecrets(tmp_path, notice_channels)
    assert dict(channels) == {}
    write(tmp_path, '[channels.duty]\nurl = "json://a"\n', 1)
    assert dict(channels) == {"duty": "json://a"}
    write(tmp_path, '[channels.duty]\nurl = "json://secret', 2)
    assert dict(channels) == dict(channels) == {"duty": "json://a"}
    assert len(caplog.records) == 1
    assert "secret:" not in caplog.text
    assert "json:" not in caplog.text
    write(tmp_path, '[channels.duty]\nurl = "json://b"\n', 3)
    assert channels.get("duty") == "json://b"
