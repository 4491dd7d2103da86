"""CAP 1.2 and cases as CSV: the schema's order and words, messages that stay as they were sent, and a spreadsheet's columns."""

import csv
import io
import json
import re
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.cap import AlertedCase, Entry, messages, render, sender_of
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


OPENED: dict[str, Any] = {"type": "task_opened", "kinds": ["smoke"], "severity": 2, "matter": 1}
JOINED: dict[str, Any] = {"type": "matter_joined", "kind": "dumping", "severity": 2, "matter": 2}
WORSE = {**JOINED, "severity": 3}
FOLDED: dict[str, Any] = {"type": "finding_folded", "matter": 1, "severity": 2}
FOLDED_WORSE = {**FOLDED, "severity": 3}
CONFIRMED: dict[str, Any] = {"type": "matter_confirmed", "matter": 1, "severity": 3, "confirmed_by": [2]}
ACCEPTED: dict[str, Any] = {"type": "task_accepted", "officer": "o1", "matters": [1]}
HANDLED: dict[str, Any] = {"type": "task_handled", "outcome": "handled", "officer": "o1"}
FALSE_ALARM = {**HANDLED, "outcome": "false_alarm"}
CLOSED: dict[str, Any] = {"type": "task_closed", "outcome": "handled"}
CEASED: dict[str, Any] = {"type": "task_closed", "outcome": "ceased"}


def case(*events: dict[str, Any], **changes: Any) -> AlertedCase:
    """Opened at AT, then a minute between each two of these events."""
    values = {
        "id": 12, "place": Position(31.2, 121.4), "area": "一网格", "event_at": AT - timedelta(seconds=9), "drill": False,
        "log": [Entry(AT + timedelta(minutes=n), e) for n, e in enumerate((OPENED, *events))], "enterprise": "东方钢铁",
    }  # fmt: skip
    return AlertedCase(**{**values, **changes})


def rendered(case: AlertedCase) -> list[bytes]:
    sent = messages(case)
    return [
        render(m, sent[:place], sender="farwatch@city", web="https://h/x") for place, m in enumerate(sent)
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), "Alert Moderate Likely"),
        ((FOLDED, ACCEPTED), "Alert Moderate Likely"),
        ((JOINED,), "Alert Moderate Likely; Update Moderate Likely"),
        ((WORSE,), "Alert Moderate Likely; Update Severe Likely"),
        ((CONFIRMED, FOLDED), "Alert Moderate Likely; Update Severe Likely"),
        ((FOLDED_WORSE, CONFIRMED), "Alert Moderate Likely; Update Severe Likely"),
        ((HANDLED, CLOSED), "Alert Moderate Likely; Update Moderate Observed"),
        ((FALSE_ALARM, CLOSED), "Alert Moderate Likely; Cancel Moderate Unlikely"),
        ((CEASED,), "Alert Moderate Likely; Update Moderate Possible"),
        ((HANDLED, FOLDED, CLOSED), "Alert Moderate Likely; Update Moderate Observed"),
        (
            (HANDLED, FOLDED_WORSE, CLOSED),
            "Alert Moderate Likely; Update Moderate Observed; Update Severe Likely; Update Severe Observed",
        ),
    ],
)
def test_each_step_of_a_case_is_a_message_that_names_those_before(
    events: tuple[dict[str, Any], ...], expected: str
) -> None:
    alerts = [check(content) for content in rendered(case(*events))]
    said = [
        [a.findtext(f"{CAP}msgType"), *(a.findtext(f"{CAP}info/{CAP}{x}") for x in ("severity", "certainty"))]
        for a in alerts
    ]
    assert "; ".join(" ".join(str(word) for word in words) for words in said) == expected
    for place, alert in enumerate(alerts):
        assert alert.findtext(f"{CAP}identifier") == f"FW-12-{place + 1}"
        names = [r.split(",")[1] for r in (alert.findtext(f"{CAP}references") or "").split()]
        assert names == [f"FW-12-{n}" for n in range(1, place + 1)]


