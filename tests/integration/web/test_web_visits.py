"""The visit code: who gets it, who sees what behind it, when it ends, and how much may be asked and written."""

import stat
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from alerting import visits as codes
from farwatch.domain.policy import RetentionRule
from farwatch.storage.retention import drop_old
from server import visit_key
from tests.support.alerting import together
from tests.support.web_house import House

SEEN_BY_ANYBODY = {
    "bureau", "badge", "team", "drill", "over", "expires_at", "matters", "matters.kind", "matters.since", "matters.code",
    "matters.limit", "matters.unit", "comments", "comments.text", "comments.at", "comments.answer", "comments.answered_at",
    "comments_left",
}  # fmt: skip
EIGHT_HOURS = 8 * 3600


@pytest.fixture
async def house(house: House) -> House:
    await house.pool.execute("UPDATE officers SET badge = '京执-0417' WHERE id = 'o1'")
    house.use(bureau_name="东城区生态环境局", public_url="https://watch.example")
    return house


async def visited(house: House, **columns: Any) -> int:
    """Task of o1, accepted, with one matter of a camera."""
    values: dict[str, Any] = {"officer": "o1", "state": "accepted", "accepted_at": house.clock.now()}
    task = await house.task(**values | columns)
    await house.matter(task)
    return task


async def code(house: House, task: int, who: str = "wang") -> httpx.Response:
    async with house.client(who) as client:
        return await client.get(f"/api/v1/tasks/{task}/visit-code")


async def token_of(house: House, task: int) -> str:
    return str((await code(house, task)).json()["url"]).rpartition("/")[2]


async def look(
    house: House, token: str, address: str = "172.16.0.9", mine: tuple[str, ...] = ()
) -> httpx.Response:
    async with house.client(address=address) as client:
        return await client.get(f"/api/v1/visit/{token}", params={"mine": list(mine)})


async def opened(
    house: House, token: str, who: str | None = None, address: str = "172.16.0.9"
) -> httpx.Response:
    """What the page tells when it is open in a browser."""
    async with house.client(who, address) as client:
        return await client.post(f"/api/v1/visit/{token}/looks", json={})


async def write(
    house: House, token: str, text: str, client_id: str = "", address: str = "172.16.0.9"
) -> httpx.Response:
    async with house.client(address=address) as client:
        body = {"client_id": client_id or str(uuid4()), "text": text}
        return await client.post(f"/api/v1/visit/{token}/comments", json=body)


def keys_of(value: Any, before: str = "") -> set[str]:
    if isinstance(value, list):
        return {key for item in value for key in keys_of(item, before)}
    if not isinstance(value, dict):
        return set()
    return {k for key, v in value.items() for k in ({before + key} | keys_of(v, f"{before}{key}."))}


async def events(house: House, *types: str) -> list[dict[str, Any]]:
    rows = await house.pool.fetch("SELECT event FROM event_queue ORDER BY id")
    return [r["event"] for r in rows if r["event"]["type"] in types]


async def test_the_holder_gets_one_code_with_its_picture_and_the_row_holds_no_token(house: House) -> None:
    task = await visited(house)
    first, again = await code(house, task), await code(house, task)

    assert first.status_code == 200
    assert first.json()["url"] == again.json()["url"]
    base, _, token = first.json()["url"].rpartition("/")
    assert base == "https://watch.example/visit"
    assert first.json()["svg"].startswith("<svg")
    (row,) = await house.pool.fetch("SELECT * FROM visit_codes")
    assert row["token_sha256"] == codes.digest(token)
    assert token not in str(dict(row))
    assert [e["officer"] for e in await events(house, "visit_code_made")] == ["o1"]
    key = visit_key.path_in(house.deps.data_dir)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("state", "officer", "who", "status"),
    [
        ("accepted", "o1", "wang", 200),
        ("arrived", "o1", "wang", 200),
        ("offered", None, "wang", 404),
        ("accepted", "o2", "wang", 404),
        ("handled", "o1", "wang", 409),
        ("closed", "o1", "wang", 409),
    ],
)
async def test_only_the_holder_of_a_visit_that_goes_on_has_a_code(
    house: House, state: str, officer: str | None, who: str, status: int
) -> None:
    task = await visited(house, state=state, officer=officer)
    assert (await code(house, task, who)).status_code == status


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


