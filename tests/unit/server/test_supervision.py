import asyncio

import pytest

from farwatch.runtime.supervision import Service, ServiceEndedError, run_services


class PassingError(Exception):
    pass


async def test_a_passing_error_is_tried_again_and_another_ends_everything() -> None:
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        raise PassingError if runs < 3 else ValueError("not passing")

    service = Service(name="x", run=run, passing=(PassingError,), first_delay_s=0, longest_delay_s=0)
    with pytest.raises(ExceptionGroup) as raised:
        await run_services([service], asyncio.Event())
    assert raised.group_contains(ValueError)
    assert runs == 3


async def test_a_service_that_returns_is_a_bug() -> None:
    async def run() -> None:
        return

    with pytest.raises(ExceptionGroup) as raised:
        await run_services([Service(name="x", run=run)], asyncio.Event())
    assert raised.group_contains(ServiceEndedError)


async def test_stopping_cancels_all_and_lets_them_clean_up() -> None:
    cleaned: list[str] = []
    stop = asyncio.Event()

    async def run() -> None:
        try:
            stop.set()
            await asyncio.Event().wait()
        finally:
            cleaned.append("done")

    await run_services([Service(name="a", run=run), Service(name="b", run=run)], stop)
    assert cleaned == ["done", "done"]
