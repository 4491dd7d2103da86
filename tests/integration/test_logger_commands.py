"""Commands end to end: a row, a frame over a real socket, a simulated logger in its dialect, and the row's end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farwatch.domain.device import OPEN, Command, CommandState, DeviceCommand, StationSecret, Way
from farwatch.domain.reading import ReadingKind
from farwatch.runtime.clock import SystemClock
from farwatch.runtime.supervision import Service, keep_running
from farwatch.storage import device_commands
from farwatch.storage.database import Pool, connect
from ingest.delivery import Delivery
from ingest.hj212.frame import FrameVerdict
from ingest.hj212.framer import Framer
from ingest.hj212.packet import Dialect, Packet, parse
from ingest.loggers.broker_ear import BrokerEar
from ingest.payloads import Measurement
from simulators.logger_device import LoggerDevice, LoggerIdentity, Manner
from simulators.loggers import PASSING_ERRORS, Logger, Wire
from tests.support.city import settle
from tests.support.loggers import House, logger_house, upload
from tests.support.waiting import until

KEY = b"0123456789abcdef"
SECRETS = {"one": StationSecret(password="654321"), "three": StationSecret(password="777777", sm4_key=KEY)}


def hour_of(now: datetime, back: int) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=back)


@pytest.fixture
async def house(pool: Pool, database_url: str) -> AsyncIterator[House]:
    await settle(database_url, stations=3)
    connection = await connect(database_url)
    await connection.execute(
        "UPDATE stations SET credential = 'one', crc = 'accept-modbus' WHERE mn = 'MN1';"
        "UPDATE stations SET credential = 'three' WHERE mn = 'MN3'"
    )
    await connection.close()
    async with logger_house(pool, database_url, secrets=SECRETS) as running:
        yield running


@asynccontextmanager
async def connected(house: House, device: LoggerDevice, wire: Wire | None = None) -> AsyncIterator[Logger]:
    """A logger that says one value a second."""

    def measure(now: datetime) -> list[Measurement]:
        return [
            Measurement(device.identity.mn, ReadingKind.RTD, now.replace(microsecond=0), {"a21026": 30.0})
        ]

    logger = Logger(device, measure, SystemClock(), period_s=1.0, wire=wire or Wire())
    async with asyncio.TaskGroup() as group:
        service = Service(
            name="logger", run=lambda: logger.run_once("127.0.0.1", house.port), passing=PASSING_ERRORS
        )
        running = group.create_task(keep_running(service))
        yield logger
        running.cancel()


def device_of(dialect: Dialect, manner: Manner | None = None) -> LoggerDevice:
    """Stations MN1 to MN3 speak 2005, 2017 and 2025; the last one sealed."""
    mn, password, key = {
        2005: ("MN1", "654321", None),
        2017: ("MN2", "123456", None),
        2025: ("MN3", "777777", KEY),
    }[dialect]
    identity = LoggerIdentity(mn=mn, dialect=dialect, password=password, sm4_key=key, system="32")
    device = LoggerDevice(identity, manner or Manner(), timedelta(minutes=7))
    now = datetime.now(UTC)  # noqa: TID251
    device.remember(
        Measurement(mn, ReadingKind.HOUR, hour_of(now, back), {"a21026": 20.0 + back})
        for back in range(20, 0, -1)
    )
    return device


async def ended(pool: Pool, number: int, mn: str, within_s: float = 30) -> DeviceCommand:
    async def look() -> DeviceCommand:
        return next(c for c in await device_commands.of_station(pool, mn, 20) if c.id == number)

    return await until(look, lambda c: c.state not in OPEN, within_s)


DIALECTS: list[Dialect] = [2005, 2017, 2025]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_each_command_does_what_it_says_in_each_dialect(
    pool: Pool, house: House, dialect: Dialect
) -> None:
    manner = Manner(checksum=FrameVerdict.MODBUS) if dialect == 2005 else Manner()
    device = device_of(dialect, manner)
    mn = device.identity.mn
    now = datetime.now(UTC)  # noqa: TID251
    local = {
        "BeginTime": f"{hour_of(now, 12) + timedelta(hours=8):%Y%m%d%H%M%S}",
        "EndTime": f"{hour_of(now, 3) + timedelta(hours=8):%Y%m%d%H%M%S}",
    }
    asked: list[tuple[Command, dict[str, str]]] = [
        (Command.GET_CLOCK, {}),
        (Command.SET_CLOCK, {}),
        (Command.SET_REALTIME_INTERVAL, {"RtdInterval": "45"}),
        (Command.GET_REALTIME_INTERVAL, {}),
        (Command.SET_MINUTE_INTERVAL, {"MinInterval": "7"}),
        (Command.FETCH_HOURS, local),
        (Command.RETAIN_SAMPLE, {}),
    ]
    numbers = [await device_commands.add(pool, mn, command, said, "amy") for command, said in asked]
    async with connected(house, device, Wire(glue=dialect == 2017, cut=dialect == 2025)):
        await ended(pool, numbers[-1], mn)
    rows = {c.id: c for c in await device_commands.of_station(pool, mn, 20)}
    clock, *_ = done = [rows[n] for n in numbers]
    assert [(c.state, c.reason) for c in done] == [
        (CommandState.REFUSED, "condition_not_met")
        if c.command is Command.SET_MINUTE_INTERVAL
        else (CommandState.DONE, "executed")
        for c in done
    ]
    assert all(
        c.way is Way.TCP and c.tries == 1 and c.sent_at and c.confirmed_at and c.ended_at for c in done
    )
    assert clock.answer["SystemTime"].startswith("20")
    assert abs(device.clock_offset) < timedelta(seconds=3)
    assert done[5].answer == {"packets": "10"}
    assert done[3].answer == {"RtdInterval": "45"}
    assert done[6].answer["VaseNo"] == "1"
    hours = await pool.fetch(
        "SELECT value FROM readings r JOIN channels c ON c.id = r.channel_id WHERE c.mn = $1 AND kind = 'hour' ORDER BY ts",
        mn,
    )
    assert [r["value"] for r in hours] == [20.0 + back for back in range(12, 2, -1)]


async def test_a_password_that_the_device_does_not_have_is_told(pool: Pool, house: House) -> None:
    number = await device_commands.add(pool, "MN2", Command.GET_CLOCK, {}, "amy")
    async with connected(house, device_of(2017, Manner(wants_password="999999"))):
        refused = await ended(pool, number, "MN2")
    assert (refused.state, refused.reason) == (CommandState.REFUSED, "wrong_password")


async def test_a_command_that_is_lost_is_sent_again_under_the_same_name(pool: Pool, house: House) -> None:
    number = await device_commands.add(pool, "MN2", Command.GET_CLOCK, {}, "amy")
    async with connected(house, device_of(2017, Manner(ignores_first=1))):
        await until(
            lambda: device_commands.of_station(pool, "MN2", 1), lambda c: c[0].state is CommandState.SENT
        )
        await pool.execute("UPDATE device_commands SET sent_at = sent_at - interval '10 s'")
        done = await ended(pool, number, "MN2")
    assert (done.state, done.tries) == (CommandState.DONE, 2)


async def test_a_parameter_that_would_be_another_field_is_refused_here(pool: Pool, house: House) -> None:
    bad = {"RtdInterval": "30&&;CN=1072"}
    number = await device_commands.add(pool, "MN2", Command.SET_REALTIME_INTERVAL, bad, "amy")
    async with connected(house, device_of(2017)):
        refused = await ended(pool, number, "MN2")
    assert (refused.state, refused.reason, refused.tries) == (CommandState.REFUSED, "bad_parameters", 0)


async def test_what_a_killed_service_had_sent_is_finished_by_the_next_one(
    pool: Pool, database_url: str, house: House
) -> None:
    """The row says sent; whether the frame ever left nobody knows."""
    number = await device_commands.add(pool, "MN2", Command.GET_CLOCK, {}, "amy")
    (command,) = [c for c in await device_commands.outstanding(pool) if c.id == number]
    long_ago = datetime.now(UTC) - timedelta(minutes=10)  # noqa: TID251
    await device_commands.save(
        pool,
        replace(
            command, state=CommandState.SENT, qn="20260301120000123", tries=1, way=Way.TCP, sent_at=long_ago
        ),
    )
    async with connected(house, device_of(2017)):
        done = await ended(pool, number, "MN2")
    assert (done.state, done.tries, done.qn) == (CommandState.DONE, 2, "20260301120000123")


async def test_a_station_that_listens_to_the_broker_is_asked_there(pool: Pool, house: House) -> None:
    now = datetime.now(UTC)  # noqa: TID251
    ear = BrokerEar(
        take_batch=house.intake.take,
        registry=lambda: house.intake.registry,
        secrets=SECRETS,
        heard=house.heard,
        clock=SystemClock(),
    )
    (answer,) = await ear.take([Delivery("hj212/MN2/up", upload("MN2", now, 1.0, pw="121212"), 1, 1, 1)])
    assert answer is not None
    await device_commands.add(pool, "MN2", Command.GET_CLOCK, {}, "amy")

    async def sent() -> int:
        return len(house.broker_frames)

    await until(sent, lambda n: n == 1)
    mn, frame = house.broker_frames[0]
    asked = parse(Framer().feed(frame)[0].segment)
    assert isinstance(asked, Packet)
    assert (mn, asked.cn, asked.st, asked.pw, asked.flag) == ("MN2", "1011", "31", "121212", 5)
