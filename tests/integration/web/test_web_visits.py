"""What a visit code opens: who sees what behind it, how it is counted, and how often it may be asked."""

from base64 import urlsafe_b64encode
from typing import Any
from uuid import uuid4

import pytest

from alerting import visits as codes
from tests.support.visits import code, events, look, opened, token_of, visited, with_badge, write
from tests.support.web_house import House

SEEN_BY_ANYBODY = {
    "bureau", "badge", "team", "drill", "over", "expires_at", "matters", "matters.kind", "matters.since", "matters.code",
    "matters.limit", "matters.unit", "comments", "comments.text", "comments.at", "comments.answer", "comments.answered_at",
    "comments_left",
}  # fmt: skip


@pytest.fixture
async def house(house: House) -> House:
    return await with_badge(house)


def keys_of(value: Any, before: str = "") -> set[str]:
    if isinstance(value, list):
        return {key for item in value for key in keys_of(item, before)}
    if not isinstance(value, dict):
        return set()
    return {k for key, v in value.items() for k in ({before + key} | keys_of(v, f"{before}{key}."))}


async def test_whoever_scans_it_sees_badge_team_and_matters_and_nothing_else_of_the_case(
    house: House,
) -> None:
    task = await visited(house)
    await house.pool.execute(
        "INSERT INTO matters (task_id, fingerprint, kind, station, code, event_at, found_at, severity, reason_key, reason_params)"
        " VALUES ($1, 'x', 'exceedance', 'MN1', 'a21026', now(), now(), 2, 'over_limit',"
        ' \'{"value": 80, "limit": 35, "unit": "mg/m3"}\')',
        task,
    )
    token = await token_of(house, task)
    await write(house, token, "设备已停", mark := str(uuid4()))
    answer = await look(house, token, mine=(mark,))

    assert answer.status_code == 200
    shown = answer.json()
    assert keys_of(shown) == SEEN_BY_ANYBODY
    assert (shown["bureau"], shown["badge"], shown["team"]) == ("东城区生态环境局", "京执-0417", "一队")
    assert [(m["kind"], m["code"], m["limit"], m["unit"]) for m in shown["matters"]] == [
        ("smoke", None, None, None),
        ("exceedance", "a21026", 35, "mg/m3"),
    ]
    for secret in ("王", "o1", "wang", "39.9", "116.4", "evidence", "http", "东方钢铁", "80"):
        assert secret not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "noindex" in answer.headers["x-robots-tag"]


async def test_each_open_page_is_counted_and_the_first_one_is_an_event_of_the_task(house: House) -> None:
    task = await visited(house)
    token = await token_of(house, task)
    assert [(await opened(house, token)).status_code for _ in range(3)] == [204] * 3

    assert (await code(house, task)).json()["scans"] == 3
    assert [e["task"] for e in await events(house, "visit_scanned")] == [task]


async def test_a_links_preview_and_whoever_is_signed_in_have_not_been_shown_the_code(house: House) -> None:
    """The officer, who tries his own code, is answered as everybody is."""
    task = await visited(house)
    token = await token_of(house, task)
    await look(house, token)
    assert [(await opened(house, token, who)).status_code for who in ("wang", "li", "bo")] == [204] * 3

    assert (await code(house, task)).json()["scans"] == 0
    assert await events(house, "visit_scanned") == []


async def test_every_token_that_opens_nothing_gets_the_same_answer(house: House) -> None:
    token = await token_of(house, await visited(house))
    other_key = codes.code(b"another key" * 3, 1, "o1", b"nonce")
    guesses = [
        "A" * 43, token[:-1], token + "A", token.swapcase(), other_key, "%00", "x" * 3000, "%ed%a0%80",
        urlsafe_b64encode(b"'; DROP TABLE visit_codes").decode(),
    ]  # fmt: skip
    answers = [await look(house, guess, f"172.16.1.{n}") for n, guess in enumerate(guesses)]
    answers += [await write(house, guess, "x", address=f"172.16.2.{n}") for n, guess in enumerate(guesses)]

    assert {(a.status_code, a.text) for a in answers} == {(404, '{"error":{"key":"not_found","params":{}}}')}
    assert (await look(house, token)).status_code == 200


async def test_thirty_a_minute_an_address_known_or_not(house: House) -> None:
    token = await token_of(house, await visited(house))
    known = [await look(house, token, "172.16.3.1") for _ in range(31)]
    guessed = [await look(house, f"{n}" * 43, "172.16.3.2") for n in range(31)]

    assert [a.status_code for a in known] == [200] * 30 + [429]
    assert [a.status_code for a in guessed] == [404] * 30 + [429]
    assert known[-1].json() == guessed[-1].json()
    assert known[-1].headers["retry-after"] == "2"
    house.clock.seconds += 2
    assert (await look(house, token, "172.16.3.1")).status_code == 200


async def test_a_hundred_and_twenty_a_code_whoever_asks(house: House) -> None:
    token = await token_of(house, await visited(house))
    answers = [await look(house, token, f"172.17.{n}.1") for n in range(121)]
    assert [a.status_code for a in answers].count(200) == 120
    assert answers[-1].status_code == 429


async def test_what_is_shown_heeds_no_session(house: House) -> None:
    """A cookie, good or bad, changes nothing: not even whether it is looked at can be told."""
    token = await token_of(house, await visited(house))
    async with house.client("ada") as signed_in, house.client() as nobody:
        nobody.cookies.set("farwatch_session", "nonsense")
        answers = [await c.get(f"/api/v1/visit/{token}") for c in (signed_in, nobody)]
    assert [a.status_code for a in answers] == [200, 200]
    assert all("set-cookie" not in a.headers for a in answers)
