"""Codes as devices send them, in the words of the standard."""

import csv
from pathlib import Path

import pytest

from farwatch.domain.pollutants import BY_CODE, CODE_OF_2005, Medium, about, canonical

SHARED = Path(__file__).parents[4] / "shared" / "pollutants.csv"


@pytest.mark.parametrize(
    ("code", "canonical_code", "zh", "unit", "role"),
    [
        ("a21026", "a21026", "二氧化硫", "mg/m3", ""),
        ("011", "w01018", "化学需氧量", "mg/L", ""),
        ("S01", "a19001", "氧气含量", "%", "o2"),
        ("B01", "w00000", "污水流量", "L/s", "flow"),
        ("B02", "a00000", "废气流量", "m3/s", "flow"),
        ("S03", "a01012", "烟气温度", "Cel", "temperature"),
        ("S05", "a01014", "烟气湿度", "%", "humidity"),
        ("S02", "a01011", "烟气流速", "m/s", "velocity"),
        ("e10103", "e10103", "进水口流量 03", "L/s", ""),
        ("Leq_day", "Leq_day", "昼间等效声级", "dB(A)", ""),
        ("w01018_Cou", "w01018_Cou", "化学需氧量（排放量）", "kg", ""),
        ("B01_Cou", "w00000_Cou", "污水流量（排放量）", "m3", ""),
        ("SB2", "SB2", "设备2", "state", ""),
    ],
)
def test_a_code_is_known_by_its_canonical_code_names_unit_and_role(
    code: str, canonical_code: str, zh: str, unit: str, role: str
) -> None:
    known = about(code)
    assert known is not None
    assert (known.code, known.zh, known.unit, known.role) == (canonical_code, zh, unit, role)


@pytest.mark.parametrize("code", ["", "a99054", "lng", "e99901", "_Cou", "_Cou_Cou", "x_day"])
def test_an_unknown_code_stays_itself(code: str) -> None:
    assert about(code) is None
    assert canonical(code) == code


def test_no_code_of_2005_stands_for_two_and_none_hides_one_of_2017() -> None:
    assert len(CODE_OF_2005) == len(set(CODE_OF_2005.values()))
    assert not CODE_OF_2005.keys() & BY_CODE.keys()
    assert set(CODE_OF_2005.values()) <= BY_CODE.keys()


@pytest.mark.skipif(not SHARED.exists(), reason="the reference table is not beside this checkout")
def test_every_row_of_the_reference_table_is_there() -> None:
    with SHARED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    mine = {(p.code, p.unit, p.en) for p in BY_CODE.values()}
    assert {(r["code"], r["unit"], r["en"]) for r in rows} == mine
    assert {r["code_2005"] for r in rows if r["code_2005"]} == CODE_OF_2005.keys()


def test_every_medium_has_codes() -> None:
    assert {p.medium for p in BY_CODE.values()} == set(Medium)
