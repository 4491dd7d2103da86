"""Data loggers over real sockets: every frame is a row before it is answered, and nobody can hold the door open."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from farwatch.domain.device import StationSecret
from farwatch.storage import station_links
from farwatch.storage.database import Pool, connect, transaction
from ingest.hj212.frame import FrameVerdict
from ingest.loggers.limits import LoggerLimits
from tests.support.city import settle
from tests.support.loggers import House, logger_house, upload
from tests.support.waiting import until

SECRETS = {"stack": StationSecret(password="654321")}


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251


async def change(url: str, sql: str) -> None:
    connection = await connect(url)
    await connection.execute(sql)
    await connection.close()


@pytest.fixture
async def city(database_url: str) -> None:
    await settle(database_url, stations=3)


@pytest.fixture
async def house(pool: Pool, database_url: str, city: None) -> AsyncIterator[House]:
    async with logger_house(pool, database_url) as running:
        yield running


async def readings(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT count(*) FROM readings"))


def ended_by(reason: str) -> float:
    name = "farwatch_hj212_connections_ended_total"
    return REGISTRY.get_sample_value(name, {"reason": reason}) or 0.0


async def letters(pool: Pool) -> list[str]:
    return [r["reason"] for r in await pool.fetch("SELECT reason FROM dead_letters ORDER BY id")]


@pytest.mark.parametrize("dialect", [2005, 2017, 2025])
async def test_an_answer_comes_when_its_reading_is_a_row(pool: Pool, house: House, dialect: int) -> None:
    logger = await house.logger()
    await logger.send(upload("MN1", now(), 31.5, dialect=dialect))
    answer = await logger.packet()
    assert await readings(pool) == 1
    assert answer.cn == "9014"


async def test_a_frame_in_pieces_and_frames_in_one_piece_are_all_taken_in_order(
    pool: Pool, house: House
) -> None:
    logger = await house.logger()
    newest = now()
    frames = [upload("MN1", newest - timedelta(seconds=s), 30 + s) for s in range(20, 0, -1)]
    text = b"".join(frame.rstrip() for frame in frames)
    await logger.send(*(text[i : i + 37] for i in range(0, len(text), 37)), b"\r\n")
    answers = [await logger.packet() for _ in frames]
    assert [a.qn for a in answers] == sorted(a.qn for a in answers)
    assert await readings(pool) == 20


async def test_what_is_sent_again_is_answered_again_and_stored_once(pool: Pool, house: House) -> None:
    frame = upload("MN1", now(), 31.5)
    for _ in range(2):
        logger = await house.logger()
        await logger.send(frame, frame)
        assert (await logger.packet()).qn == (await logger.packet()).qn
        await logger.close()
    assert await readings(pool) == 1
    assert await pool.fetchval("SELECT count(*) FROM reading_revisions") == 0


async def test_a_gateway_carries_several_stations_on_one_connection(pool: Pool, house: House) -> None:
    gateway = await house.logger()
    await gateway.send(*(upload(f"MN{n}", now(), 30 + n) for n in (1, 2, 3)))
    assert [(await gateway.packet()).mn for _ in range(3)] == ["MN1", "MN2", "MN3"]
    assert house.lines.to("MN2") is house.lines.to("MN3")
    newer = await house.logger()
    await newer.send(upload("MN2", now() + timedelta(seconds=1), 30))
    await newer.packet()
    assert house.lines.to("MN2") is not house.lines.to("MN3")
    await newer.close()
    await until(_same_line(house), lambda same: same)


def _same_line(house: House) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return house.lines.to("MN2") is house.lines.to("MN3")

    return look


async def test_an_unknown_station_is_not_answered_and_kept_under_one_quota(pool: Pool, house: House) -> None:
    logger = await house.logger()
    await logger.send(upload("NOBODY", now(), 1.0), b"rubbish\r\n", upload("MN1", now(), 1.0))
    assert (await logger.packet()).mn == "MN1"
    kept = await until(
        lambda: pool.fetch("SELECT source, reason FROM dead_letters ORDER BY id"), lambda rows: len(rows) == 2
    )
    assert [tuple(r) for r in kept] == [("unknown", "unknown_station"), ("unknown", "no_mn")]


async def test_a_wrong_password_is_neither_stored_nor_answered_nor_spoken_to(
    pool: Pool, database_url: str, city: None
) -> None:
    await change(database_url, "UPDATE stations SET credential = 'stack' WHERE mn = 'MN1'")
    async with logger_house(pool, database_url, secrets=SECRETS) as house:
        logger = await house.logger()
        await logger.send(upload("MN1", now(), 1.0, pw="123456"), upload("MN2", now(), 2.0))
        assert (await logger.packet()).mn == "MN2"
        assert house.lines.to("MN1") is None
        await logger.send(upload("MN1", now(), 3.0, pw="654321"))
        assert (await logger.packet()).mn == "MN1"
        assert house.lines.to("MN1") is not None
        assert await letters(pool) == ["wrong_password"]
        assert await readings(pool) == 2


async def test_a_station_whose_secret_was_lost_is_not_believed_without(
    pool: Pool, database_url: str, city: None
) -> None:
    await change(database_url, "UPDATE stations SET credential = 'lost' WHERE mn = 'MN1'")
    async with logger_house(pool, database_url, secrets=SECRETS) as house:
        logger = await house.logger()
        await logger.send(upload("MN1", now(), 1.0), upload("MN2", now(), 2.0))
        assert (await logger.packet()).mn == "MN2"
        assert await letters(pool) == ["no_secret"]
        assert await readings(pool) == 1


@pytest.mark.parametrize(("source", "is_taken"), [("127.0.0.0/29", True), ("127.0.0.9", False), ("", True)])
async def test_a_station_may_be_bound_to_an_address_or_network(
    pool: Pool, database_url: str, city: None, source: str, is_taken: bool
) -> None:
    await change(database_url, f"UPDATE stations SET source = '{source}' WHERE mn = 'MN1'")
    async with logger_house(pool, database_url) as house:
        logger = await house.logger(source="127.0.0.2")
        await logger.send(upload("MN1", now(), 1.0), upload("MN2", now(), 2.0))
        assert (await logger.packet()).mn == ("MN1" if is_taken else "MN2")
        if not is_taken:
            await until(lambda: letters(pool), lambda kept: kept == ["wrong_source"])


@pytest.mark.parametrize("policy", ["strict", "accept-modbus"])
async def test_which_checksum_matched_is_recorded(
    pool: Pool, database_url: str, city: None, policy: str
) -> None:
    await change(database_url, f"UPDATE stations SET crc = '{policy}' WHERE mn = 'MN1'")
    async with logger_house(pool, database_url) as house:
        logger = await house.logger()
        await logger.send(upload("MN1", now(), 1.0, crc=FrameVerdict.MODBUS), upload("MN2", now(), 1.0))
        links = await until(lambda: station_links.load(pool), lambda found: "MN2" in found)
        assert {mn: link.checksum for mn, link in links.items()} == (
            {"MN2": "pass"} if policy == "strict" else {"MN1": "modbus", "MN2": "pass"}
        )


async def test_a_flood_from_one_address_leaves_room_for_others(
    pool: Pool, database_url: str, city: None
) -> None:
    limits = LoggerLimits(connections=30, connections_per_address=20)
    async with logger_house(pool, database_url, limits=limits) as house:
        flood = [await house.logger(source="127.0.0.3") for _ in range(40)]
        other = await house.logger(source="127.0.0.4")
        await other.send(upload("MN1", now(), 1.0))
        assert (await other.packet()).cn == "9014"
        assert all([await logger.ended() for logger in flood[20:]])


async def test_a_frame_that_drips_and_a_connection_that_says_nothing_are_ended(
    pool: Pool, database_url: str, city: None
) -> None:
    limits = LoggerLimits(frame_within_s=1.0, introduce_within_s=2.0, idle_s=1.0)
    async with logger_house(pool, database_url, limits=limits) as house:
        before = {reason: ended_by(reason) for reason in ("no_introduction", "frame_unfinished", "idle")}
        silent, slow, idle = [await house.logger() for _ in range(3)]
        await idle.send(upload("MN2", now(), 1.0))
        with pytest.raises((ConnectionError, TimeoutError)):
            async with asyncio.timeout(8):
                for byte in upload("MN1", now(), 1.0) * 20:
                    await slow.send(bytes([byte]))
                    await asyncio.sleep(0.02)
        assert await silent.ended()
        assert await idle.ended()
        assert [ended_by(reason) - n for reason, n in before.items()] == [1, 1, 1]
        assert house.lines.to("MN2") is None


async def test_who_does_not_read_its_answers_is_ended(pool: Pool, database_url: str, city: None) -> None:
    async with logger_house(pool, database_url, limits=LoggerLimits(write_within_s=1.0)) as house:
        before = ended_by("write_stalled")
        deaf = await house.logger(receive_bytes=2048)
        frame = upload("MN1", now(), 1.0)
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(60):
                while True:
                    await deaf.send(frame * 20)
        assert house.lines.to("MN1") is None
        assert ended_by("write_stalled") == before + 1


@pytest.mark.parametrize(
    "limits", [LoggerLimits(frames_waiting=64), LoggerLimits(frames_waiting_in_all=64, frames_waiting=9999)]
)
async def test_a_database_that_is_away_slows_the_loggers_and_loses_nothing(
    pool: Pool, database_url: str, city: None, limits: LoggerLimits
) -> None:
    """A lock on the table is what an outage looks like to one batch: it waits, and whoever sends waits too."""
    newest = now()
    frames = [upload("MN1", newest - timedelta(seconds=s), float(s)) for s in range(400)]
    async with logger_house(pool, database_url, limits=limits) as house, asyncio.TaskGroup() as group:
        logger = await house.logger()
        async with transaction(pool) as blocker:
            await blocker.execute("LOCK TABLE readings IN ACCESS EXCLUSIVE MODE")
            group.create_task(logger.send(*frames))
            await until(_paused(house), lambda paused: paused == 1)
            assert await _waiting(house) < 400
        assert len([await logger.packet(20) for _ in frames]) == 400
        kept = await pool.fetch("SELECT value FROM readings ORDER BY ts DESC")
        assert [row["value"] for row in kept] == [float(s) for s in range(400)]


def _paused(house: House) -> Callable[[], Awaitable[int]]:
    async def look() -> int:
        return sum(c.is_paused for c in house.server._connections)

    return look


async def _waiting(house: House) -> int:
    return sum(c.waiting for c in house.server._connections)


async def test_only_refused_frames_end_a_connection_and_a_flood_of_them_is_no_flood_of_rows(
    pool: Pool, database_url: str, city: None
) -> None:
    async with logger_house(pool, database_url, limits=LoggerLimits(refused_frames=500)) as house:
        logger = await house.logger()
        with contextlib.suppress(ConnectionError):
            await logger.send(*(upload(f"NOBODY{i}", now(), 1.0) for i in range(2000)))
        assert await logger.ended()
        await until(lambda: letters(pool), lambda kept: len(kept) >= 200)
        assert len(await letters(pool)) <= 600


async def test_a_password_cannot_be_found_by_trying(pool: Pool, database_url: str, city: None) -> None:
    await change(database_url, "UPDATE stations SET credential = 'stack' WHERE mn = 'MN1'")
    async with logger_house(pool, database_url, secrets=SECRETS) as house:
        known = await house.logger(source="127.0.0.2")
        await known.send(upload("MN1", now(), 1.0, pw="654321"))
        assert (await known.packet()).mn == "MN1"
        for at in range(3):
            guesser = await house.logger(source="127.0.0.2")
            await guesser.send(*(upload("MN1", now(), 1.0, pw=f"{at}{n:05d}") for n in range(10)))
            await guesser.send(upload("MN1", now(), 5.0, pw="654321"), upload("MN2", now(), 2.0))
            assert (await guesser.packet()).mn == "MN2"
            await guesser.close()
        # Who has shown it goes on, and so does the station from elsewhere.
        for source, logger in (("", known), ("127.0.0.3", None)):
            logger = logger or await house.logger(source=source)
            await logger.send(upload("MN1", now() + timedelta(seconds=1), 6.0, pw="654321"))
            assert (await logger.packet()).mn == "MN1"
            await logger.close()
        kept = await until(lambda: letters(pool), lambda found: found.count("too_many_guesses") > 20)
        assert kept.count("wrong_password") == 10
        assert await pool.fetchval("SELECT count(*) FROM readings WHERE value = 5") == 0


async def test_a_flood_is_cut_off_within_one_read(pool: Pool, database_url: str, city: None) -> None:
    async with logger_house(pool, database_url, limits=LoggerLimits(refused_frames=100)) as house:
        before = frames_read()
        flood = await house.logger()
        with contextlib.suppress(ConnectionError):
            await flood.send(*[b"##0001A1234" * 1400] * 30)
        assert await flood.ended()
        assert frames_read() - before <= 1600


def frames_read() -> float:
    return REGISTRY.get_sample_value("farwatch_hj212_frames_total", {"verdict": "fail"}) or 0.0


async def test_who_floods_is_not_let_in_again_at_once_and_others_are(
    pool: Pool, database_url: str, city: None
) -> None:
    async with logger_house(pool, database_url, limits=LoggerLimits(refused_frames=100)) as house:
        for _ in range(4):
            flood = await house.logger(source="127.0.0.7")
            await flood.send(b"##0001A1234" * 30)
            await flood.close()
        await until(_connections(house), lambda open_now: open_now == 0)
        again = await house.logger(source="127.0.0.7")
        assert await again.ended()
        other = await house.logger(source="127.0.0.8")
        await other.send(upload("MN1", now(), 1.0))
        assert (await other.packet()).mn == "MN1"


async def test_many_connections_of_one_flood_are_cut_off_together(
    pool: Pool, database_url: str, city: None
) -> None:
    async with logger_house(pool, database_url, limits=LoggerLimits(refused_frames=100)) as house:
        known, *idle, flood = [await house.logger(source="127.0.0.7") for _ in range(6)]
        await known.send(upload("MN1", now(), 1.0))
        await known.packet()
        with contextlib.suppress(ConnectionError):
            await flood.send(b"##0001A1234" * 1400)
        assert all([await logger.ended() for logger in (*idle, flood)])
        await known.send(upload("MN1", now() + timedelta(seconds=1), 1.0))
        assert (await known.packet()).mn == "MN1"


async def test_forged_frames_of_a_known_station_are_cut_off_as_well(
    pool: Pool, database_url: str, city: None
) -> None:
    async with logger_house(pool, database_url, limits=LoggerLimits(refused_frames=100)) as house:
        forger = await house.logger(source="127.0.0.7")
        with contextlib.suppress(ConnectionError):
            for n in range(100):
                await forger.send(b"##0030MN=MN1;CN=2011;CP=&&x=%04d&&0000\r\n" % n * 400)
        assert await forger.ended()
        assert len(await until(lambda: letters(pool), lambda kept: len(kept) > 0)) <= 200


def _connections(house: House) -> Callable[[], Awaitable[int]]:
    async def look() -> int:
        return len(house.server._connections)

    return look
