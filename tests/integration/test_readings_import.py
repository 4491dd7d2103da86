"""`farwatch readings import` into a real database: late rows, reviews to be made, and nothing twice."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from farwatch.storage.database import Pool
from server import readings_import
from server.commands import CommandError
from server.settings import Settings
from tests.support.city import settle

HEADER = "mn,code,kind,ts,value,converted,flag,amount\n"


def hours(count: int, code: str = "a21026", first: int = 0) -> list[str]:
    # Whole hours some days ago: the window of times that are taken moves with the wall clock.
    start = (datetime.now(UTC) - timedelta(days=9)).replace(minute=0, second=0, microsecond=0)  # noqa: TID251
    return [
        f"MN1,{code},hour,{(start + timedelta(hours=n)).isoformat()},{n}.5,,N,2"
        for n in range(first, first + count)
    ]


class House:
    def __init__(self, database_url: str, folder: Path) -> None:
        self._settings = Settings(database_url=database_url)
        self._file = folder / "past.csv"

    async def take(self, rows: list[str], header: str = HEADER) -> int:
        self._file.write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
        return await readings_import.run(self._settings, self._file)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> House:
    await settle(database_url, stations=1)
    return House(database_url, tmp_path)


async def rows(pool: Pool, sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await pool.fetch(sql)]


async def test_rows_become_late_readings_and_mark_their_hours_for_review(
    house: House, pool: Pool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await house.take(hours(30)) == 0
    assert capsys.readouterr().out == "30 rows: 30 new, 0 replaced others, 0 were known, 0 bad\n"
    stored = await rows(
        pool, "SELECT DISTINCT late, revision, flag, amount, count(*) AS n FROM readings GROUP BY 1, 2, 3, 4"
    )
    assert stored == [{"late": True, "revision": 0, "flag": "N", "amount": 2.0, "n": 30}]
    due = await rows(pool, "SELECT mn, kind, count(*) AS n FROM review_due GROUP BY 1, 2")
    assert due == [{"mn": "MN1", "kind": "hour", "n": 30}]


async def test_the_same_file_again_changes_nothing_and_asks_for_no_review(
    house: House, pool: Pool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings_import, "BATCH_ROWS", 7)
    await house.take(hours(20) + hours(5))
    await pool.execute("DELETE FROM review_due")
    capsys.readouterr()
    assert await house.take(hours(20)) == 0
    assert capsys.readouterr().out == "20 rows: 0 new, 0 replaced others, 20 were known, 0 bad\n"
    assert await pool.fetchval("SELECT count(*) FROM readings") == 20
    assert await pool.fetchval("SELECT count(*) FROM reading_revisions") == 0
    assert await pool.fetchval("SELECT count(*) FROM review_due") == 0


async def test_another_content_is_a_revision_and_asks_for_a_review(
    house: House, pool: Pool, capsys: pytest.CaptureFixture[str]
) -> None:
    await house.take(hours(3))
    await pool.execute("DELETE FROM review_due")
    capsys.readouterr()
    changed = hours(3)
    changed[1] = changed[1].replace(",N,", ",M,")
    assert await house.take(changed) == 0
    assert "0 new, 1 replaced others, 2 were known, 0 bad" in capsys.readouterr().out
    assert await pool.fetchval("SELECT count(*) FROM reading_revisions") == 1
    assert await pool.fetchval("SELECT count(*) FROM review_due") > 0


async def test_bad_rows_are_listed_with_their_line_and_the_others_are_taken(
    house: House, pool: Pool, capsys: pytest.CaptureFixture[str]
) -> None:
    good = hours(3)
    assert await house.take([good[0], good[1].replace("MN1", "MN9"), good[2].replace("hour", "week")]) == 1
    said = capsys.readouterr()
    assert said.err == (
        "past.csv:3: station 'MN9' is not in the registry\n"
        "past.csv:4: kind 'week' is not one of rtd, min, hour, day\n"
    )
    assert said.out == "3 rows: 1 new, 0 replaced others, 0 were known, 2 bad\n"
    assert await pool.fetchval("SELECT count(*) FROM readings") == 1


async def test_a_code_that_nobody_registered_is_heard_up_to_a_number(house: House, pool: Pool) -> None:
    await house.take(hours(2, "w01018"))
    channel = await pool.fetchrow("SELECT unit, registered FROM channels WHERE code = 'w01018'")
    assert dict(channel) == {"unit": "mg/L", "registered": False}
    with pytest.raises(CommandError, match="would have 401 codes"):
        await house.take([row for n in range(400) for row in hours(1, f"x{n}")])


async def test_a_file_that_is_no_table_of_readings_is_one_line(house: House, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"past\.csv: the first line must name the columns"):
        await house.take(hours(1), header="")
    with pytest.raises(CommandError, match="No such file"):
        await readings_import.run(house._settings, tmp_path / "nowhere.csv")


@pytest.mark.process
async def test_the_command_itself_says_what_it_did_and_ends_with_the_right_code(
    house: House, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "past.csv").write_text(HEADER + "\n".join([*hours(2), "MN1,a,hour,never,1,,,"]))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server.cli", "readings", "import", str(tmp_path / "past.csv"),
        env=os.environ | {"FARWATCH_DATABASE_URL": database_url}, stdout=PIPE, stderr=PIPE,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert out.decode() == "3 rows: 2 new, 0 replaced others, 0 were known, 1 bad\n"
    assert err.decode() == "past.csv:4: ts 'never' is not a time (2026-11-22T10:00:00+08:00)\n"


async def test_two_imports_of_the_same_rows_at_once_write_each_row_once(
    house: House, pool: Pool, tmp_path: Path
) -> None:
    other = House(house._settings.database_url, tmp_path / "other")
    (tmp_path / "other").mkdir()
    codes = await asyncio.gather(house.take(hours(100)), other.take(list(reversed(hours(100)))))
    assert codes == [0, 0]
    assert await pool.fetchval("SELECT count(*) FROM readings") == 100
    assert await pool.fetchval("SELECT count(*) FROM reading_revisions") == 0
