"""Stations of data loggers and channels with schedules, lower bounds, ranges and presets, as a bureau's files say them."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farwatch.domain.policy import SHIPPED
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Channel, CrcPolicy, Enterprise, Limit, Registry
from server.registry.checks import check_files
from server.registry.difference import Stored, difference
from server.registry.files import CityFiles, read_files
from server.registry.problems import Findings
from server.registry.secret_file import Secrets
from tests.unit.registry.sample import write_city

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
STATIONS = (
    "mn,enterprise,name,lat,lon,medium,drill,crc,credential,source,minute_interval_min,o2_reference_percent\n"
)
CHANNELS = (
    "mn,code,unit,limit,limit_kind,converted,warn_share,valid_from,range_low,range_high,role,lower,schedule,source,"
    "unverified,preset\n"
)
AIR, WATER = "88888880000001", "88888880000002"
TWO_STATIONS = f"{STATIONS}{AIR},e1,机头,30.5,114.3,air,,,,,,\n{WATER},e2,总排口,30.6,114.4,water,,,,,,\n"


def read(
    folder: Path, channels: str = "", stations: str = TWO_STATIONS, **others: str
) -> tuple[CityFiles, Findings]:
    files, found = read_files(write_city(folder, stations=stations, channels=CHANNELS + channels, **others))
    check_files(files, Secrets(), found)
    return files, found


def limits(files: CityFiles) -> list[tuple[str, str, str, float | None, float | None]]:
    return sorted(
        (x.code, x.kind.value, x.schedule, x.lower, x.limit) for x in (entry.value for entry in files.limits)
    )


def test_a_station_says_how_its_logger_is_believed(tmp_path: Path) -> None:
    row = f"{AIR},e1,机头,30.5,114.3,air,0,Accept_Modbus,plant,10.1.2.0/24,１０,6\n"
    files, found = read(tmp_path, stations=STATIONS + row)
    station = files.stations[0].value
    assert (station.crc, station.credential, station.source) == (
        CrcPolicy.ACCEPT_MODBUS,
        "plant",
        "10.1.2.0/24",
    )
    assert (station.minute_interval_min, station.o2_reference_percent) == (10, 6.0)
    assert [str(e) for e in found.errors] == [
        "stations.csv, row 2, column credential: secrets.toml has no [stations.plant]"
    ]


def test_files_from_before_these_columns_say_the_same_as_ever(tmp_path: Path) -> None:
    files, found = read_files(write_city(tmp_path))
    assert found.errors == []
    assert {(s.value.crc, s.value.source, s.value.minute_interval_min) for s in files.stations} == {
        (CrcPolicy.STRICT, "", None)
    }
    assert {(x.value.lower, x.value.schedule, x.value.unverified) for x in files.limits} == {
        (None, "", False)
    }
    assert [c.value.code for c in files.channels] == ["a21026", "a01011", "w01018"]


def test_day_and_night_are_limits_of_their_own(tmp_path: Path) -> None:
    files, found = read(
        tmp_path,
        f"{AIR},Leq,dB(A),60,hour,,,,,,,,6:00-22:00,GB 12348,,\n{AIR},Leq,dB(A),50,hour,,,,,,,,22:00—06:00,,,\n",
    )
    assert (found.errors, found.warnings) == ([], [])
    assert limits(files) == [
        ("Leq", "hour", "06:00-22:00", None, 60.0),
        ("Leq", "hour", "22:00-06:00", None, 50.0),
    ]


def test_a_range_and_a_role_may_stand_in_any_row_of_the_channel(tmp_path: Path) -> None:
    files, found = read(
        tmp_path, f"{WATER},w01001,pH,9,hour,,,,,,,6,,,,\n{WATER},w01001,pH,,day,,,,0,14,Load,,,,,\n"
    )
    assert found.errors == []
    assert files.channels[0].value == Channel(
        mn=WATER, code="w01001", unit="pH", range_low=0, range_high=14, role="load"
    )


MISTAKES = [
    ("stations", "air,,crc32,,,,", "column crc: must be 'strict', 'accept-modbus' or 'ignore'"),
    ("stations", "air,,,,10.1.2,,", "column source: '10.1.2' is neither an IP address nor a network"),
    ("stations", "air,,,,fe80::1%eth0,,", "column source: 'fe80::1%eth0' is neither"),
    ("stations", "air,,,,10.1.2.3/24,,", "column source: '10.1.2.3/24' is neither"),
    ("stations", "air,,,,,2.5,", "column minute_interval_min: 2.5 is not a whole number of minutes"),
    ("stations", "air,,,,,90,", "column minute_interval_min: 90 is not"),
    ("stations", "air,,,,,,21", "column o2_reference_percent: 21 is not from 0 to below 21 %"),
    ("channels", "w01001,pH,9,hour,,,,,,,9,,,,", "column lower: 9 is not below the limit, 9"),
    ("channels", "w01001,pH,,,,,,,,,6,,,,", "column limit_kind: must say which readings"),
    ("channels", "w01001,pH,9,day,,,,,,,,06:00-22:00,,,", "column schedule: a day has no part of the day"),
    ("channels", "w01001,pH,9,hour,,,,,,,,always,,,", "column schedule: 'always' is not HH:MM-HH:MM or empty"),
    ("channels", "w01001,pH,9,hour,,,,,,,,06:00-06:00,,,", "column schedule: '06:00-06:00' begins when it ends"),
    ("channels", "w01001,pH,9,hour,,,,14,0,,,,,,", "column range_high: 0 is not above range_low, 14"),
    ("channels", "w01001,pH,9,hour,,,,,,boss,,,,,", "column role: must be 'o2'"),
    ("channels", "w01001,pH,9,hour,,,,,,,,,,maybe,", "column unverified: 'maybe' is neither 1 nor 0"),
    ("channels", "w01018,mg/L,,,,,,,,,,,,,GB18918-2002/1C", "column preset: unknown preset 'GB18918-2002/1C', did you mean"),
    ("channels", "a21026,mg/m3,,,,,,,,,,,,,GB18918-2002/1A", "column preset: GB18918-2002/1A has no limit for a21026"),
    ("channels", "w01018,ppm,,,,,,,,,,,,,GB18918-2002/1A", "column unit: 'ppm', but the preset's limit for w01018 is in 'mg/L'"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "row", "expected"), MISTAKES, ids=[m[2][:40] for m in MISTAKES])
def test_mistakes_are_named_with_their_column(tmp_path: Path, file: str, row: str, expected: str) -> None:
    station = f"{STATIONS}{AIR},e1,机头,30.5,114.3,{row}\n"
    _, found = read(tmp_path, stations=station) if file == "stations" else read(tmp_path, f"{AIR},{row}\n")
    said = [str(error) for error in found.errors]
    assert len(said) == 1
    assert said[0].startswith(f"{file}.csv, row 2, {expected}"), said


def test_rows_that_contradict_each_other_are_an_error_or_a_warning(tmp_path: Path) -> None:
    _, found = read(
        tmp_path,
        f"{AIR},Leq,dB(A),60,hour,,,,0,130,,,06:00-22:00,,,\n{AIR},Leq,dB(A),50,hour,,,,0,120,,,21:00-06:00,,,\n",
    )
    assert [str(e) for e in found.errors] == [
        "channels.csv, row 3, column range_high: 120.0, but 130.0 in row 2: a channel has one range_high"
    ]
    assert [str(w) for w in found.warnings] == [
        "channels.csv, row 3, column schedule: 21:00-06:00 overlaps 06:00-22:00 of row 2: what came into force last counts there"
    ]


def test_a_limit_that_is_never_judged_is_warned_about(tmp_path: Path) -> None:
    _, found = read(tmp_path, f"{AIR},LA,dB(A),60,rtd,,,,,,,,,,,\n{AIR},Leq,dB(A),60,rtd,,,,,,,,,,,\n")
    assert [(w.row, w.column, w.message.partition(":")[0]) for w in found.warnings] == [
        (2, "limit", "a momentary sound level is never judged")
    ]


def test_a_preset_gives_every_kind_and_schedule_with_source_and_reference_oxygen(tmp_path: Path) -> None:
    files, found = read(
        tmp_path,
        f"{AIR},a34013,mg/m³,,,,0.8,2026-01-01,,,,,,,,GB18485-2014/incinerator\n{AIR},Leq,dB(A),,,,,,,,,,,,,GB12348-2008/2\n",
    )
    assert found.errors == []
    assert limits(files) == [
        ("Leq", "hour", "06:00-22:00", None, 60.0),
        ("Leq", "hour", "22:00-06:00", None, 50.0),
        ("a34013", "day", "", None, 20.0),
        ("a34013", "hour", "", None, 30.0),
    ]
    hour = next(
        x.value for x in files.limits if x.value.code == "a34013" and x.value.kind is ReadingKind.HOUR
    )
    assert (hour.converted, hour.warn_share, hour.source) == (True, 0.8, "GB 18485-2014 生活垃圾焚烧炉")
    assert hour.valid_from == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert files.stations[0].value.o2_reference_percent == 11


OWN = [
    ("25,hour,1,,,,,,,,许可证,,GB18485-2014/incinerator", [("day", 20.0, True), ("hour", 25.0, False)]),
    (",hour,,,,,,,,,,,GB18485-2014/incinerator", [("hour", 30.0, True)]),
    (",,,,,,,,,,,0,GB18485-2014/incinerator", [("day", 20.0, False), ("hour", 30.0, False)]),
]


@pytest.mark.parametrize(("cells", "expected"), OWN, ids=["own limit", "one kind", "confirmed"])
def test_what_a_row_says_itself_goes_before_its_preset(
    tmp_path: Path, cells: str, expected: list[tuple[str, float, bool]]
) -> None:
    files, _ = read(tmp_path, f"{AIR},a34013,mg/m3,{cells}\n")
    assert sorted((x.value.kind.value, x.value.limit, x.value.unverified) for x in files.limits) == expected


def test_an_own_row_goes_before_another_rows_preset_from_the_same_day(tmp_path: Path) -> None:
    files, found = read(
        tmp_path,
        f"{WATER},w01018,mg/L,,,,,,,,,,,,,GB18918-2002/1A\n{WATER},w01018,mg/L,40,day,,,,,,,,,许可证,,\n",
    )
    assert found.errors == []
    assert [(x.value.limit, x.value.source) for x in files.limits] == [(40.0, "许可证")]


def test_a_preset_nobody_compared_with_its_standard_is_warned_about_once(tmp_path: Path) -> None:
    rows = "".join(f"{WATER},{code},mg/L,,,,,,,,,,,,,GB18918-2002/1A\n" for code in ("w01018", "w21003"))
    _, found = read(tmp_path, rows)
    (warning,) = found.warnings
    assert (warning.file, warning.row, warning.column) == ("channels.csv", 2, "preset")
    assert warning.message.startswith("nobody compared GB18918-2002/1A with the standard's text (2 rows)")
    _, found = read(tmp_path, rows.replace(",,GB18918", ",0,GB18918"))
    assert found.warnings == []


def test_presets_that_disagree_about_oxygen_ask_which_counts(tmp_path: Path) -> None:
    rows = f"{AIR},a21026,mg/m3,,,,,,,,,,,,0,GB13223-2011/coal-new\n{AIR},a21002,mg/m3,,,,,,,,,,,,0,GB13271-2014/2-gas\n"
    _, found = read(tmp_path, rows)
    assert [str(e) for e in found.errors] == [
        "stations.csv, row 2, column o2_reference_percent: its presets have 3.5 and 6: say which counts"
    ]
    _, found = read(tmp_path, rows, stations=TWO_STATIONS.replace("air,,,,,,", "air,,,,,,6"))
    assert [str(w) for w in (*found.errors, *found.warnings)] == [
        "stations.csv, row 2, column o2_reference_percent: 6, but a preset of this station has 3.5"
    ]


cells = st.sampled_from(
    ["", "0", "1", "-3", "1e999", "nan", "８", "６：００－２２：００", "22:00-06:00", "25:99-1:1", "hour", "day", "Leq", "a21026",
     "GB12348-2008/2", "GB13223-2011/coal-new", "'=1+1", "=1+1", "10.0.0.0/8", "::1", "fe80::1%eth0", "mg/m3", "o2"]
) | st.text(max_size=8)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(cells, min_size=11, max_size=11), st.lists(cells, min_size=15, max_size=15))
def test_whatever_stands_in_the_cells_is_read_or_said_to_be_wrong(
    station: list[str], channel: list[str]
) -> None:
    def line(*row: str) -> str:
        return ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n"

    with tempfile.TemporaryDirectory() as name:
        files, found = read_files(
            write_city(
                Path(name),
                stations=TWO_STATIONS + line("S3", *station),
                channels=CHANNELS + line(AIR, *channel),
            )
        )
    check_files(files, Secrets(), found)
    held = Stored(active=Registry(), periods={}, policy=SHIPPED)
    if not found.errors:
        assert difference(held, files, prune=True, now=NOW).errors == []


def a_limit(**changes: object) -> Limit:
    fields: dict[str, object] = {
        "mn": AIR, "code": "Leq", "unit": "dB(A)", "kind": ReadingKind.HOUR, "limit": 60.0, "schedule": "06:00-22:00",
        "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    return Limit(**(fields | changes))  # type: ignore[arg-type]


def stored(files: CityFiles, *held: Limit, registered: bool = True) -> Stored:
    """The two stations and one channel as the database would hold them."""
    channel = Channel(mn=AIR, code="Leq", unit="dB(A)", registered=registered)
    city = Registry(
        enterprises={e.value.id: e.value for e in files.enterprises},
        stations={s.value.mn: s.value for s in files.stations},
        channels={(AIR, "Leq"): channel},
        limits={(AIR, "Leq"): held} if held else {},
    )
    assert all(isinstance(e, Enterprise) for e in city.enterprises.values())
    return Stored(active=city, periods=city.limits, policy=SHIPPED)


def changed(files: CityFiles, held: Stored, *, prune: bool) -> list[str]:
    found = difference(held, files, prune=prune, now=NOW)
    return [line for line in (*found.lines, *found.notes) if line.startswith("channels.csv")]


def test_each_schedule_has_a_history_of_its_own(tmp_path: Path) -> None:
    night = f"{AIR},Leq,dB(A),50,hour,,,2020-01-01T00:00Z,,,,,22:00-06:00,,,\n"
    files, _ = read(tmp_path, f"{AIR},Leq,dB(A),55,hour,,,2026-12-01,,,,,06:00-22:00,,,\n{night}")
    held = stored(files, a_limit(), a_limit(schedule="22:00-06:00", limit=50.0))
    assert changed(files, held, prune=True) == [
        f"channels.csv: {AIR} Leq hour 06:00-22:00 limit: 60 → 55 from 2026-12-01"
    ]
    files, _ = read(tmp_path, night)
    kept, ended = (changed(files, held, prune=prune) for prune in (False, True))
    assert kept == [
        f"channels.csv: {AIR} Leq hour 06:00-22:00 not in the file, its limit stays (--prune ends it)"
    ]
    assert ended == [
        f"channels.csv: {AIR} Leq hour 06:00-22:00 limit: 60 → none from 2026-11-22T16:00:00+08:00"
    ]


def test_a_heard_channel_is_neither_missed_nor_pruned_and_becomes_registered_by_its_name(
    tmp_path: Path,
) -> None:
    files, _ = read(tmp_path)
    assert changed(files, stored(files, registered=False), prune=True) == []
    files, _ = read(tmp_path, f"{AIR},Leq,dB(A),,,,,,,,,,,,,\n")
    assert changed(files, stored(files, registered=False), prune=True)[0] == (
        f"channels.csv: {AIR} Leq registered; it was only heard so far"
    )


@pytest.mark.parametrize("column", ["lower", "source", "unverified"])
def test_another_lower_bound_or_source_is_another_limit(tmp_path: Path, column: str) -> None:
    files, _ = read(tmp_path, f"{AIR},Leq,dB(A),60,hour,,,,,,,,06:00-22:00,,,\n")
    before = {"lower": 1.0, "source": "GB 12348", "unverified": True}[column]
    (line,) = changed(files, stored(files, a_limit(**{column: before})), prune=False)
    assert line.endswith("60 from 2026-11-22T16:00:00+08:00")
