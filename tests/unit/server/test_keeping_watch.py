"""A worker is ended for what is seen twice in a row, by a watcher that was not kept from looking itself."""

import asyncio
from pathlib import Path

import pytest

from farwatch.runtime.vitals import Vitals
from farwatch.runtime.watchdog import Bounds, Trouble
from server import keeping
from server.keeping import Keeper, RoleProcess


class Process:
    """One that never ends by itself."""

    pid, returncode = 0, None

    async def wait(self) -> None:
        await asyncio.Event().wait()


async def watched(monkeypatch: pytest.MonkeyPatch, says: list[Trouble | None], late_at: int = -1) -> int:
    """How many looks it took until the worker was to be ended."""
    looks, loop = 0, asyncio.get_running_loop()
    time = loop.time

    def judge(*_: object, **__: object) -> Trouble | None:
        nonlocal looks
        looks += 1
        if looks == late_at:  # the watcher's own process is stopped for a while
            monkeypatch.setattr(loop, "time", lambda: time() + 2 * keeping.LATE_S)
        return says[looks - 1]

    monkeypatch.setattr(keeping, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(keeping, "LATE_S", 3600.0)
    monkeypatch.setattr(keeping, "judge", judge)
    keeper = Keeper(RoleProcess("cameras", "1/1", Bounds(base_bytes=1, each_bytes=1)), {}, Path())
    assert await keeper._watch(Process(), Vitals(None)) == says[looks - 1]  # type: ignore[arg-type]
    return looks


STUCK, BIG = Trouble.STUCK, Trouble.TOO_BIG


@pytest.mark.parametrize(
    ("says", "looks"),
    [([STUCK, STUCK], 2), ([None, STUCK, None, STUCK, STUCK], 5), ([STUCK, BIG, STUCK, BIG, BIG], 5)],
)
async def test_what_was_seen_once_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, says: list[Trouble | None], looks: int
) -> None:
    assert await watched(monkeypatch, says) == looks


async def test_a_watcher_that_was_stopped_itself_gives_everybody_another_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await watched(monkeypatch, [None, STUCK, STUCK, STUCK], late_at=2) == 4
