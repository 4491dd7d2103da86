"""Reports over HTTP: the same figures as JSON, CSV, XLSX and PDF, for the right roles, two at once."""

import csv
import io
import random
import re
import zipfile
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from alerting.reports import fonts, pdf
from alerting.reports.cells import shown
from alerting.reports.periods import ReportKind
from alerting.reports.tables import Sort
from alerting.reports.words import WORDS, word
from farwatch.domain.review import CITY
from farwatch.storage import report_rows
from server.web import reports
from tests.support.cases import some_cases, write
from tests.support.web_house import House

KINDS = ("daily", "weekly", "monthly")
NUMBERS = (Sort.COUNT, Sort.SHARE, Sort.SECONDS)
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


async def a_past(house: House) -> None:
    """Yesterday and last week: answered, late, open, a false alarm, a drill, an enterprise whose name looks like a formula."""
    await house.pool.execute("UPDATE enterprises SET name = '=1+1 <b>东方</b> & 钢铁' WHERE id = 'e1'")
    for days in (1, 1, 6, 8, 20, 40):
        at = house.clock.now() - timedelta(days=days)
        task = await house.task(
            state="closed", opened_at=at, dispatched_at=at + timedelta(seconds=2), accepted_at=at + timedelta(seconds=90),
            arrived_at=at + timedelta(seconds=500), handled_at=at + timedelta(minutes=20), verified_at=at + timedelta(minutes=30),
            closed_at=at + timedelta(minutes=31), outcome="handled",
        )  # fmt: skip
        await house.matter(task, found_at=at)
        await house.pool.execute(
            "INSERT INTO deadlines (task_id, kind, due_at, state) VALUES ($1, 'handle', $2, 'met')",
            task,
            at + timedelta(hours=1),
        )
    at = house.clock.now() - timedelta(days=1, minutes=5)
    for changes in ({"drill_id": "d1"}, {"outcome": "false_alarm", "handled_at": at, "verified_at": at}, {}):
        await house.matter(await house.task(state="open", opened_at=at, **changes), found_at=at)


async def asked(house: House, kind: str, who: str = "bo", **query: str) -> Any:
    async with house.client(who) as client:
        return await client.get(f"/api/v1/reports/{kind}", params=query)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_format_has_the_same_figures(house: House, kind: str) -> None:
    await a_past(house)
    body = (await asked(house, kind)).json()
    tables = {t["key"]: t for t in body["tables"]}
    assert body["drills"] == (1 if kind == "daily" else body["drills"])
    assert any(n for _, n in tables["counts"]["rows"]), "there is something to compare"
    assert _csv_numbers((await asked(house, kind, format="csv")).content) == {
        word(f"report.table.{key}"): _numbers(t) for key, t in tables.items()
    }
    assert _xlsx_numbers((await asked(house, kind, format="xlsx")).content) == {
        word(f"report.table.{key}")[:31]: _numbers(t) for key, t in tables.items()
    }


def _numbers(table: dict[str, Any]) -> list[list[float]]:
    """A row's numbers, shares and times as they are in a file: text by text compared elsewhere."""
    places = [i for i, c in enumerate(table["columns"]) if c["sort"] in NUMBERS]
    return [[round(row[i], 6) for i in places if row[i] is not None] for row in table["rows"]]


