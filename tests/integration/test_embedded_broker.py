"""The broker that the demo brings along: reachable with its passwords only, gone when it should be."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from ingest.mqtt import PASSING_ERRORS, open_publisher
from server.embedded.broker import EmbeddedBroker
from server.embedded.children import Children, started_at_ticks
from tests.support.mosquitto import PROGRAM
from tests.support.waiting import until

pytestmark = pytest.mark.process
ACCOUNTS = {"farwatch": "p@ss/wörd", "city": "other"}


@pytest.fixture(params=["mosquitto", "amqtt"])
def broker(request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedBroker:
    if request.param == "mosquitto" and PROGRAM is None:
        pytest.skip("mosquitto is not installed here")
    if request.param == "amqtt":
        monkeypatch.setattr("shutil.which", lambda *_args, **_kw: None)
    made = EmbeddedBroker(tmp_path / "broker", ACCOUNTS, Children(tmp_path))
    assert made.for_show == (request.param == "amqtt")
    return made


async def test_it_takes_messages_from_its_users_and_from_nobody_else(broker: EmbeddedBroker) -> None:
    await broker.start()
    try:
        async with open_publisher(broker.url("farwatch")) as publish:
            await publish("farwatch/v1/MN/rtd", b"{}")
        with pytest.raises(PASSING_ERRORS):
            async with open_publisher(broker.url("city").replace("other", "wrong")):
                pass
    finally:
        await broker.stop()


async def test_it_stops_within_seconds_and_starts_again_in_the_same_folder(broker: EmbeddedBroker) -> None:
    for _ in range(2):
        await broker.start()
        async with asyncio.timeout(5):
            await broker.stop()


async def test_its_files_are_for_their_owner_only(broker: EmbeddedBroker, tmp_path: Path) -> None:
    await broker.start()
    await broker.stop()

    assert (tmp_path / "broker").stat().st_mode & 0o777 == 0o700
    for name in (tmp_path / "broker").glob("passwords*"):
        assert name.stat().st_mode & 0o777 == 0o600
        assert "other" not in name.read_text().replace("other:", "")


async def test_a_child_left_by_a_killed_start_is_ended_by_the_next(tmp_path: Path) -> None:
    left = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    (tmp_path / "children.json").write_text(f'{{"sleeper": [{left.pid}, {started_at_ticks(left.pid)}]}}')

    assert await Children(tmp_path).end_leftovers() == ["sleeper"]
    assert await left.wait() == -signal.SIGTERM


async def test_a_stranger_with_a_used_again_number_is_left_alone(tmp_path: Path) -> None:
    stranger = await asyncio.create_subprocess_exec("sleep", "600")
    (tmp_path / "children.json").write_text(f'{{"sleeper": [{stranger.pid}, 1]}}')

    try:
        assert await Children(tmp_path).end_leftovers() == []
        assert stranger.returncode is None
    finally:
        stranger.terminate()
        await stranger.wait()


async def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys, pathlib\n"
        "from server.embedded.children import Children\n"
        "async def main():\n"
        "    folder = pathlib.Path(sys.argv[1])\n"
        "    child = await Children(folder).start('sleeper', ['/bin/sleep', '600'], log=folder / 'log')\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    child = int(await parent.stdout.readline())

    async def command() -> bytes:
        try:
            return Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            return b""

    await until(command, lambda c: c.startswith(b"/bin/sleep"))
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    await until(command, lambda c: c == b"", within_s=5)
