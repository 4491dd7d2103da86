"""`farwatch demo` from an empty folder to tasks on the page, through stop, kill -9 and second starts, as one story."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators.officer_phone import ApiClient
from tests.support.mosquitto import free_port
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(420)]
COLD_START_S, WARM_START_S = 240, 60
"""A cold start draws and encodes six loops: a minute of CPU."""


class Demo:
    """The command as a person starts it."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port = data, port
        self.url = f"http://127.0.0.1:{port}"
        self.out = data.parent / "demo.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> "Demo":
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                self._command(*more), stdout=out, stderr=out, start_new_session=True
            )
        return self

    def try_start(self, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._command(*more), capture_output=True, text=True, timeout=60)

    def _command(self, *more: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "server.cli",
            "demo",
            "--port",
            str(self.port),
            "--data",
            str(self.data),
            *more,
        ]

    @property
    def said(self) -> str:
        return self.out.read_text("utf-8", "replace")

    async def is_ready(self, within_s: float) -> "Demo":
        async def look() -> str:
            assert self.process
            assert self.process.poll() is None, self.said
            return self.said

        await until(look, lambda said: f"ready {self.url}" in said.splitlines(), within_s)
        return self

    def logins(self) -> dict[str, tuple[str, str]]:
        lines = (line.split(" ") for line in self.said.splitlines() if line.startswith("login "))
        return {role: (name, password) for _, role, name, password in lines}

    async def signed_in(self, role: str) -> ApiClient:
        api = ApiClient(self.url)
        await api.sign_in(*self.logins()[role])
        return api

    def stop(self, number: int = signal.SIGTERM) -> float:
        """How long it took, in seconds."""
        assert self.process
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - began

    def still_running(self) -> list[str]:
        """Command lines of processes that name the data folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    environment = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if str(self.data) in command or f"FARWATCH_DATA_DIR={self.data}".encode() in environment:
                    found.append(command)
        return found


async def transmissions(api: ApiClient) -> list[float]:
    """Each station's share of hours that came."""
    answer = await api.ask("GET", "/api/v1/rates")
    assert answer.status == 200, answer
    return [station["transmission"] for station in answer.body["stations"]]


async def tasks_of(api: ApiClient) -> list[dict[str, Any]]:
    answer = await api.ask("GET", "/api/v1/tasks?state=all&limit=50")
    assert answer.status == 200, answer
    items: list[dict[str, Any]] = answer.body["items"]
    return items


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Demo]:
    made = Demo(tmp_path_factory.mktemp("d") / "data", free_port())
    made.data.mkdir(mode=0o700)
    assert request.config.cache
    # Drawing the cameras' pictures is most of a cold start; a second run of these tests has them.
    (made.data / "loops").symlink_to(request.config.cache.mkdir("demo-loops"))
    yield made
    if made.process and made.process.poll() is None:
        made.stop()
    assert not made.still_running()


async def test_from_an_empty_folder_to_every_kind_of_task(demo: Demo) -> None:
    await demo.start().is_ready(COLD_START_S)

    assert set(demo.logins()) == {"centre", "officer", "bureau", "admin"}
    assert len(re.findall(r"^\[ *\d+\.\d s\] ", demo.said, re.MULTILINE)) >= 8
    centre = await demo.signed_in("centre")
    await until(lambda: tasks_of(centre), lambda tasks: len(tasks) > 0, within_s=60)
    await until(
        lambda: transmissions(centre), lambda shares: len(shares) == 12 and min(shares) > 0.9, within_s=60
    )
    wanted = {"exceedance", "smoke", "dumping", "camera_fault"}
    tasks = await until(
        lambda: tasks_of(centre), lambda tasks: wanted <= {k for t in tasks for k in t["kinds"]}, within_s=120
    )
    smoke = next(t for t in tasks if "smoke" in t["kinds"])
    assert smoke["offered_to"][0] == "officer-1"
    assert any(e["state"] == "stored" for m in smoke["matters"] for e in m["evidence"])


