"""Commands to data loggers over the API: what is asked becomes a row and a line of the audit, or a named refusal."""

from typing import Any

import pytest

from farwatch.domain.device import Command
from farwatch.storage import device_commands
from server.web.device_commands import CommandName
from tests.support.web_house import House

URL = "/api/v1/stations/MN1/commands"
PERIOD = {"from_at": "2026-03-02T03:00:00Z", "to_at": "2026-03-02T12:00:00+08:00"}


async def ask(house: House, command: str, parameters: dict[str, Any], who: str = "chen") -> Any:
    async with house.client(who) as client:
        return await client.post(URL, json={"command": command, "parameters": parameters})


@pytest.mark.parametrize(
    ("command", "parameters", "number", "fields"),
    [
        ("set_clock", {}, "1012", {}),
        ("get_clock", {"code": "w01018"}, "1011", {"PolId": "w01018"}),
        ("set_realtime_interval", {"interval_s": 45}, "1062", {"RtdInterval": "45"}),
        ("fetch_hours", PERIOD, "2061", {"BeginTime": "20260302110000", "EndTime": "20260302120000"}),
        ("set_timeout", {"timeout_s": 5, "repeats": 3}, "1000", {"OverTime": "5", "ReCount": "3"}),
    ],
)
async def test_what_is_asked_is_queued_in_the_words_of_hj212(
    house: House, command: str, parameters: dict[str, Any], number: str, fields: dict[str, str]
) -> None:
    answer = await ask(house, command, parameters)
    assert answer.status_code == 201
    (row,) = await device_commands.outstanding(house.pool)
    assert (row.command, dict(row.parameters), row.asked_by) == (number, fields, "chen")
    async with house.client("bo") as client:
        listed = (await client.get(URL)).json()
    assert listed == {"items": [answer.json()], "next": None}
    assert (answer.json()["command"], answer.json()["state"]) == (command, "queued")
    audited = await house.pool.fetchrow("SELECT * FROM audit WHERE action = 'device_command'")
    assert (audited["actor"], audited["subject"], audited["detail"]) == (
        "chen",
        "station/MN1",
        {"command": command, **fields},
    )


@pytest.mark.parametrize(
    ("command", "parameters", "key"),
    [
        ("fetch_hours", {"from_at": PERIOD["from_at"]}, "parameter_missing"),
        ("get_clock", PERIOD, "parameter_not_meant"),
        ("set_minute_interval", {"interval_min": 7}, "not_an_interval"),
        ("fetch_hours", {"from_at": PERIOD["to_at"], "to_at": PERIOD["from_at"]}, "ends_before_it_begins"),
        (
            "fetch_minutes",
            {"from_at": "2026-01-01T00:00:00Z", "to_at": "2026-02-01T00:00:00Z"},
            "span_too_long",
        ),
        (
            "fetch_hours",
            {"from_at": "0001-01-01T00:00:00+14:00", "to_at": "0001-01-01T01:00:00+14:00"},
            "bad_request",
        ),
        (
            "fetch_hours",
            {"from_at": "9999-12-31T22:00:00-10:00", "to_at": "9999-12-31T23:00:00-10:00"},
            "bad_request",
        ),
        ("fetch_hours", {"from_at": "0900-01-01T00:00:00Z", "to_at": "0900-01-01T01:00:00Z"}, "bad_request"),
        ("set_realtime_interval", {"interval_s": 1}, "bad_request"),
        ("get_clock", {"code": "w01018;CN=1072"}, "bad_request"),
        ("get_clock", {"NewPW": "1"}, "bad_request"),
        ("set_password", {}, "bad_request"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    house: House, command: str, parameters: dict[str, Any], key: str
) -> None:
    answer = await ask(house, command, parameters)
    assert answer.status_code == 422
    if key != "bad_request":
        assert answer.json()["error"]["key"] == key
    assert await device_commands.outstanding(house.pool) == []


def test_every_command_has_its_name() -> None:
    assert [c.name for c in CommandName] == [c.name for c in Command]


async def test_a_queue_has_its_end_and_its_pages(house: House) -> None:
    made = [(await ask(house, "get_clock", {})).json() for _ in range(20)]
    full = await ask(house, "get_clock", {})
    assert (full.status_code, full.json()["error"]["key"]) == (409, "too_many_commands")
    async with house.client("chen") as client:
        first = (await client.get(URL + "?limit=15")).json()
        second = (await client.get(URL, params={"limit": 15, "cursor": first["next"]})).json()
        assert (await client.get(URL + "?cursor=!!")).status_code == 422
    ids = [c["id"] for c in first["items"] + second["items"]]
    assert ids == sorted((c["id"] for c in made), reverse=True)
