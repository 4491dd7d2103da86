"""Who has a visit code and until when, which tasks have one, and what becomes of one that another key made."""

import logging
import stat

import pytest

from alerting import visits as codes
from server import visit_key
from tests.support.visits import arrive, code, events, look, token_of, visited, with_badge, write
from tests.support.web_house import House

EIGHT_HOURS = 8 * 3600


@pytest.fixture
async def house(house: House) -> House:
    return await with_badge(house)


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
    second = await token_of(house, task, "li")
    await house.pool.execute("UPDATE tasks SET officer = 'o1' WHERE id = $1", task)
    third = await token_of(house, task)

    assert len({first, second, third}) == 3
    assert [(await look(house, t)).status_code for t in (first, second, third)] == [404, 404, 200]


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


async def test_the_key_is_made_once_and_a_broken_one_is_said(house: House) -> None:
    folder = house.deps.data_dir / "other"
    key = visit_key.ensure(folder)
    assert visit_key.ensure(folder) == key
    visit_key.path_in(folder).write_bytes(b"short")
    with pytest.raises(visit_key.VisitKeyError):
        visit_key.ensure(folder)


async def test_a_code_of_another_key_is_renewed_and_said_aloud(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Another machine made it, or the data folder came back without its keys: what its officer is shown opens."""
    task = await visited(house)
    before = await token_of(house, task)
    visit_key.path_in(house.deps.data_dir).unlink()
    house.use()  # as after a restart
    after = [await token_of(house, task) for _ in range(2)]

    assert after[0] == after[1] != before
    assert [(await look(house, t)).status_code for t in (before, after[0])] == [404, 200]
    (said,) = [r for r in caplog.records if visit_key.FILE in r.getMessage()]
    assert (said.levelno, said.getMessage().endswith("all machines need the same")) == (logging.ERROR, True)


@pytest.mark.parametrize(
    ("kinds", "enterprise", "calls_for_code"),
    [
        (("camera_fault",), None, False),
        (("camera_fault", "camera_fault"), None, False),
        (("camera_fault",), "e1", True),
        (("data_fault",), "e1", True),
        (("data_fault",), None, True),  # a storm's: whose, its matters say
        (("camera_fault", "burning"), None, True),
        (("smoke",), "e1", True),
    ],
)
async def test_a_camera_of_no_enterprise_is_looked_after_without_a_code(
    house: House, kinds: tuple[str, ...], enterprise: str | None, calls_for_code: bool
) -> None:
    task = await house.task(officer="o1", state="accepted", enterprise=enterprise)
    for kind in kinds:
        await house.matter(task, kind=kind)
    assert await arrive(house, task) == 200
    answer = await code(house, task)
    async with house.client("chen") as client:
        standing = (await client.get(f"/api/v1/tasks/{task}/visits")).json()["standing"]["key"]

    assert await house.pool.fetchval("SELECT count(*) FROM visit_codes") == int(calls_for_code)
    if calls_for_code:
        assert (answer.status_code, standing) == (200, "visit_code_never_shown")
    else:
        assert (answer.status_code, answer.json()["error"]["key"]) == (409, "no_enterprise_visited")
        assert standing == "visit_without_enterprise"
