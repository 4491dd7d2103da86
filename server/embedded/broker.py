"""The broker that the demo brings along: mosquitto where it is installed, else amqtt, which is only for show.

amqtt forgets what is not acknowledged when it stops, and what comes for a client that is away.
`python -m server.embedded.broker PORT PASSWORD_FILE` runs amqtt in this process.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from argon2 import PasswordHasher

from farwatch.runtime.processes import stop_on_signals
from server.broker_users import write_password_file
from server.embedded.children import Children

CHILD = "broker"
START_TIMEOUT_S = 15.0
STOP_GRACE_S = 4.0
ATTEMPTS = 3
MOSQUITTO_PLACES = "/usr/local/sbin:/usr/sbin:/sbin:/opt/homebrew/sbin"  # often not on a user's PATH


class EmbeddedBrokerError(Exception):
    """The broker could not be started; the message is for the operator."""


class EmbeddedBroker:
    """A broker on a free loopback port, with its own users. Not running until `start`."""

    def __init__(self, folder: Path, accounts: Mapping[str, str], children: Children) -> None:
        """`accounts` are passwords by user; everybody may publish and subscribe everywhere."""
        self._folder, self._accounts, self._children = folder.absolute(), accounts, children
        found = shutil.which("mosquitto") or shutil.which("mosquitto", path=MOSQUITTO_PLACES)
        self._mosquitto = Path(found) if found else None
        self._port = 0

    @property
    def for_show(self) -> bool:
        """True: amqtt, which may lose messages."""
        return self._mosquitto is None

    def url(self, user: str) -> str:
        return f"mqtt://{user}:{quote(self._accounts[user], safe='')}@127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Raises EmbeddedBrokerError when it does not listen in time."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for _ in range(ATTEMPTS):
            self._port = _free_port()
            command = self._mosquitto_command() if self._mosquitto else self._amqtt_command()
            process = await self._children.start(CHILD, command, log=self._log)
            if await _listens(self._port, process):
                return
            await self.stop()  # somebody else may have taken the port in between
        tail = self._log.read_text("utf-8", "replace")[-300:].strip()
        raise EmbeddedBrokerError(f"the broker did not start: {tail}")

    async def stop(self) -> None:
        await self._children.stop(CHILD, STOP_GRACE_S)

    @property
    def _log(self) -> Path:
        return self._folder / "broker.log"

    def _mosquitto_command(self) -> list[str]:
        passwords = self._folder / "passwords"
        write_password_file(passwords, self._accounts)
        lines = [
            f"listener {self._port} 127.0.0.1",
            "allow_anonymous false",
            f"password_file {passwords}",
            "persistence true",
            f"persistence_location {self._folder}/",
            "autosave_interval 30",
            "max_inflight_messages 4096",
            "max_queued_messages 0",
            "max_queued_bytes 268435456",
            "set_tcp_nodelay true",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # it would become another user, who may not read this folder
        configuration = self._folder / "mosquitto.conf"
        configuration.write_text("\n".join(lines) + "\n")
        return [str(self._mosquitto), "-c", str(configuration)]

    def _amqtt_command(self) -> list[str]:
        passwords = self._folder / "passwords.amqtt"
        hasher = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
        passwords.touch(mode=0o600)
        passwords.write_text("".join(f"{user}:{hasher.hash(p)}\n" for user, p in self._accounts.items()))
        return [sys.executable, "-m", "server.embedded.broker", str(self._port), str(passwords)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _listens(port: int, process: asyncio.subprocess.Process) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_TIMEOUT_S):
            while process.returncode is None:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    return True
                await asyncio.sleep(0.05)
    return False


async def _serve_amqtt(port: int, password_file: str) -> None:
    from amqtt.broker import Broker

    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.FileAuthPlugin": {"password_file": password_file}},
        }
    )
    stop = asyncio.Event()
    stop_on_signals(asyncio.get_running_loop(), stop)
    await broker.start()
    await stop.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_serve_amqtt(int(sys.argv[1]), sys.argv[2]))
