"""The shipped mosquitto configuration and our password file, under the real broker."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from farwatch.storage.database import Pool
from server.broker_users import verify, write_users
from server.registry.commands import import_
from server.registry.secret_file import load_secrets
from tests.unit.registry.sample import write_city

SHIPPED = Path(__file__).parents[2] / "deploy" / "mosquitto"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
needs_mosquitto = pytest.mark.skipif(
    not (shutil.which("mosquitto") and shutil.which("mosquitto_pub")), reason="mosquitto is not installed"
)


@pytest.fixture
async def passwords(pool: Pool, tmp_path: Path, data_dir: Path) -> Path:
    await import_(write_city(tmp_path / "city"), pool, data_dir, prune=False, now=NOW)
    url = "mqtt://farwatch:service-pw@127.0.0.1:1883"
    report = await write_users(pool, data_dir, tmp_path / "passwords", mqtt_url=url)
    assert report.exit_code == 0
    return tmp_path / "passwords"


async def test_every_station_and_the_service_have_a_user(passwords: Path, data_dir: Path, pool: Pool) -> None:
    lines = dict(line.split(":", 1) for line in passwords.read_text().splitlines())
    assert lines.keys() == {"88888880000001", "88888880000002", "farwatch"}
    kept = load_secrets(data_dir).mqtt
    assert kept["88888880000001"] == "m-secret"
    assert len(kept["88888880000002"]) >= 32, "generated"
    assert all(verify(lines[name], kept[name]) for name in lines)
    report = await write_users(pool, data_dir, passwords)
    assert (report.changes, dict(line.split(":", 1) for line in passwords.read_text().splitlines())) == (
        0,
        lines,
    )


@pytest.fixture
async def port(passwords: Path, tmp_path: Path) -> AsyncIterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    (tmp_path / "broker").mkdir()
    conf = (SHIPPED / "mosquitto.conf").read_text()
    for old, new in (
        ("listener 1883", f"listener {port} 127.0.0.1"),
        ("/mosquitto/secrets/passwords", str(passwords)),
        ("/mosquitto/config/acl", str(SHIPPED / "acl")),
        ("/mosquitto/data/", f"{tmp_path}/broker/"),
    ):
        assert conf.count(old) == 1, old
        conf = conf.replace(old, new)
    (tmp_path / "test.conf").write_text(conf + ("user root\n" if os.getuid() == 0 else ""))
    with (tmp_path / "broker.log").open("wb") as log:
        broker = subprocess.Popen(["mosquitto", "-c", str(tmp_path / "test.conf")], stdout=log, stderr=log)
    try:
        await answers(port, broker, tmp_path / "broker.log")
        yield port
    finally:
        broker.terminate()
        broker.wait(5)


async def answers(port: int, broker: subprocess.Popen[bytes], log: Path) -> None:
    async with asyncio.timeout(10):
        while broker.poll() is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
    raise AssertionError(log.read_text())


def program(
    name: str, port: int, user: str, password: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    login = ["-u", user, "-P", password] if user else []
    command = [name, "-h", "127.0.0.1", "-p", str(port), *login, "-q", "1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=15)


@needs_mosquitto
async def test_a_station_writes_only_its_own_topics_and_the_service_reads_them(port: int) -> None:
    service = ("farwatch", "service-pw", "-i", "reader", "-t", "farwatch/v1/+/+")
    station = ("88888880000001", "m-secret", "-V", "5")
    assert program("mosquitto_sub", port, *service, "-c", "-E").returncode == 0
    foreign = program("mosquitto_pub", port, *station, "-t", "farwatch/v1/88888880000002/rtd", "-m", "stolen")
    assert "not authorized" in (foreign.stdout + foreign.stderr).lower()
    assert (
        program(
            "mosquitto_pub", port, *station, "-t", "farwatch/v1/88888880000001/rtd", "-m", "mine"
        ).returncode
        == 0
    )
    by_service = program(
        "mosquitto_pub", port, "farwatch", "service-pw", "-V", "5", "-t", "farwatch/v1/x/rtd", "-m", "no"
    )
    assert "not authorized" in (by_service.stdout + by_service.stderr).lower()
    heard = program("mosquitto_sub", port, *service, "-c", "-C", "1", "-W", "10", "-v")
    assert heard.stdout == "farwatch/v1/88888880000001/rtd mine\n"
    prying = program(
        "mosquitto_sub", port, "88888880000001", "m-secret", "-t", "farwatch/v1/+/+", "-C", "1", "-W", "1"
    )
    assert prying.stdout == ""


@needs_mosquitto
@pytest.mark.parametrize("topic", ["hj212/{mn}/up", "senml/{mn}", "senml/{mn}/hour"])
async def test_the_other_ways_in_are_as_narrow(port: int, topic: str) -> None:
    service = ("farwatch", "service-pw", "-i", "reader", "-t", "hj212/+/up", "-t", "senml/#", "-c")
    assert program("mosquitto_sub", port, *service, "-E").returncode == 0
    station = ("88888880000001", "m-secret", "-V", "5")
    mine, foreign = topic.format(mn="88888880000001"), topic.format(mn="88888880000002")
    assert program("mosquitto_pub", port, *station, "-t", mine, "-m", "mine").returncode == 0
    stolen = program("mosquitto_pub", port, *station, "-t", foreign, "-m", "stolen")
    assert "not authorized" in (stolen.stdout + stolen.stderr).lower()
    heard = program("mosquitto_sub", port, *service, "-C", "1", "-W", "10", "-v")
    assert heard.stdout == f"{mine} mine\n"


@needs_mosquitto
async def test_a_station_hears_what_is_said_to_it_and_to_nobody_else(port: int) -> None:
    station = ("88888880000001", "m-secret", "-i", "logger", "-t", "hj212/+/down", "-c")
    service = ("farwatch", "service-pw", "-V", "5")
    assert program("mosquitto_sub", port, *station, "-E").returncode == 0
    for mn in ("88888880000002", "88888880000001"):
        assert program("mosquitto_pub", port, *service, "-t", f"hj212/{mn}/down", "-m", mn).returncode == 0
    heard = program("mosquitto_sub", port, *station, "-C", "1", "-W", "10")
    assert heard.stdout == "88888880000001\n"
    forged = program(
        "mosquitto_pub", port, *station[:2], "-V", "5", "-t", "hj212/88888880000001/down", "-m", "x"
    )
    assert "not authorized" in (forged.stdout + forged.stderr).lower()


@needs_mosquitto
@pytest.mark.parametrize(
    ("user", "password"), [("", ""), ("88888880000001", "wrong"), ("nobody", "m-secret")]
)
async def test_strangers_are_refused(port: int, user: str, password: str) -> None:
    refused = program(
        "mosquitto_pub", port, user, password, "-t", "farwatch/v1/88888880000001/rtd", "-m", "x"
    )
    assert refused.returncode != 0
    assert "not authori" in refused.stderr.lower()


@needs_mosquitto
async def test_a_thousand_messages_wait_for_a_service_that_is_away(port: int) -> None:
    service = ("farwatch", "service-pw", "-i", "reader", "-t", "farwatch/v1/+/+", "-c")
    program("mosquitto_sub", port, *service, "-E")
    lines = "".join(f"{n}\n" for n in range(3000))
    sender = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-u", "88888880000001", "-P", "m-secret"]
    topic = ["-q", "1", "-t", "farwatch/v1/88888880000001/rtd", "-l"]
    subprocess.run([*sender, *topic], input=lines, text=True, check=True, timeout=30)
    heard = program("mosquitto_sub", port, *service, "-C", "3000", "-W", "10")
    assert sorted(int(n) for n in heard.stdout.split()) == list(range(3000))
