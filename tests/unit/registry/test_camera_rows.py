"""What a row of cameras.csv may say of how the camera is watched and started."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from farwatch.domain.registry import DEFAULT_START_KEY, Attendance, Camera
from server.registry.checks import check_files
from server.registry.files import read_files
from server.registry.rows import CameraRow
from server.registry.secret_file import Secrets
from tests.unit.registry.sample import FILES, write_city

PLACE = {"id": "c1", "name": "Gate", "lat": "30", "lon": "114", "url": "rtsp://10.0.0.9/"}
START = "http://10.0.0.8:18080/api/play/start/34020000001320000001/34020000001310000001"


def row(**cells: str) -> Camera:
    return CameraRow.model_validate(PLACE | cells).value()


def test_empty_cells_mean_a_fixed_camera_that_always_sends_and_is_always_watched() -> None:
    camera = row(watch="", ptz="", start_url="", stop_url="", start_key="", start_credential="")
    assert (camera.watch, camera.ptz, camera.start_url, camera.start_key) == (
        Attendance.ALWAYS,
        False,
        "",
        DEFAULT_START_KEY,
    )


def test_a_camera_behind_a_platform_names_where_it_is_started_and_with_whose_token() -> None:
    camera = row(
        watch=" Patrol", ptz="是", start_url=START, start_key="data.urls.rtsp", start_credential="wvp"
    )
    assert (camera.watch, camera.ptz, camera.start_url) == (Attendance.PATROL, True, START)
    assert (camera.start_key, camera.start_credential, camera.stop_url) == ("data.urls.rtsp", "wvp", "")


def test_a_device_names_its_certificate_and_the_days_that_it_speaks_of() -> None:
    camera = row(
        certificate=" 检字〔2026〕12 号", certificate_until="2027年1月31日", calibrated_on="2026/1/5"
    )
    assert (camera.certificate, camera.certificate_until, camera.calibrated_on) == (
        "检字〔2026〕12 号",
        date(2027, 1, 31),
        date(2026, 1, 5),
    )
    assert row(certificate_until="").certificate_until is None


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ({"certificate_until": "next year"}, "is not a date"),
        ({"calibrated_on": "46000"}, "a spreadsheet's own date number"),
        ({"watch": "sometimes"}, "always"),
        ({"start_url": "ftp://10.0.0.8/start"}, "must be http://"),
        ({"start_url": "http://admin:topsecret@10.0.0.8/start"}, "put them into secrets.toml"),
        ({"start_url": "http://10.0.0.8/a b"}, "must be http://"),
        ({"start_url": "http://[10.0.0.8/"}, "is not a URL"),
        ({"stop_url": "http://10.0.0.8/stop"}, "start_url: is empty"),
        ({"start_credential": "wvp"}, "start_url: is empty"),
        ({"start_url": START, "start_key": "data..rtsp"}, "joined by dots"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_without_repeating_a_secret(
    cells: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        row(**cells)
    assert complaint in str(caught.value.errors(include_input=False))
    assert "topsecret" not in str(caught.value.errors(include_input=False, include_context=False))


def test_ground_zones_of_a_camera_on_patrol_are_warned_about(tmp_path: Path) -> None:
    rows = FILES["cameras.csv"].replace("drill\n", "drill,watch\n").replace("yard,0\n", "yard,0,patrol\n")
    files, found = read_files(write_city(tmp_path, cameras=rows.replace(",,\n", ",,,patrol\n")))
    check_files(files, Secrets(), found)
    assert (found.errors, [str(w) for w in found.warnings]) == (
        [],
        [
            "cameras.csv, row 2: c1 is on patrol: what is put down in its ground zones between two visits is not found"
        ],
    )
