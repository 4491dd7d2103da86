"""Reading a bureau's files: what is right is read, what is wrong is named by file, row and column."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from farwatch.domain.reading import ReadingKind
from server.registry.checks import check_files
from server.registry.files import CityFiles, read_files
from server.registry.problems import Findings
from server.registry.secret_file import Secrets
from tests.unit.registry.sample import FILES, edited, write_city


def read(folder: Path, kept: Secrets | None = None) -> tuple[CityFiles, Findings]:
    files, found = read_files(folder)
    check_files(files, kept or Secrets(), found)
    return files, found


def errors(folder: Path) -> list[str]:
    return [str(problem) for problem in read(folder)[1].errors]


def test_a_right_city_is_read_without_a_word(tmp_path: Path) -> None:
    files, found = read(write_city(tmp_path))
    assert (found.errors, found.warnings) == ([], [])
    limits = [entry.value for entry in files.limits]
    assert limits[0].valid_from == datetime(2023, 12, 31, 16, tzinfo=UTC), "midnight in Shanghai"
    assert limits[1].valid_from == datetime(1970, 1, 1, tzinfo=UTC)
    assert (limits[2].kind, limits[2].limit) == (ReadingKind.RTD, None)
    assert files.stations[1].value.drill
    assert files.officers[1].value.shift == "08:00-20:00"
    assert files.grids[0].value.area.contains(files.stations[0].value.place)
    assert files.cameras[1].value.enterprise is None


def test_an_officer_has_skills_a_channel_and_a_badge(tmp_path: Path) -> None:
    files, _ = read(
        write_city(
            tmp_path,
            officers="id,name,team,lat,lon,skills,contact_channel,badge\n"
            "o1,李一,t1,30.5,114.3,noise  塔吊,duty,沪-0012\n",
        )
    )
    (officer,) = [e.value for e in files.officers]
    assert (officer.skills, officer.contact_channel, officer.badge) == ({"noise", "塔吊"}, "duty", "沪-0012")


def test_an_officers_channel_without_an_address_is_named(tmp_path: Path) -> None:
    officers = (
        FILES["officers.csv"]
        .replace("shift\n", "shift,contact_channel\n")
        .replace("always\n", "always,dusty\n")
    )
    assert errors(write_city(tmp_path, officers=officers.replace("20:00\n", "20:00,\n"))) == [
        "officers.csv, row 2, column contact_channel: secrets.toml has no [channels.dusty], did you mean 'duty'?"
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_of_all_spreadsheets_give_the_same_rows(
    tmp_path: Path, encoding: str, newline: str
) -> None:
    content = {name: text.replace("\n", newline).encode(encoding) for name, text in FILES.items()}
    spoilt = {name.partition(".")[0]: content[name] for name in FILES if name.endswith(".csv")}
    expected, _ = read(write_city(tmp_path / "plain"))
    files, found = read(write_city(tmp_path / "other", **spoilt))
    assert found.errors == []
    assert files.enterprises == expected.enterprises
    assert files.limits == expected.limits


def test_quirks_of_spreadsheets_are_understood(tmp_path: Path) -> None:
    stations = (
        "MN, Enterprise ,name,lat,lon,medium,drill,,\r\n"
        "\r\n,,,,,,,,\r\n"
        '８８８８８８８００００００１,e1," 烧结\n机头 ",３０．５,114.3,air_source,是,,\r\n'
        "88888880000002,e2,总排口,30.601,114.401,water,FALSE\r\n\r\n"
    )
    files, found = read(write_city(tmp_path, stations=stations))
    assert found.errors == []
    first, second = (entry.value for entry in files.stations)
    assert (first.mn, first.name, first.place.lat, first.drill) == ("88888880000001", "烧结 机头", 30.5, True)
    assert [entry.row for entry in files.stations] == [4, 5], "blank rows count, as a spreadsheet shows them"
    assert second.drill is False


SPOILT = [
    ("stations.csv", "88888880000001,e1", "8.88889E+13,e1", "stations.csv, row 2, column mn: '8.88889E+13' was turned"),
    ("stations.csv", "88888880000001,e1", "a/b,e1", "stations.csv, row 2, column mn: 'a/b' may hold only"),
    ("stations.csv", "88888880000002", "88888880000001", "stations.csv, row 3, column mn: 88888880000001 is in row 2 already"),
    ("stations.csv", "2,e2", "2,e9", "stations.csv, row 3, column enterprise: unknown enterprise 'e9'"),
    ("stations.csv", "30.501,114.301", "114.301,30.501",
     "row 2, column lat: 114.301 with lon 30.501 is not a position: lat and lon look swapped"),
    ("stations.csv", "30.501,114.301", "85.5,43.8", "look swapped"),
    ("stations.csv", "30.501", "91", "stations.csv, row 2, column lat: 91 with lon 114.301 is not"),
    ("stations.csv", "30.501", "30°30′", "stations.csv, row 2, column lat: '30°30′' is not a decimal number"),
    ("stations.csv", "30.501", "nan", "stations.csv, row 2, column lat: 'nan' is not a decimal number"),
    ("stations.csv", "烧结机头", "", "stations.csv, row 2, column name: must not be empty"),
    ("stations.csv", "烧结机头", "烧\x07结", "stations.csv, row 2, column name: holds a control character"),
    ("stations.csv", "air_source,0", "air_source,maybe", "stations.csv, row 2, column drill: 'maybe' is neither 1 nor 0"),
    ("stations.csv", "medium,drill", "medum,drill", "stations.csv, row 1, column medum: unknown column, did you mean 'medium'?"),
    ("stations.csv", "medium,drill", "medum,drill", "stations.csv, row 1, column medium: the column is missing"),
    ("stations.csv", "name,lat", "name,name", "stations.csv, row 1, column name: the column is there twice"),
    ("stations.csv", "water,1", "water,1,extra", "stations.csv, row 3: 'extra' stands in column 8, which has no name"),
    ("channels.csv", "mg/L,50", "mg/L,fifty", "channels.csv, row 5, column limit: 'fifty' is not a decimal number"),
    ("channels.csv", "mg/L,50", "mg/L,0", "channels.csv, row 5, column limit: must be above 0"),
    ("channels.csv", "50,day", "50,", "channels.csv, row 5, column limit_kind: must say"),
    ("channels.csv", "50,day", "50,week", "channels.csv, row 5, column limit_kind: must be 'rtd'"),
    ("channels.csv", "2024/7/1", "2024/13/1", "channels.csv, row 5, column valid_from: '2024/13/1' is not a date"),
    ("channels.csv", "2024/7/1", "45474", "channels.csv, row 5, column valid_from: '45474' is a spreadsheet's own"),
    ("channels.csv", "day,0,1,", "day,0,90,", "channels.csv, row 5, column warn_share: must be less than or equal to 1"),
    ("channels.csv", "mg/m3,35,rtd", "mg/L,35,rtd", "channels.csv, row 3, column unit: 'mg/L', but 'mg/m3' in row 2"),
    ("channels.csv", "35,rtd,1,,", "35,hour,1,,2024-01-01", "channels.csv, row 3, column valid_from: 88888880000001 a21026"),
    ("channels.csv", "88888880000002,w01018", "88888880000003,w01018", "unknown mn '88888880000003', did you mean"),
    ("cameras.csv", "rtsp://10.1.2.3", "http://10.1.2.3", "cameras.csv, row 2, column url: must be rtsp://"),
    ("cameras.csv", "rtsp://10.1.2.3", "rtsps://10.1.2.3", "cameras.csv, row 2, column url: is rtsps://, which is not"),
    ("cameras.csv", "rtsp://10.1.2.3", "rtsp://u:topsecret@10.1.2.3", "cameras.csv, row 2, column url: holds a user or password"),
    ("cameras.csv", "yard,0", "yrd,0", "row 2, column credential: secrets.toml has no [credentials.yrd], did you mean"),
    ("cameras.csv", "302,90", "302,400", "cameras.csv, row 2, column heading_deg: 400 is not between 0 and 360"),
    ("teams.csv", "o1", "o7", "teams.csv, row 2, column lead: unknown lead 'o7'"),
    ("officers.csv", "8:00-20:00", "8-20", "officers.csv, row 3, column shift: '8-20' is not HH:MM-HH:MM"),
    ("officers.csv", "8:00-20:00", "8:00-8:00", "officers.csv, row 3, column shift: '8:00-8:00' begins when it ends"),
    ("officers.csv", "10000000001", "1.3E+10", "officers.csv, row 2, column phone: '1.3E+10' was turned"),
    ("enterprises.csv", ",duty", ",dty", "enterprises.csv, row 2, column contact_channel: secrets.toml has no [channels.dty]"),
    ("enterprises.csv", "第一钢厂", '"第一钢厂', "enterprises.csv, row 3: is not CSV: unexpected end of data"),
    ("zones.json", "[0.9, 0.5]", "[90, 50]", "zones.json, item 1, column polygon point 2: [90, 50] is not in shares"),
    ("zones.json", "[0.9, 0.5]", "[-0.1, 0.5]", "zones.json, item 1, column polygon point 2: [-0.1, 0.5] is outside"),
    ("zones.json", "[0.9, 0.5], [0.9, 1]", "[0.9, 1], [0.9, 0.5]", "zones.json, item 1, column polygon: crosses itself"),
    ("zones.json", ", [0.9, 1], [0.1, 1]", "", "zones.json, item 1, column polygon: needs three different points"),
    ("zones.json", '"purpose"', '"purpos"', "zones.json, item 1, column purpos: unknown key, did you mean 'purpose'?"),
    ("zones.json", '"c1"', '"c9"', "zones.json, item 1, column camera: unknown camera 'c9'"),
    ("zones.json", "ground", "floor", "zones.json, item 1, column purpose: must be 'ground', 'sky', 'stack' or 'mask'"),
    ("zones.json", "}]", "}", "zones.json, line 1: is not JSON"),
    ("grids.geojson", '"team": "t1"', '"team": "t9"', "grids.geojson, item 1, column team: unknown team 't9'"),
    ("grids.geojson", "[115.0, 31.0]", "[31.0, 115.0]",
     "column geometry.coordinates point 3: [31, 115] is not a WGS-84 position: lon comes first"),
    ("policy.toml", "accept_s", "acept_s", "policy.toml: task.acept_s: unknown key, did you mean 'accept_s'?"),
    ("policy.toml", "accept_s", '[[task.handling]]\nkind = "smoke"\namount = 800\nunit = "working_days"\n#',
     "policy.toml: task.handling: smoke: no working day in three years"),
    ("secrets.toml", "user =", "usr =", "secrets.toml: credentials.yard.usr: unknown key, did you mean 'user'?"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"), SPOILT, ids=[f"{c[0]}:{c[2][:24]!a}" for c in SPOILT]
)
def test_every_mistake_is_named_with_its_place(
    tmp_path: Path, file: str, old: str, new: str, expected: str
) -> None:
    text = FILES[file].replace(old, new, 1) if file == "stations.csv" else edited(file, old, new)
    assert text != FILES[file]
    said = errors(write_city(tmp_path, **{file.partition(".")[0]: text}))
    assert any(expected in line for line in said), said
    assert not any("topsecret" in line for line in said)


def test_a_refused_row_does_not_make_errors_of_the_rows_that_name_it(tmp_path: Path) -> None:
    said = errors(write_city(tmp_path, stations=edited("stations.csv", "30.501,", "x,")))
    assert said == ["stations.csv, row 2, column lat: 'x' is not a decimal number"]
    _, found = read(write_city(tmp_path, stations=edited("stations.csv", "medium,", "medum,")))
    assert found.warnings == []
    said = [str(error) for error in found.errors]
    assert {line.partition(",")[0] for line in said} == {"stations.csv"}
    said = errors(write_city(tmp_path, secrets=edited("secrets.toml", "user =", "usr =")))
    assert {line.partition(":")[0] for line in said} == {"secrets.toml"}


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    stations = edited("stations.csv", "30.501,114.301", "x,y")
    said = errors(write_city(tmp_path, stations=stations, zones="[1]", teams=edited("teams.csv", "o1", "o9")))
    assert len({line.split(":")[0] for line in said}) >= 4
    assert {line.split(",")[0] for line in said} >= {"stations.csv", "zones.json", "teams.csv"}


def test_the_four_main_files_must_be_there_and_the_others_need_not(tmp_path: Path) -> None:
    folder = write_city(tmp_path)
    for name in FILES:
        (folder / name).unlink()
    assert [line.partition(":")[0] for line in errors(folder)] == [
        "enterprises.csv", "stations.csv", "channels.csv", "cameras.csv",
    ]  # fmt: skip
    for name in ("enterprises.csv", "stations.csv", "channels.csv", "cameras.csv"):
        (folder / name).write_text(FILES[name].partition("\n")[0])
    assert errors(folder) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "stations.csv, row 1: has no header"),
        ("mn,name\n".encode("utf-16"), "stations.csv: is UTF-16 text"),
        (b"mn,name\n\xff\xff\xff", "stations.csv, row 2: is neither UTF-8 nor GB18030"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    assert any(line.startswith(expected) for line in errors(write_city(tmp_path, stations=content)))


def test_a_folder_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    assert errors(tmp_path / "nowhere") == [f"{tmp_path / 'nowhere'}: is not a folder"]


def test_a_misspelt_file_is_noticed(tmp_path: Path) -> None:
    folder = write_city(tmp_path, officers=None, teams="id,name,lead\nt1,一中队,\n")
    (folder / "officer.csv").write_text("")
    warnings = [str(w) for w in read(folder)[1].warnings]
    assert warnings == ["officer.csv: is not a file of the registry, did you mean 'officers.csv'?"]


def test_grids_that_share_ground_are_warned_about_but_neighbours_are_not(tmp_path: Path) -> None:
    def grid(name: str, west: float, east: float) -> str:
        ring = [[west, 30.0], [east, 30.0], [east, 31.0], [west, 31.0]]
        properties = f'{{"id": "{name}", "name": "{name}", "team": "t1"}}'
        geometry = f'{{"type": "Polygon", "coordinates": [{ring}]}}'
        return f'{{"type": "Feature", "properties": {properties}, "geometry": {geometry}}}'

    features = [grid("a", 114.0, 114.5), grid("b", 114.5, 115.0), grid("c", 114.7, 115.0)]
    grids = f'{{"type": "FeatureCollection", "features": [{", ".join(features)}]}}'
    files, found = read(write_city(tmp_path, grids=grids))
    assert found.errors == []
    assert [str(w) for w in found.warnings] == [
        "grids.geojson, item 3: c overlaps b: a place in both belongs to the first by id"
    ]
    ring = files.grids[0].value.area.polygons[0][0]
    assert ring[0] == ring[-1], "an open ring is closed"


def test_a_station_outside_every_grid_is_warned_about(tmp_path: Path) -> None:
    _, found = read(write_city(tmp_path, stations=edited("stations.csv", "30.501,114.301", "32.501,114.301")))
    assert [str(w) for w in found.warnings] == [
        "stations.csv, row 2: lies in no grid: its tasks go to the centre at once"
    ]


def test_a_credential_without_any_secrets_is_only_a_warning(tmp_path: Path) -> None:
    _, found = read(write_city(tmp_path, secrets=None))
    assert found.errors == []
    assert [w.column for w in found.warnings] == ["credential", "contact_channel"]


def test_secrets_that_others_may_read_are_warned_about(tmp_path: Path) -> None:
    folder = write_city(tmp_path)
    (folder / "secrets.toml").chmod(0o644)
    _, found = read(folder)
    assert [str(w) for w in found.warnings] == [
        "secrets.toml: is readable by other users of this machine: chmod 600 secrets.toml"
    ]


@pytest.mark.parametrize(
    ("policy", "counted"),
    [
        ("", "data_fault"),
        ('[[task.handling]]\nkind = "smoke"\namount = 8\nunit = "working_hours"', "smoke"),
        ('[[task.handling]]\nkind = "smoke"\namount = 48\nunit = "hours"', ""),
        ("[calendar]\nholidays = [2026-10-01]", ""),
    ],
)
def test_working_days_without_a_single_holiday_are_warned_about(
    tmp_path: Path, policy: str, counted: str
) -> None:
    _, found = read(write_city(tmp_path, policy=policy))
    expected = f"policy.toml: [calendar] holidays is empty: limits in working time ({counted}) count public holidays as worked"
    assert (found.errors, [str(w) for w in found.warnings]) == ([], [expected] if counted else [])