async def test_two_stations_come_over_tcp_and_do_what_they_are_told(demo: Demo) -> None:
    api = await demo.signed_in("bureau")

    async def linked() -> list[dict[str, Any]]:
        answer = await api.ask("GET", "/api/v1/stations")
        return [s for s in answer.body["items"] if s["link"]]

    found = await until(linked, lambda stations: len(stations) == 2)
    assert {(s["link"]["way"], s["link"]["dialect"]) for s in found} == {("tcp", 2017), ("tcp", 2025)}
    path = f"/api/v1/stations/{found[0]['mn']}/commands"
    assert (await api.ask("POST", path, {"command": "get_clock"})).status == 201

    async def state() -> str:
        return str((await api.ask("GET", path)).body["items"][0]["state"])

    await until(state, lambda seen: seen == "done")


async def test_simulated_officers_answer_and_nobody_speaks_for_the_person(demo: Demo) -> None:
    centre = await demo.signed_in("centre")

    tasks = await until(
        lambda: tasks_of(centre), lambda tasks: any(t["accepted_at"] for t in tasks), within_s=90
    )
    assert all(t["officer"] != "officer-1" for t in tasks if t["accepted_at"])


def test_a_second_start_on_a_live_folder_is_one_clear_line(demo: Demo) -> None:
    refused = Demo(demo.data, free_port()).try_start()

    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        f"farwatch: a demo is already running on {demo.data} (process {(demo.data / 'demo.lock').read_text()})"
    ]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ((), "is in use: give another --port"),
        (("--host", "0.0.0.0"), "set FARWATCH_TLS_CERT and FARWATCH_TLS_KEY"),
        (("--data", "/etc/hostname/x"), "cannot be used"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    demo: Demo, tmp_path: Path, more: tuple[str, ...], says: str
) -> None:
    refused = Demo(tmp_path / "data", demo.port).try_start(*more)

    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert says in refused.stderr


def test_its_folder_and_passwords_are_for_their_owner_only(demo: Demo) -> None:
    assert demo.data.stat().st_mode & 0o777 == 0o700
    for name in ("demo.json", "registry/secrets.toml", "service/secrets.toml"):
        assert (demo.data / name).stat().st_mode & 0o777 == 0o600


async def test_after_a_kill_the_next_start_goes_on_with_what_was_there(demo: Demo) -> None:
    before = {t["id"]: t["opened_at"] for t in await tasks_of(await demo.signed_in("centre"))}
    logins = demo.logins()
    assert demo.process
    os.kill(demo.process.pid, signal.SIGKILL)
    demo.process.wait()

    async def services() -> list[str]:
        return [c for c in demo.still_running() if "postgres" not in c]

    await until(services, lambda left: not left, within_s=10)
    await demo.start().is_ready(WARM_START_S)
    assert demo.logins() == logins
    after = {t["id"]: t["opened_at"] for t in await tasks_of(await demo.signed_in("centre"))}
    assert before.items() <= after.items()


def test_sigterm_ends_everything_within_ten_seconds(demo: Demo) -> None:
    assert demo.stop() < 10
    assert demo.process
    assert demo.process.returncode == 0
    assert demo.still_running() == []
    assert not list(demo.data.rglob("*.sock")) + list(demo.data.rglob(".s.PGSQL*"))


async def test_ctrl_c_while_it_starts_leaves_nothing_either(demo: Demo) -> None:
    demo.start()

    async def said() -> str:
        return demo.said

    await until(said, lambda text: "starting PostgreSQL" in text, within_s=20)
    await asyncio.to_thread(demo.stop, signal.SIGINT)
    assert demo.still_running() == []


def test_another_citys_folder_is_not_taken_for_this_one(demo: Demo) -> None:
    refused = demo.try_start("--seed", "2")

    assert refused.returncode == 2
    assert "holds the city of seed 1" in refused.stderr


def test_a_damaged_folder_is_one_clear_line(demo: Demo) -> None:
    (demo.data / "demo.json").write_text("{")

    refused = demo.try_start()
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "damaged" in refused.stderr