async def test_a_code_expires_and_the_holder_gets_another(house: House) -> None:
    task = await visited(house)
    token = await token_of(house, task)
    house.clock.seconds += EIGHT_HOURS - 1
    assert (await look(house, token)).status_code == 200
    house.clock.seconds += 2
    assert (await look(house, token)).status_code == 404
    renewed = await token_of(house, task)
    assert renewed != token
    assert (await look(house, renewed)).status_code == 200
    assert await house.pool.fetchval("SELECT array_agg(ended_by ORDER BY id) FROM visit_codes") == [
        "renewed",
        None,
    ]


async def test_who_is_sent_instead_has_another_code_and_the_old_one_opens_nothing(house: House) -> None:
    task = await visited(house)
    first = await token_of(house, task)
    await house.pool.execute("UPDATE tasks SET officer = NULL, state = 'offered' WHERE id = $1", task)
    assert (await look(house, first)).status_code == 404
    assert (await write(house, first, "still here")).status_code == 404
    await house.pool.execute("UPDATE tasks SET officer = 'o2', state = 'accepted' WHERE id = $1", task)
    assert (await code(house, task, "wang")).status_code == 404
    second = str((await code(house, task, "li")).json()["url"]).rpartition("/")[2]
    await house.pool.execute("UPDATE tasks SET officer = 'o1' WHERE id = $1", task)
    third = await token_of(house, task)

    assert len({first, second, third}) == 3
    assert [(await look(house, t)).status_code for t in (first, second, third)] == [404, 404, 200]


async def test_after_the_visit_the_enterprise_may_still_write_for_two_hours(house: House) -> None:
    task = await visited(house)
    token = await token_of(house, task)
    await house.pool.execute("UPDATE tasks SET state = 'arrived' WHERE id = $1", task)
    assert (await look(house, token)).json()["over"] is False
    await house.pool.execute("UPDATE tasks SET state = 'handled' WHERE id = $1", task)
    assert (await look(house, token)).json()["over"] is True
    assert (await write(house, token, "整改完成")).status_code == 201
    house.clock.seconds += codes.COMMENTS_AFTER.total_seconds() + 60
    assert (await look(house, token)).status_code == 404


async def test_a_comment_reaches_the_task_and_its_answer_the_enterprise(house: House) -> None:
    task = await visited(house)
    token = await token_of(house, task)
    mark = str(uuid4())
    shown = (await write(house, token, "  检查人员态度好 <b>\n已整改  ", mark)).json()
    assert (shown["comments"][0]["text"], shown["comments_left"]) == ("检查人员态度好 <b>\n已整改", 4)

    async with house.client("bo") as client:
        page = (await client.get(f"/api/v1/tasks/{task}/visits")).json()
        (comment,) = page["visits"][0]["comments"]
        path = f"/api/v1/tasks/{task}/visit-comments/{comment['id']}"
        statuses = [(await client.post(path, json={"answer": "收到"})).status_code for _ in range(2)]
    assert statuses == [204, 404]
    (again,) = (await look(house, token, mine=(mark,))).json()["comments"]
    assert again["answer"] == "收到"
    (said,) = await events(house, "visit_commented")
    row = await house.pool.fetchrow("SELECT text, salt, address_hash FROM visit_comments")
    assert said.keys() == {"type", "task", "actor", "code", "comment", "commitment"}
    assert row["text"] not in str(said)
    assert b"172.16.0.9" not in row["address_hash"]