@given(
    st.lists(st.sampled_from([JOINED, WORSE, FOLDED, FOLDED_WORSE, CONFIRMED, ACCEPTED, HANDLED, FALSE_ALARM, CLOSED, CEASED]))
)  # fmt: skip
def test_whatever_is_told_later_a_message_stays_as_it_was_sent(events: list[dict[str, Any]]) -> None:
    whole = rendered(case(*events))
    for told in range(len(events)):
        sent = rendered(case(*events[:told]))
        assert sent == whole[: len(sent)]


def test_somebody_is_on_the_way_in_what_is_sent_after_the_acceptance_and_only_there() -> None:
    urgencies = [
        check(c).findtext(f"{CAP}info/{CAP}urgency") for c in rendered(case(JOINED, ACCEPTED, WORSE, HANDLED))
    ]
    assert urgencies == ["Immediate", "Immediate", "Expected", "Past"]


def test_hostile_names_are_text() -> None:
    hostile = case(enterprise="<script>&\x00\x1b]]>\ud800", area="a" * 500, drill=True)
    alert = check(render(messages(hostile)[0], [], sender="a b,c<d&e", web="https://h/?a=1&b=2"))
    assert alert.findtext(f"{CAP}sender") == "a_b_c_d_e" == sender_of("a b,c<d&e")
    assert alert.findtext(f"{CAP}status") == "Exercise"
    assert "<script>&" in (alert.findtext(f"{CAP}info/{CAP}headline") or "")


async def get(house: House, path: str, **query: str) -> httpx.Response:
    async with house.client("bo") as client:
        return await client.get(path, params=query or None)


async def alerted(house: House, *told: tuple[float, dict[str, Any]], **columns: Any) -> int:
    """A task of which the log told these events, each so many hours ago."""
    task = await house.task(**columns)
    await house.matter(task)
    for hours, event in told:
        await house.pool.execute(
            "INSERT INTO log SELECT coalesce(max(n), 0) + 1, $1, $2, $3, '', '' FROM log",
            house.clock.now() - timedelta(hours=hours), json.dumps({**event, "task": task}), task,
        )  # fmt: skip
    return task


async def index(house: House, **query: str) -> list[str]:
    feed = ET.fromstring((await get(house, "/cap", **query)).content)
    return [e.findtext(f"{ATOM}title") or "" for e in feed.findall(f"{ATOM}entry")]


async def test_the_index_leads_to_every_message_of_the_last_days_cases(house: House) -> None:
    task = await alerted(house, (1, OPENED), (0.5, FALSE_ALARM), state="handled")
    for hours, changes in ((0, {"severity": 1}), (25, {}), (0, {"drill_id": "d"})):
        await alerted(house, (hours, OPENED), **changes)
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
    assert len(await index(house, drills="true")) == 3


@pytest.mark.parametrize(
    ("event", "columns", "said"),
    [
        (FALSE_ALARM, {"state": "handled"}, "Cancel smoke"),
        (HANDLED, {"state": "verified"}, "Update smoke"),
        (CEASED, {"state": "closed"}, "Update smoke"),
        (JOINED, {"state": "accepted"}, "Update smoke/dumping"),
        (CONFIRMED, {"state": "arrived", "severity": 3}, "Update smoke"),
    ],
)
async def test_what_becomes_of_an_older_case_enters_the_index_too(
    house: House, event: dict[str, Any], columns: dict[str, Any], said: str
) -> None:
    """A reader that has the alert hears of its end, however late that comes; with what was told before it for whoever has not."""
    at = house.clock.now() if columns["state"] == "closed" else None
    opened_at = house.clock.now() - timedelta(hours=60)
    task = await alerted(house, (60, OPENED), (1, event), opened_at=opened_at, closed_at=at, **columns)
    await alerted(
        house, (60, OPENED), (40, CEASED), state="closed", opened_at=opened_at,
        closed_at=house.clock.now() - timedelta(hours=40),
    )  # fmt: skip
    assert await index(house) == [f"FW-{task}-2 {said}", f"FW-{task}-1 Alert smoke"]


async def test_messages_that_are_not_there(house: House) -> None:
    task = await alerted(house, (0, OPENED))
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