def _csv_numbers(content: bytes) -> dict[str, list[list[float]]]:
    assert content.startswith(b"\xef\xbb\xbf")
    found: dict[str, list[list[float]]] = {}
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    names = {word(k) for k in _table_keys()}
    here: list[list[float]] | None = None
    header: list[str] = []
    for i, row in enumerate(rows):
        if len(row) == 1 and row[0] in names and not rows[i - 1]:
            here, header = found.setdefault(row[0], []), []
        elif here is not None and row and not header:
            header = row
        elif here is not None and row:
            here.append([round(float(c), 6) for c in row if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", c)])
    return found


def _table_keys() -> list[str]:
    return [k for k in WORDS if k.startswith("report.table.")]


def _xlsx_numbers(content: bytes) -> dict[str, list[list[float]]]:
    """Sheets by name, their cells that hold numbers; times of day are days in a workbook."""
    book = zipfile.ZipFile(io.BytesIO(content))
    assert not any("externalLink" in n or "vbaProject" in n for n in book.namelist())
    names = [s.attrib["name"] for s in ET.fromstring(book.read("xl/workbook.xml")).iter(f"{SHEET}sheet")]
    styles = ET.fromstring(book.read("xl/styles.xml"))
    formats = {int(f.attrib["numFmtId"]): f.attrib["formatCode"] for f in styles.iter(f"{SHEET}numFmt")}
    xfs = list(next(styles.iter(f"{SHEET}cellXfs")))
    codes = [formats.get(int(x.attrib["numFmtId"]), "") for x in xfs]
    found: dict[str, list[list[float]]] = {}
    for place, name in enumerate(names, 1):
        text = book.read(f"xl/worksheets/sheet{place}.xml").decode()
        assert "<f>" not in text, "no cell is a formula"
        rows: list[list[float]] = []
        for row in list(ET.fromstring(text).iter(f"{SHEET}row"))[1:]:
            cells = [c for c in row if c.find(f"{SHEET}v") is not None]
            if all(c.attrib.get("t") == "s" for c in cells) and cells and len(cells) == 1:
                continue  # a sentence under the table
            rows.append(
                [_value(c, codes) for c in cells if c.attrib.get("t") != "s" and _is_number(c, codes)]
            )
        found[name] = rows
    return {n: r for n, r in found.items() if n not in (word("report.title"), word("report.formulas"))}


def _is_number(cell: ET.Element, codes: list[str]) -> bool:
    return "yyyy" not in codes[int(cell.attrib.get("s", 0))]


def _value(cell: ET.Element, codes: list[str]) -> float:
    value = float(cell.findtext(f"{SHEET}v") or "nan")
    return round(value * 86400 if codes[int(cell.attrib.get("s", 0))] == "[m]:ss" else value, 6)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_wall_says_what_the_report_of_its_day_says(house: House, seed: int) -> None:
    await house.pool.execute(
        "INSERT INTO teams (id, name) VALUES ('t2', '二队');"
        " INSERT INTO enterprises (id, name, lat, lon) VALUES ('e2', '西方', 39, 116);"
        " INSERT INTO grids (id, name, team, geometry) VALUES ('g2', '二网格', 't2', '{\"coordinates\": []}');"
        " UPDATE grids SET street = 's1' WHERE id = 'g1'"
    )
    midnight = house.clock.now().astimezone(CITY).replace(hour=0, minute=0, second=0, microsecond=0)
    house.clock.at = midnight + timedelta(hours=15)
    await write(house.pool, list(some_cases(random.Random(seed), 200, midnight, 2)))
    async with house.client("bo") as client:
        wall = (await client.get("/api/v1/figures/today")).json()
    day = (await asked(house, "daily", date=midnight.date().isoformat())).json()
    table = {t["key"]: {row[0]: row[1:] for row in t["rows"]} for t in day["tables"]}
    counts, rates, (_, p50_s, p90_s) = table["counts"], table["rates"], table["times"]["report.time.answer"]
    shown = {
        "opened": counts["report.count.opened"][0],
        "open": counts["report.count.open_at_end"][0],
        "closed": counts["report.count.closed"][0],
        "false_alarms": counts["report.count.false_alarms"][0],
        "by_kind": {kind.removeprefix("kind."): row[2] for kind, row in table["kinds"].items() if row[2]},
        "accepted_within_5min_share": rates["report.rate.answered_5_rate"][2],
        "arrived_within_10min_share": rates["report.rate.arrived_10_rate"][2],
        "response_p50_s": p50_s,
        "response_p90_s": p90_s,
    }
    assert {key: wall[key] for key in shown} == shown
    assert all(shown.values()), "there is something to compare"


async def test_a_span_with_too_many_cases_is_refused_in_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_rows, "MOST_CASES", 1)
    for _ in range(2):
        await house.task(opened_at=house.clock.now() - timedelta(days=1))
    async with house.client("bo") as client:
        for path in ("/api/v1/reports/daily", "/api/v1/figures/today"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]["key"]) == (409, "too_many_cases")


