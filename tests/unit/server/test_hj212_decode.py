"""`farwatch hj212 decode`: a JSON line for every frame, whatever the input holds, without a database."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.hj212.encode import framed
from server.cli import main
from tests.support.hj212 import MN, SEGMENT, crc_by_the_standard, frame

KEY = bytes(range(16))
HOUR = (
    SEGMENT.replace("CN=2011", "CN=2061")
    .replace("Rtd=", "Avg=")
    .replace("Flag=N&&", "Min=1,a21026-Max=2,a21026-Cou=3&&")
)


def decoded(capsysbinary: pytest.CaptureFixture[bytes], *arguments: str) -> list[dict[str, Any]]:
    assert main(["hj212", "decode", *arguments]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def test_a_frame_a_line_is_told_in_json(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = [
        b"# a heading\r\n", b"\n", b"  \n",
        frame(SEGMENT.replace("a21026-ZsRtd=40.1,", "")),
        frame(HOUR),
        frame(SEGMENT, crc=crc_by_the_standard(SEGMENT.encode()) ^ 1),
        b"garbage\n",
        frame("CN=2011;CP=&&&&"),
        frame(f"CN=2011;MN={MN};CP=&&DataTime=20261399000000;a-Rtd=1&&"),
        frame(f"QN=1;ST=91;CN=9015;MN={MN};Flag=8;CP=&&&&", tail=b""),
    ]  # fmt: skip
    (tmp_path / "frames").write_bytes(b"\xef\xbb\xbf" + b"".join(lines))
    got = decoded(capsysbinary, str(tmp_path / "frames"))
    said = {"code": "a21026", "kind": "rtd", "value": 31.2, "flag": "N"}
    first = {
        "verdict": "pass", "reason": "ok", "mn": MN, "cn": "2011", "dialect": "2017",
        "data_at": "2026-11-22T10:00:00+08:00", "readings": [said],
    }  # fmt: skip
    hour = said | {"kind": "hour", "converted": 40.1, "min": 1.0, "max": 2.0, "amount": 3.0}
    nothing = {"mn": None, "cn": None, "dialect": None, "data_at": None, "readings": []}
    assert got == [
        first,
        first | {"cn": "2061", "readings": [hour]},
        first | {"verdict": "fail", "reason": "bad_crc", "readings": [said | {"converted": 40.1}]},
        nothing | {"verdict": "fail", "reason": "rubbish"},
        nothing | {"verdict": "pass", "reason": "no_mn"},
        nothing | {"verdict": "pass", "reason": "bad_data_time", "mn": MN, "cn": "2011", "dialect": "2005"},
        nothing | {"verdict": "pass", "reason": "ok", "mn": MN, "cn": "9015", "dialect": "2025"},
    ]


def test_a_stream_holds_sealed_frames_that_its_key_opens(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    sealed = framed(SEGMENT.encode(), sm4_key=KEY)
    (tmp_path / "raw").write_bytes(b"noise" + sealed * 3)
    (tmp_path / "key").write_text(KEY.hex() + "\n")
    raw = str(tmp_path / "raw")
    assert [line["reason"] for line in decoded(capsysbinary, "--stream", raw)] == ["rubbish", *["sealed"] * 3]
    opened = decoded(capsysbinary, "--stream", "--sm4-key-file", str(tmp_path / "key"), raw)
    assert [len(line["readings"]) for line in opened] == [0, 1, 1, 1]
    assert {line["mn"] for line in opened[1:]} == {MN}


def test_frames_glued_together_in_a_line_all_come(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "f").write_bytes(
        b"10:00 recv " + frame(SEGMENT, tail=b"") + frame(SEGMENT, length=9) + frame(SEGMENT)
    )
    got = decoded(capsysbinary, str(tmp_path / "f"))
    assert [line["verdict"] for line in got] == ["pass", "badlen", "pass"]


@pytest.mark.parametrize(
    ("written", "verdict", "reason"),
    [
        (frame(SEGMENT, length=9, crc="0000"), "fail", "bad_length_and_crc"),
        (frame(SEGMENT, length=900, crc="0000"), "fail", "cut_short"),
        (frame(SEGMENT, crc="ZZZZ"), "fail", "bad_length_and_crc"),
        (frame(SEGMENT, length=""), "badlen", "bad_length"),
        (frame(SEGMENT)[:-12], "fail", "cut_short"),
        (SEGMENT.encode(), "fail", "rubbish"),
        (b"10:00 recv #" + frame(SEGMENT)[2:], "fail", "rubbish"),
    ],
)
def test_a_broken_frame_is_told_as_far_as_it_can_be_read(
    written: bytes, verdict: str, reason: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "f").write_bytes(written)
    (line,) = decoded(capsysbinary, str(tmp_path / "f"))
    said = {"code": "a21026", "kind": "rtd", "value": 31.2, "flag": "N", "converted": 40.1}
    assert line == {
        "verdict": verdict, "reason": reason, "mn": MN, "cn": "2011", "dialect": "2017",
        "data_at": "2026-11-22T10:00:00+08:00", "readings": [said],
    }  # fmt: skip


def test_a_value_that_breaks_off_is_not_told(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "f").write_bytes(frame(SEGMENT.replace("40.1", "1234.5"))[:-24])
    (line,) = decoded(capsysbinary, str(tmp_path / "f"))
    assert line["readings"] == [{"code": "a21026", "kind": "rtd", "value": 31.2, "flag": "N"}]


def test_standard_input_is_read(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(frame(SEGMENT))))
    assert [line["cn"] for line in decoded(capsysbinary, "-")] == ["2011"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.lists(st.one_of(st.binary(max_size=60), st.just(frame(SEGMENT)), st.just(b"\n#"))),
    stream=st.booleans(),
)
def test_any_file_is_told(
    data: list[bytes], stream: bool, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "f").write_bytes(b"".join(data))
    for line in decoded(capsysbinary, *["--stream"] * stream, str(tmp_path / "f")):
        assert set(line) == {"verdict", "reason", "mn", "cn", "dialect", "data_at", "readings"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere: No such file or directory"),
        (["."], ".: Is a directory"),
        (["--sm4-key-file", "nokey", "f"], "nokey: No such file or directory"),
        (["--sm4-key-file", "f", "f"], "f: an SM4 key is 32 hexadecimal digits or 16 bytes"),
    ],
)
def test_what_the_operator_got_wrong_is_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_bytes(b"x")
    assert main(["hj212", "decode", *arguments]) == 2
    assert capsys.readouterr().err == f"farwatch: {words}\n"


@pytest.mark.process
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(frame(SEGMENT) * 20_000)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "hj212", "decode", str(tmp_path / "f")],
        stdout=writing, stderr=subprocess.PIPE, timeout=60, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
