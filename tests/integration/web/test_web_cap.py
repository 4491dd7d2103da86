"""CAP 1.2 and cases as CSV: the schema's order and words, messages that stay as they were sent, and a spreadsheet's columns."""

import csv
import io
import re
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

import httpx
import pytest

from alerting.cap import AlertedCase, Matter, messages, render, sender_of
from farwatch.domain.place import Position
from farwatch.domain.review import CITY
from server.web.cases import COLUMNS
from tests.support.web_house import House

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
ATOM = "{http://www.w3.org/2005/Atom}"
AT = datetime(2026, 11, 21, 10, tzinfo=CITY)
# The sequences and vocabularies of the schema (OASIS CAP-v1.2.xsd), as far as we write them.
ALERT = (
    "identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction", "addresses", "code", "note",
    "references", "incidents", "info",
)  # fmt: skip
INFO = (
    "language", "category", "event", "responseType", "urgency", "severity", "certainty", "audience", "eventCode", "effective",
    "onset", "expires", "senderName", "headline", "description", "instruction", "web", "contact", "parameter", "resource", "area",
)  # fmt: skip
AREA = ("areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling")
WORDS = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"},
    "responseType": {"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"},
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}  # fmt: skip
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")


def check(content: bytes) -> ET.Element:
    """By the schema's rules: order, what must be there, words, shapes of times, names and circles."""
    alert = ET.fromstring(content)
    assert alert.tag == f"{CAP}alert"
    _in_order(alert, ALERT)
    for needed in ("identifier", "sender", "sent", "status", "msgType", "scope"):
        assert alert.findtext(CAP + needed)
    for name in ("identifier", "sender"):
        assert re.fullmatch(r"[^\s,<&]+", alert.findtext(CAP + name) or "")
    if alert.findtext(f"{CAP}scope") == "Restricted":
        assert alert.findtext(f"{CAP}restriction")
    infos = alert.findall(f"{CAP}info")
    assert [i.findtext(f"{CAP}language") for i in infos] == ["zh-CN", "en"]
    for info in infos:
        _in_order(info, INFO)
        for needed in ("category", "event", "urgency", "severity", "certainty"):
            assert info.findtext(CAP + needed)
        for area in info.findall(f"{CAP}area"):
            _in_order(area, AREA)
            assert area.findtext(f"{CAP}areaDesc")
            lat, lon, radius = re.fullmatch(
                r"(-?[\d.]+),(-?[\d.]+) ([\d.]+)", area.findtext(f"{CAP}circle") or ""
            ).groups()  # type: ignore[union-attr]
            assert abs(float(lat)) <= 90 and abs(float(lon)) <= 180 and float(radius) > 0  # noqa: PT018
    for element in alert.iter():
        name = element.tag.removeprefix(CAP)
        assert name not in WORDS or element.text in WORDS[name], (name, element.text)
        if name in ("sent", "effective", "onset"):
            assert STAMP.fullmatch(element.text or ""), element.text
    for reference in (alert.findtext(f"{CAP}references") or "").split():
        sender, identifier, sent = reference.split(",")
        assert sender and identifier and STAMP.fullmatch(sent)  # noqa: PT018
    return alert


def _in_order(element: ET.Element, order: tuple[str, ...]) -> None:
    places = [order.index(child.tag.removeprefix(CAP)) for child in element]
    assert places == sorted(places)


def case(**changes: object) -> AlertedCase:
    values = {
        "id": 12, "place": Position(31.2, 121.4), "area": "一网格", "opened_at": AT, "event_at": AT - timedelta(seconds=9),
        "matters": (Matter(AT, 2, "smoke"),), "drill": False, "enterprise": "东方钢铁",
    }  # fmt: skip
    return AlertedCase(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [("Alert", 2)]),
        ({"matters": (Matter(AT, 2, "smoke"), Matter(AT + timedelta(minutes=1), 3, "dumping"))}, [("Alert", 2), ("Update", 3)]),
        ({"ended_at": AT + timedelta(hours=1), "outcome": "handled"}, [("Alert", 2), ("Update", 2)]),
        ({"ended_at": AT + timedelta(hours=1), "outcome": "false_alarm"}, [("Alert", 2), ("Cancel", 2)]),
        ({"ended_at": AT + timedelta(hours=1), "outcome": "ceased"}, [("Alert", 2), ("Update", 2)]),
    ],
)  # fmt: skip
def test_each_step_of_a_case_is_a_message_that_names_those_before(
    changes: dict[str, object], expected: list[tuple[str, int]]
) -> None:
    sent = messages(case(**changes))
    assert [(m.kind, m.severity) for m in sent] == expected
    for place, message in enumerate(sent):
        alert = check(render(message, sent[:place], sender="farwatch@city", web="https://h/x"))
        names = [r.split(",")[1] for r in (alert.findtext(f"{CAP}references") or "").split()]
        assert names == [m.identifier for m in sent[:place]]


