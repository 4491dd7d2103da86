"""Transmission and validity against a count by hand."""

import random
from datetime import timedelta

import pytest

from farwatch.domain.rates import Rates
from farwatch.domain.reading import ReadingKind
from farwatch.storage import rates
from farwatch.storage.database import Pool
from tests.support.city import settle
from tests.support.review import HOUR

ONE_HOUR = timedelta(hours=1)


@pytest.fixture
async def channel(pool: Pool, database_url: str) -> int:
    await settle(database_url, stations=1, codes=("a21026",), limit=500)
    return int(await pool.fetchval("SELECT id FROM channels"))


async def reviewed(
    pool: Pool, channel: int, hour: int, verdict: str, flag: str | None = "N", received: int = 60
) -> None:
    await pool.execute(
        "INSERT INTO reviews (channel_id, kind, ts, verdict, reason, expected, received, valid, device_flag, late, reviewed_at)"
        " VALUES ($1, $2, $3, $4, '', 60, $6, 0, $5, false, now())",
        channel, str(ReadingKind.HOUR), HOUR + hour * ONE_HOUR, verdict, flag, received,
    )  # fmt: skip


async def stopped(pool: Pool, from_h: float, to_h: float, *, code: str | None = None) -> None:
    await pool.execute(
        "INSERT INTO marks (mn, code, label, from_at, to_at, declared_by) VALUES ('MN1', $1, 'stopped', $2, $3, 'x')",
        code, HOUR + from_h * ONE_HOUR, HOUR + to_h * ONE_HOUR,
    )  # fmt: skip


async def counted(pool: Pool, hours: int) -> Rates:
    [found] = (await rates.of_stations(pool, HOUR, HOUR + hours * ONE_HOUR)).values()
    return found


async def test_hours_that_were_declared_stopped_ahead_and_of_which_nothing_came_are_stopped(
    channel: int, pool: Pool
) -> None:
    """Nobody reviews an hour of a station that says nothing; its declaration counts all the same."""
    await reviewed(pool, channel, 0, "ok")
    await reviewed(pool, channel, 1, "invalid", "F")
    await reviewed(pool, channel, 3, "ok")
    await stopped(pool, 0.5, 4)
    await stopped(pool, 4, 4.5)
    await stopped(pool, 4.5, 20)
    await stopped(pool, 2, 3, code="a21002")
    assert await counted(pool, 10) == Rates(expected=10, sent=3, valid=2, stopped=8)


async def test_hours_without_a_limit_in_force_are_not_expected(channel: int, pool: Pool) -> None:
    await pool.execute("DELETE FROM limits")
    for begin, end, value in ((-9, 3, 50.0), (3, 5, None), (5.5, 8, 40.0)):
        await pool.execute(
            "INSERT INTO limits (channel_id, kind, limit_value, converted, warn_share, valid_from, valid_to)"
            " VALUES ($1, 'hour', $2, false, 1, $3, $4)",
            channel, value, HOUR + begin * ONE_HOUR, HOUR + end * ONE_HOUR,
        )  # fmt: skip
    for hour in range(10):
        await reviewed(pool, channel, hour, "no_limit" if hour in (3, 4, 8, 9) else "ok")
    assert await counted(pool, 10) == Rates(expected=5, sent=5, valid=5, stopped=0)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_mixture_is_what_is_counted_by_hand(channel: int, pool: Pool, seed: int) -> None:
    dice = random.Random(seed)
    marked, expected = set[int](), {"sent": 0, "valid": 0, "stopped": 0}
    for _ in range(4):
        begin = dice.randrange(48)
        end = begin + dice.randrange(1, 9)
        await stopped(pool, begin, end)
        marked |= set(range(begin, end))
    for hour in range(48):
        said = dice.choice(
            [None, ("ok", "N"), ("over", "N"), ("invalid", "D"), ("marked", None), ("marked", "F")]
        )
        if said is not None:
            await reviewed(pool, channel, hour, *said)
        is_valid = said is not None and said[0] in ("ok", "over")
        expected["sent"] += said is not None
        expected["valid"] += is_valid
        expected["stopped"] += not is_valid and (hour in marked or (said is not None and said[1] == "F"))
    assert await counted(pool, 48) == Rates(expected=48, **expected)