async def test_the_officer_who_has_the_code_too_reads_nothing_of_what_is_said(house: House) -> None:
    task = await visited(house)
    token = await token_of(house, task)
    await write(house, token, "索要财物")
    await house.logged("visit_commented", task)
    async with house.client("wang") as client:
        page = (await client.get(f"/api/v1/tasks/{task}/visits")).json()
        timeline = (await client.get(f"/api/v1/tasks/{task}")).json()["timeline"]
    opened = (await look(house, token, mine=(str(uuid4()),))).json()

    assert [v["comments"] for v in page["visits"]] == [[]]
    assert [e["type"] for e in timeline] == []
    assert (opened["comments"], opened["comments_left"]) == ([], 4)
    many = await look(house, token, mine=tuple(str(uuid4()) for _ in range(11)))
    assert many.status_code == 422


async def test_five_comments_a_code_and_a_repeat_is_none(house: House) -> None:
    token = await token_of(house, await visited(house))
    same = str(uuid4())
    answers = [await write(house, token, "one", same) for _ in range(3)]
    answers += [await write(house, token, f"no {n}") for n in range(5)]

    assert [a.status_code for a in answers] == [201] * 7 + [409]
    assert answers[-1].json()["error"]["key"] == "too_many_comments"
    assert await house.pool.fetchval("SELECT count(*) FROM visit_comments") == 5


async def test_ten_who_write_at_once_leave_five_comments(house: House) -> None:
    token = await token_of(house, await visited(house))
    answers = await together(*(write(house, token, f"no {n}", address=f"172.18.{n}.1") for n in range(10)))
    assert sorted(a.status_code for a in answers) == [201] * 5 + [409] * 5
    assert len(await events(house, "visit_commented")) == 5


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"client_id": "%s", "text": ""}', 422),
        (b'{"client_id": "%s", "text": "  \\n "}', 422),
        (b'{"client_id": "%s", "text": "a\\u0000b"}', 422),
        (b'{"client_id": "%s", "text": "\\ud800"}', 422),
        (b'{"client_id": "7", "text": "a"}', 422),
        ('{"client_id": "%s", "text": "' + "长" * 1001 + '"}', 422),
        (b'{"client_id": "%s", "text": "' + b"x" * 9000 + b'"}', 413),
        ('{"client_id": "%s", "text": "' + "长" * 1000 + '"}', 201),
    ],
)
async def test_what_a_comment_may_be(house: House, content: bytes | str, status: int) -> None:
    token = await token_of(house, await visited(house))
    text = content.encode() if isinstance(content, str) else content
    async with house.client() as client:
        answer = await client.post(
            f"/api/v1/visit/{token}/comments",
            content=text.replace(b"%s", str(uuid4()).encode()),
            headers={"Content-Type": "application/json"},
        )
    assert answer.status_code == status
    assert token not in answer.text


async def test_a_page_of_another_site_cannot_write(house: House) -> None:
    token = await token_of(house, await visited(house))
    async with house.client() as client:
        answer = await client.post(
            f"/api/v1/visit/{token}/comments",
            json={"client_id": str(uuid4()), "text": "x"},
            headers={"Origin": "https://elsewhere.example"},
        )
    assert (answer.status_code, answer.json()["error"]["key"]) == (403, "other_origin")


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


async def test_from_where_a_comment_came_is_forgotten_after_a_month_and_the_comment_stays(
    house: House,
) -> None:
    token = await token_of(house, await visited(house))
    await write(house, token, "设备已停")
    dropped = []
    for days in (29, 31, 32):
        house.clock.seconds = days * 86_400
        dropped.append(
            (await drop_old(house.pool, RetentionRule(tracks_days=30), house.clock.now())).addresses
        )
    assert dropped == [0, 1, 0]
    row = await house.pool.fetchrow("SELECT text, address_hash FROM visit_comments")
    assert tuple(row) == ("设备已停", b"")