def test_a_message_stays_as_it_was_sent() -> None:
    """An acceptance, another matter and the end come afterwards, and the first message says the same."""
    early = case()
    late = case(
        matters=(Matter(AT, 2, "smoke"), Matter(AT + timedelta(minutes=9), 3, "dumping")), accepted_at=AT + timedelta(minutes=2),
        ended_at=AT + timedelta(hours=1), outcome="handled",
    )  # fmt: skip
    first = [render(messages(c)[0], [], sender="s", web="w") for c in (early, late)]
    assert first[0] == first[1]
    assert b"Expected" in render(messages(late)[1], messages(late)[:1], sender="s", web="w")


def test_hostile_names_are_text() -> None:
    hostile = case(enterprise="<script>&\x00\x1b]]>\ud800", area="a" * 500, drill=True)
    alert = check(render(messages(hostile)[0], [], sender="a b,c<d&e", web="https://h/?a=1&b=2"))
    assert alert.findtext(f"{CAP}sender") == "a_b_c_d_e" == sender_of("a b,c<d&e")
    assert alert.findtext(f"{CAP}status") == "Exercise"
    assert "<script>&" in (alert.findtext(f"{CAP}info/{CAP}headline") or "")


async def get(house: House, path: str, **query: str) -> httpx.Response:
    async with house.client("bo") as client:
        return await client.get(path, params=query or None)


async def test_the_index_leads_to_every_message_of_the_last_day(house: House) -> None:
    now = house.clock.now()
    task = await house.task(
        state="handled", opened_at=now - timedelta(hours=1), handled_at=now, outcome="false_alarm"
    )
    await house.matter(task, found_at=now - timedelta(hours=1))
    for changes in ({"severity": 1}, {"opened_at": now - timedelta(hours=25)}, {"drill_id": "d"}):
        await house.matter(await house.task(**changes))
    answer = await get(house, "/cap")
    assert answer.headers["content-type"] == "application/atom+xml"
    feed = ET.fromstring(answer.content)
    entries = feed.findall(f"{ATOM}entry")
    assert [e.findtext(f"{ATOM}title") for e in entries] == [
        f"FW-{task}-2 Cancel smoke",
        f"FW-{task}-1 Alert smoke",
    ]
    assert feed.findtext(f"{ATOM}updated") == entries[0].findtext(f"{ATOM}updated")
    for entry in entries:
        link = entry.find(f"{ATOM}link")
        assert link is not None
        message = await get(house, link.attrib["href"])
        assert message.headers["content-type"] == "application/cap+xml"
        check(message.content)
    assert check((await get(house, f"/cap/{task}")).content).findtext(f"{CAP}msgType") == "Cancel"
    drills = ET.fromstring((await get(house, "/cap", drills="true")).content)
    assert len(drills.findall(f"{ATOM}entry")) == 3


async def test_messages_that_are_not_there(house: House) -> None:
    task = await house.task()
    await house.matter(task)
    bare = await house.task()
    assert (await get(house, "/cap")).status_code == 200
    for name in (str(bare), f"FW-{task}-2", f"FW-{task}-0", "FW-999-1", "x", "FW-", "１２"):
        assert (await get(house, f"/cap/{name}")).status_code == 404, name
    assert (await get(house, "/cap", since="yesterday")).status_code == 400


async def test_cases_as_a_spreadsheet_and_as_pages(house: House) -> None:
    at = house.clock.now().astimezone(CITY)
    await house.pool.execute("UPDATE enterprises SET name = '=cmd()' WHERE id = 'e1'")
    task = await house.task(
        state="handled", opened_at=at, handled_at=at + timedelta(hours=3), outcome="handled"
    )
    await house.matter(task, found_at=at)
    await house.pool.execute(
        "INSERT INTO deadlines (task_id, kind, due_at, state, excused_at) VALUES ($1, 'handle', $2, 'breached', now())",
        task,
        at + timedelta(hours=2),
    )
    others = [await house.task(opened_at=at) for _ in range(4)]
    drill = await house.task(drill_id="d1")
    answer = await get(house, "/api/v1/cases", format="csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [int(r["任务号"]) for r in rows] == [*reversed(others), task]
    row = rows[-1]
    assert (row["案卷编号"], row["企业"], row["问题来源"], row["小类"]) == (
        f"FW{at.year}-{task:07d}",
        "'=cmd()",
        "视频监控",
        "烟囱冒黑烟",
    )
    assert (row["超期标志"], row["延期标志"], row["超时环节"], row["结论"]) == ("1", "1", "handle", "已处置")
    assert row["立案时间"].endswith("+08:00")
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await get(house, "/api/v1/cases", limit="2", **({"cursor": cursor} if cursor else {}))).json()
        found += [c["task"] for c in page["items"]]
        cursor = page["next"]
    assert found == [*reversed(others), task]
    assert drill not in found
    assert (await get(house, "/api/v1/cases", cursor="eA")).status_code == 422
