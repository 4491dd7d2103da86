"""`farwatch serve` as the process tree it is: how it begins, and how it ends when something around it is broken."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.embedded.postgres import EmbeddedPostgres
from tests.support.mosquitto import free_port
from tests.support.service import Service
from tests.support.waiting import until

pytestmark = pytest.mark.process

NOBODY = "mqtt://127.0.0.1:1"


@pytest.fixture
def service(tmp_path: Path, database_url: str) -> Iterator[Service]:
    started = Service(
        tmp_path / "service", database_url=database_url, mqtt_url=NOBODY, http_port=str(free_port())
    )
    yield started
    started.stop_if_running()


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def role(service: Service, name: str) -> int:
    async def look() -> int | None:
        return service.pid_of(name)

    pid = await until(look, lambda found: found is not None)
    assert pid is not None
    return pid


async def test_a_role_that_hangs_is_ended_with_the_rest_within_ten_seconds(service: Service) -> None:
    service.start("intake,engine")
    await service.says("the engine runs")
    pid = await role(service, "intake")
    os.kill(pid, signal.SIGSTOP)
    assert service.stop(within_s=10) == 0
    assert not lives(pid)


async def test_with_a_broker_that_never_was_there_it_ends_at_once_and_without_a_traceback(
    service: Service,
) -> None:
    service.start("intake,engine")
    await service.says("mqtt failed, trying again")
    assert service.stop(within_s=5) == 0
    assert "Traceback" not in service.log


async def test_no_role_is_given_the_owners_password(service: Service, database_url: str) -> None:
    service.environment["FARWATCH_OWNER_DATABASE_URL"] = database_url
    service.start("engine")
    await service.says("the engine runs")
    pid = await role(service, "engine")
    assert b"OWNER_DATABASE" not in Path(f"/proc/{pid}/environ").read_bytes()


async def test_roles_end_when_their_parent_is_killed(service: Service) -> None:
    service.start("intake,engine")
    await service.says("the engine runs")
    pids = [await role(service, name) for name in ("intake", "engine")]
    service.kill_parent()

    async def left() -> list[int]:
        return [pid for pid in pids if lives(pid)]

    await until(left, lambda pids: not pids, within_s=12)


async def test_a_child_whose_loop_hangs_ends_itself_when_its_parent_is_gone() -> None:
    program = (
        "import signal, time; from farwatch.runtime import processes as p; p.ORPHAN_GRACE_S = 0.1;"
        "signal.signal(signal.SIGTERM, lambda *_: None); p.end_with_parent(); print('ready', flush=True)\n"
        "while True: time.sleep(1)"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout
    assert child.stdin
    assert child.stdout.readline() == b"ready\n"
    child.stdin.close()
    assert child.wait(5) == -signal.SIGKILL
    child.stdout.close()


@pytest.mark.parametrize(
    ("settings", "roles", "exit_code", "line"),
    [
        ({"database_url": "postgresql://u@127.0.0.1:1/d"}, "engine", 1, "the database does not answer: "),
        ({"database_url": "postgresql://u@/d?host=/nowhere"}, "engine", 1, "the database does not answer: "),
        ({"database_url": "postgresql://u:hunter2@127.0.0.1:x/d"}, "engine", 2, "FARWATCH_DATABASE_URL"),
        ({"mqtt_url": "127.0.0.1"}, "intake", 2, "FARWATCH_MQTT_URL"),
        ({"data_dir": "/dev/null/data"}, "engine", 2, "/dev/null/data"),
    ],
)
def test_what_the_operator_did_is_told_in_one_line(
    service: Service, settings: dict[str, str], roles: str, exit_code: int, line: str
) -> None:
    service.environment |= {f"FARWATCH_{name.upper()}": value for name, value in settings.items()}
    ended = service.run("serve", "--roles", roles)
    assert ended.returncode == exit_code
    assert line in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "hunter2" not in ended.stderr


def test_a_city_without_monitors_is_told_with_which_roles_it_begins(service: Service) -> None:
    for name in ("FARWATCH_MQTT_URL", "FARWATCH_HJ212_LISTEN"):
        service.environment.pop(name, None)
    ended = service.run("serve")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "serve --roles engine,review,web,cameras" in ended.stderr


def test_a_database_that_is_not_there_or_not_migrated_is_told_in_one_line(
    service: Service, postgres: EmbeddedPostgres
) -> None:
    for database, complaint in (("nothing", "does not exist"), ("postgres", "farwatch migrate")):
        service.environment["FARWATCH_DATABASE_URL"] = postgres.url(database)
        ended = service.run("serve", "--roles", "engine")
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
        assert complaint in ended.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["user", "add", "li", "--role", "centre", "--password-stdin"],
        ["check"],
        ["registry", "export", "x"],
        ["broker", "users", "--out", "x"],
    ],
    ids=lambda c: c[0],
)
def test_every_command_says_in_one_line_that_the_schema_is_missing(
    service: Service, postgres: EmbeddedPostgres, command: list[str]
) -> None:
    service.environment["FARWATCH_DATABASE_URL"] = postgres.url("postgres")
    ended = service.run(*command, stdin="long enough\n")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "farwatch migrate" in ended.stderr


def test_a_busy_port_is_told_in_one_line_before_anything_is_started(service: Service) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(service.environment["FARWATCH_HTTP_PORT"])))
        taken.listen()
        ended = service.run("serve", "--roles", "web")
    assert ended.returncode == 2
    assert "is in use" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") == 1
