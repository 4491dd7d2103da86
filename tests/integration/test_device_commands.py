"""Commands to loggers as rows, and what loggers answer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farwatch.domain.device import Command, CommandState, DeviceReply, StationLink, Way
from farwatch.storage import device_commands, station_links
from farwatch.storage.database import DATA_ERRORS, Pool
from tests.support.city import settle

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PERIOD = {"BeginTime": "20260302110000", "EndTime": "20260302120000"}


@pytest.fixture
async def city(database_url: str) -> None:
    await settle(database_url, stations=2)


async def test_each_stations_oldest_open_command_is_outstanding_until_it_ends(pool: Pool, city: None) -> None:
    first = await device_commands.add(pool, "MN1", Command.FETCH_HOURS, PERIOD, "amy")
    second = await device_commands.add(pool, "MN1", Command.GET_CLOCK, {}, "amy")
    other = await device_commands.add(pool, "MN2", Command.GET_CLOCK, {}, "bo")
    waiting = await device_commands.outstanding(pool)
    assert [(c.id, c.mn, c.parameters, c.asked_by) for c in waiting] == [
        (first, "MN1", PERIOD, "amy"),
        (other, "MN2", {}, "bo"),
    ]
    ended = replace(
        waiting[0], state=CommandState.DONE, reason="done", qn="20260302120000000", way=Way.TCP, ended_at=AT
    )
    await device_commands.save(pool, ended)
    assert [c.id for c in await device_commands.outstanding(pool)] == [second, other]
    assert await device_commands.of_station(pool, "MN1", 10) == [
        (await device_commands.outstanding(pool))[0],
        ended,
    ]
    assert [c.id for c in await device_commands.of_station(pool, "MN1", 10, before=second)] == [first]


async def test_a_station_that_never_was_takes_no_command(pool: Pool, city: None) -> None:
    with pytest.raises(DATA_ERRORS):
        await device_commands.add(pool, "MN9", Command.GET_CLOCK, {}, "amy")


async def test_a_reply_is_found_by_its_exchange_and_its_repeat_says_nothing_new(
    pool: Pool, city: None
) -> None:
    number = await device_commands.add(pool, "MN1", Command.GET_CLOCK, {}, "amy")
    await pool.execute("UPDATE device_commands SET asked_at = $1", AT)
    (command,) = await device_commands.outstanding(pool)
    await device_commands.save(
        pool, replace(command, state=CommandState.SENT, qn="20260302120000000", sent_at=AT)
    )
    (command,) = await device_commands.outstanding(pool)
    said = [
        DeviceReply("MN1", "9011", "20260302120000000", {"QnRtn": "1"}, AT),
        DeviceReply("MN1", "1011", "20260302120000000", {"SystemTime": "20260302120\x00000"}, AT),
        DeviceReply("MN1", "9012", "", {"QN": "20260302120000000", "ExeRtn": "1"}, AT),
        DeviceReply("MN2", "9011", "20260302120000000", {"QnRtn": "1"}, AT),
        DeviceReply("MN1", "9015", "20260302120000001", {}, AT),
    ]
    async with pool.acquire() as connection:
        await device_commands.note_replies(connection, said)
        await device_commands.note_replies(
            connection, [replace(said[0], received_at=AT + timedelta(hours=1))]
        )
    found = await device_commands.replies_to(pool, [command])
    assert [(r.cn, r.received_at) for r in found[number]] == [("9011", AT), ("1011", AT), ("9012", AT)]
    assert await pool.fetchval("SELECT count(*) FROM device_replies") == 4


async def test_an_answer_under_a_number_of_its_own_is_the_commands_if_it_came_after(
    pool: Pool, city: None
) -> None:
    number = await device_commands.add(pool, "MN1", Command.GET_CLOCK, {}, "amy")
    await pool.execute("UPDATE device_commands SET asked_at = $1", AT)
    (command,) = await device_commands.outstanding(pool)
    await device_commands.save(
        pool, replace(command, state=CommandState.SENT, qn="20260302120000000", sent_at=AT)
    )
    (command,) = await device_commands.outstanding(pool)
    answer = DeviceReply("MN1", "1011", "20260302120000777", {"SystemTime": "1"}, AT + timedelta(seconds=1))
    other = DeviceReply("MN1", "1061", "20260302120000778", {"RtdInterval": "30"}, AT + timedelta(seconds=1))
    old = DeviceReply("MN1", "1011", "20260302110000777", {"SystemTime": "0"}, AT - timedelta(seconds=1))
    async with pool.acquire() as connection:
        await device_commands.note_replies(connection, [old, answer, other])
    assert await device_commands.replies_to(pool, [command]) == {number: [answer]}


async def test_a_link_is_the_newest_that_was_heard(pool: Pool, city: None) -> None:
    link = StationLink(
        mn="MN1", way=Way.TCP, dialect=2005, system="32", checksum="modbus", address="127.0.0.1", heard_at=AT
    )
    older = replace(link, way=Way.MQTT, heard_at=AT - timedelta(seconds=1))
    await station_links.note(pool, [link, replace(link, mn="MN9")])
    await station_links.note(pool, [older])
    assert await station_links.load(pool) == {"MN1": link}


async def test_the_same_answer_without_a_number_is_heard_each_time_it_is_given(
    pool: Pool, city: None
) -> None:
    """An interval asked for twice is answered twice in the same words."""
    said = DeviceReply("MN1", "1061", "", {"RtdInterval": "30"}, AT)
    async with pool.acquire() as connection:
        await device_commands.note_replies(connection, [said, said])
    later = AT + timedelta(days=3)
    number = await device_commands.add(pool, "MN1", Command.GET_REALTIME_INTERVAL, {}, "amy")
    await pool.execute("UPDATE device_commands SET asked_at = $1", later)
    (command,) = await device_commands.outstanding(pool)
    sent = replace(command, state=CommandState.SENT, qn="20260305120000000", sent_at=later)
    await device_commands.save(pool, sent)
    again = replace(said, received_at=later + timedelta(seconds=2))
    async with pool.acquire() as connection:
        await device_commands.note_replies(connection, [again, again])
    (found,) = (await device_commands.replies_to(pool, [sent]))[number]
    assert (found.cn, found.received_at) == ("1061", again.received_at)
    assert await pool.fetchval("SELECT count(*) FROM device_replies") == 1
