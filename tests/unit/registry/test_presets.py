"""Presets: what is shipped is whole and marked, and numbers are told in the channel's own unit."""

import json
import subprocess
import sys

import pytest

from farwatch.domain.pollutants import about
from farwatch.domain.reading import ReadingKind
from farwatch.domain.schedule import overlap
from server.cli import main
from server.registry.presets import Preset, UnitError, catalogue, limits_for, listed

ALL = list(catalogue().values())


@pytest.mark.parametrize("preset", ALL, ids=lambda p: p.id)
def test_every_shipped_preset_is_whole(preset: Preset) -> None:
    assert preset.limits
    for limit in preset.limits:
        assert about(limit.code) is not None
        assert limit.source.startswith(preset.standard)
        assert limit.kind is not ReadingKind.DAY or not limit.schedule
        assert not limit.converted or preset.o2_reference_percent is not None
        told = limits_for(preset, limit.code, limit.unit)
        assert limit in told
        keys = [(x.kind, x.schedule) for x in told]
        assert len(set(keys)) == len(keys), "one number for each kind and schedule"
        scheduled = [x.schedule for x in told if x.schedule]
        assert not any(overlap(a, b) for a in scheduled for b in scheduled if a != b)


def test_no_number_claims_to_have_been_compared_with_its_standard() -> None:
    """Until somebody holds the standard's text in his hands: then this test says which numbers he looked at."""
    assert [x.source for preset in ALL for x in preset.limits if x.is_compared] == []


NUMBERS = [
    ("GB13223-2011/coal-new", "a21026", "hour", 100.0),
    ("GB13223-2011/coal-special", "a34013", "hour", 20.0),
    ("HuanFa-2015-164/coal-ultra-low", "a21002", "hour", 50.0),
    ("GB13271-2014/2-gas", "a21002", "hour", 200.0),
    ("GB18485-2014/incinerator", "a21024", "day", 50.0),
    ("GB8978-1996/1", "w01018", "day", 100.0),
    ("GB18918-2002/1A", "w21003", "day", 5.0),
    ("GB12348-2008/3", "Leq", "hour", 65.0),
    ("GB18483-2001/fume", "a34041", "hour", 2.0),
]


@pytest.mark.parametrize(("preset", "code", "kind", "expected"), NUMBERS)
def test_numbers_as_the_reference_notes_have_them(preset: str, code: str, kind: str, expected: float) -> None:
    first = next(x for x in catalogue()[preset].limits if (x.code, x.kind) == (code, kind))
    assert first.limit == expected


UNITS = [
    ("a21026", "mg/m³", 100.0),
    ("a21026", "mg/Nm3", 100.0),
    ("a21026", "µg/m3", 100_000.0),
    ("02", "mg/m3", 100.0),
]


@pytest.mark.parametrize(("code", "unit", "expected"), UNITS)
def test_a_number_is_told_in_the_channels_unit_and_for_codes_of_2005(
    code: str, unit: str, expected: float
) -> None:
    (limit,) = limits_for(catalogue()["GB13223-2011/coal-new"], code, unit)
    assert limit.limit == expected


def test_a_unit_that_cannot_be_told_is_refused() -> None:
    with pytest.raises(UnitError, match="'ppm', but the preset's limit for a21026 is in 'mg/m3'"):
        limits_for(catalogue()["GB13223-2011/coal-new"], "a21026", "ppm")


def test_the_list_marks_every_number_that_nobody_compared() -> None:
    lines = listed([catalogue()["GB13223-2011/gas-boiler"]])
    assert lines[0].startswith("GB13223-2011/gas-boiler  GB 13223-2011 火电厂 天然气锅炉")
    assert lines[0].endswith("O2 3 %")
    assert [line.split()[-2:] for line in lines[1:]] == [
        ["knowledge)", "烟尘（颗粒物）"],
        ["(secondary)", "二氧化硫"],
        ["(secondary)", "氮氧化物"],
    ]


def test_the_command_needs_neither_folder_nor_database(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FARWATCH_DATABASE_URL", raising=False)
    assert main(["registry", "presets", "--json"]) == 0
    found = {p["id"]: p for p in json.loads(capsys.readouterr().out)}
    assert found.keys() == catalogue().keys()
    assert found["GB12523-2011/site"]["limits"][0]["unverified"] is True
    assert main(["registry", "presets"]) == 0
    assert "GB18918-2002/1A" in capsys.readouterr().out
    piped = subprocess.Popen(
        [sys.executable, "-m", "server.cli", "registry", "presets"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert piped.stdout
    assert piped.stderr
    piped.stdout.close()
    assert (piped.stderr.read(), piped.wait(20)) == (b"", 0)
    piped.stderr.close()
    with pytest.raises(SystemExit, match="2"):
        main(["registry", "check"])
    assert "required: DIR" in capsys.readouterr().err