async def test_no_code_no_visit(house: House) -> None:
    """Arrived without, never shown, and shown are three things."""
    arrived = {"state": "arrived", "arrived_at": house.clock.now()}
    tasks = [await visited(house), *[await visited(house, **arrived) for _ in range(3)]]
    for task in tasks[2:]:
        await code(house, task)
    await opened(house, await token_of(house, tasks[3]))
    async with house.client("chen") as client:
        standings = [
            (await client.get(f"/api/v1/tasks/{task}/visits")).json()["standing"]["key"] for task in tasks
        ]
    assert standings == [
        "no_visit_yet",
        "visit_without_code",
        "visit_code_never_shown",
        "visit_code_shown",
    ]


async def arrive(house: House, task: int) -> int:
    deed: dict[str, Any] = {"client_id": str(uuid4()), "at": house.clock.now().isoformat()}
    deed["position"] = {"lat": 39.9, "lon": 116.4, "accuracy_m": 5}
    async with house.client("wang") as client:
        return (await client.post(f"/api/v1/tasks/{task}/arrive", json=deed)).status_code


async def test_who_arrives_has_a_code_whether_he_asked_for_it_or_not(house: House) -> None:
    task = await visited(house)
    assert await arrive(house, task) == 200
    (row,) = await house.pool.fetch("SELECT task_id, officer, ended_at FROM visit_codes")
    assert tuple(row) == (task, "o1", None)
    assert codes.digest(await token_of(house, task)) == await house.pool.fetchval(
        "SELECT token_sha256 FROM visit_codes"
    )


async def test_a_key_that_cannot_be_used_fails_no_arrival(house: House) -> None:
    path = visit_key.path_in(house.deps.data_dir)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"short")
    task = await visited(house)
    assert await arrive(house, task) == 200
    assert await house.pool.fetchval("SELECT count(*) FROM visit_codes") == 0


async def test_visits_of_a_month_and_how_many_were_saved(house: House) -> None:
    now = house.clock.now()
    with_code = await visited(house, state="arrived", arrived_at=now)
    await house.matter(with_code)
    await house.matter(with_code)
    await code(house, with_code)
    await visited(house, state="arrived", arrived_at=now)
    await visited(house, state="arrived", arrived_at=now, drill_id="d1")
    await visited(house, state="arrived", arrived_at=now - timedelta(days=62))
    await visited(house, state="arrived", arrived_at=now, enterprise=None)
    await visited(house)
    await visited(house, state="closed", outcome="ceased", closed_at=now)
    for n, (state, at, drill) in enumerate(
        [
            ("cleared", now, None),
            ("cleared", now, "d1"),
            ("cleared", now - timedelta(days=62), None),
            ("became_task", now, None),
        ]
    ):
        _, finding = await house.matter(with_code if n < 0 else await visited(house))
        await house.pool.execute(
            "INSERT INTO warnings (finding_id, fingerprint, enterprise, told_at, window_ends_at, state, decided_at, drill_id)"
            " VALUES ($1, $2, 'e1', $3, $3, $4, $3, $5)",
            finding, f"f{n}", at, state, drill,
        )  # fmt: skip
    async with house.client("bo") as client:
        report = (await client.get("/api/v1/visits")).json()
        sheet = await client.get("/api/v1/visits?format=csv")
        empty = (await client.get("/api/v1/visits?month=2020-01")).json()

    (row,) = report["rows"]
    assert row == {
        "enterprise": {"id": "e1", "name": "东方钢铁"}, "visits": 2, "without_code": 1, "never_shown": 1, "matters": 4,
        "warnings_cleared": 1, "ceased": 1, "saved": 3,
    }  # fmt: skip
    assert {**report["total"], "enterprise": None} == {**row, "enterprise": None}
    assert "东方钢铁,2,1,1,4,1,1,3" in sheet.text
    assert (empty["rows"], empty["total"]["visits"]) == ([], 0)


async def test_the_key_is_made_once_and_a_broken_one_is_said(house: House) -> None:
    folder = house.deps.data_dir / "other"
    key = visit_key.ensure(folder)
    assert visit_key.ensure(folder) == key
    visit_key.path_in(folder).write_bytes(b"short")
    with pytest.raises(visit_key.VisitKeyError):
        visit_key.ensure(folder)
