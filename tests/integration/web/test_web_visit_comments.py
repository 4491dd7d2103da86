"""What an enterprise writes behind a visit code: until when, how much, who reads it."""

from uuid import uuid4

import pytest

from alerting import visits as codes
from farwatch.domain.policy import RetentionRule
from farwatch.storage.retention import drop_old
from tests.support.alerting import together
from tests.support.visits import events, look, token_of, visited, with_badge, write
from tests.support.web_house import House


@pytest.fixture
async def house(house: House) -> House:
    return await with_badge(house)


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