async def test_paper_says_what_the_page_says(house: House) -> None:
    """The text of an uncompressed PDF in the reader's own font, whose strings are UTF-16."""
    await a_past(house)
    now = house.clock.now()
    day = now.astimezone(CITY).date() - timedelta(days=1)
    web = house.app.state.web
    made = await reports._report(web, ReportKind.DAILY, day, now, "bo")
    content = pdf.paper(made, fonts.readers_own(), compressed=False)
    text = "".join(_strings(content))
    for table in made.tables:
        assert word(f"report.table.{table.key}") in text
        for row in table.rows:
            for cell, column in zip(row, table.columns, strict=True):
                assert _squeezed(shown(cell, column.sort)) in _squeezed(text), (table.key, cell)
    pages = len(re.findall(rb"/Type /Page\b", content))
    assert pages > 1
    assert text.count("封印公钥指纹") >= pages, "the fingerprint stands on every page"
    assert f"第 {pages} 页，共 {pages} 页" in text
    assert b"<b>" not in content


def _strings(content: bytes) -> list[str]:
    found = []
    for raw in re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", content, re.DOTALL):
        plain = re.sub(rb"\\([0-7]{1,3}|.)", _unescaped, raw, flags=re.DOTALL)
        found.append(plain.decode("utf-16-be", "replace"))
    return found


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code.isdigit():
        return bytes([int(code, 8)])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}.get(code, code)


def _squeezed(text: str) -> str:
    """Lines break anywhere in Chinese, and a blank at the break is gone."""
    return re.sub(r"\s", "", text)


async def test_a_file_is_audited_and_named_and_the_page_is_not(house: House) -> None:
    await asked(house, "daily")
    answer = await asked(house, "weekly", format="pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert re.search(
        r'filename="farwatch-weekly-\d{4}-\d\d-\d\d\.pdf"', answer.headers["content-disposition"]
    )
    rows = await house.pool.fetch("SELECT actor, subject, detail FROM audit WHERE action = 'report_exported'")
    assert [(r["actor"], r["detail"]["format"]) for r in rows] == [("bo", "pdf")]


async def test_dates_that_make_no_report(house: House) -> None:
    tomorrow = house.clock.now().astimezone(CITY).date() + timedelta(days=1)
    for day, status in ((tomorrow, 422), (date(2019, 12, 31), 422), (tomorrow - timedelta(days=1), 200)):
        assert (await asked(house, "daily", date=day.isoformat())).status_code == status
    assert (await asked(house, "yearly")).status_code == 422
    assert (await asked(house, "daily", format="docx")).status_code == 422


async def test_a_third_at_once_is_told_to_come_back(house: House) -> None:
    desk = house.app.state.web.reports
    with desk.place(), desk.place():
        answer = await asked(house, "daily")
        assert (answer.status_code, answer.json()["error"]["key"], answer.headers["retry-after"]) == (
            503,
            "busy",
            "5",
        )
    assert (await asked(house, "daily")).status_code == 200


async def test_roles(house: House) -> None:
    statuses = {
        who: (await asked(house, "monthly", who)).status_code for who in ("chen", "bo", "ada", "wang")
    }
    assert statuses == {"chen": 200, "bo": 200, "ada": 200, "wang": 403}


async def test_a_street_answers_for_its_grids_and_the_rest_stands_under_none(house: House) -> None:
    at = house.clock.now() - timedelta(days=1)
    await house.pool.execute("UPDATE grids SET street = '滨江街道'")
    for grid in ("g1", "g1", None):
        await house.matter(await house.task(opened_at=at, grid=grid), found_at=at)
    tables = {
        t["key"]: t
        for t in (await asked(house, "daily", date=at.astimezone(CITY).date().isoformat())).json()["tables"]
    }
    opened = [(row[0], row[1]) for row in tables["by_street"]["rows"]]
    assert opened == [("滨江街道", 2), ("report.none", 1)]
    assert [(row[0], row[1]) for row in tables["by_team"]["rows"]] == [("一队", 2), ("report.none", 1)]
