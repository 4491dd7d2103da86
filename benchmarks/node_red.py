"""The peer: Node-RED with a PostgreSQL node, both from npm, into the same table through the same broker.

Its MQTT node acknowledges before anything is stored. One INSERT a message with all its values, idempotent, a pool of ten
connections: what a careful user would draw.
"""

import asyncio
import json
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.house import Database, count, generate
from farwatch.storage.database import open_pool
from farwatch.storage.migration import migrate
from tests.support.mosquitto import Mosquitto, free_port
from tests.support.waiting import until

# node-red-contrib-postgresql is not in every registry; this one is kept up and builds on the same client library.
# Node-RED 5 asks for a Node.js of this year.
PACKAGES = ("node-red@4", "node-red-contrib-postgrestor-next@0.5.2")
INSTALL_TIMEOUT_S = 300
MESSAGES_PER_S = 2000
"""Offered at once, for as many seconds as are wanted; the time until the last one is a row counts."""
_SPLIT = """
const mn = Number(msg.topic.split("/")[2].slice(2)), ids = [], values = [];
for (const [code, value] of Object.entries(msg.payload.values)) { ids.push(mn * 100 + Number(code.slice(1))); values.push(value); }
msg.params = [ids, values, msg.payload.ts];
return msg;
"""
_QUERY = (
    "INSERT INTO readings (channel_id, kind, ts, value, flag, received_at, late, revision)"
    " SELECT i, 'rtd', $3, v, 'N', now(), false, 0 FROM unnest($1::int[], $2::float8[]) AS u (i, v)"
    " ON CONFLICT (channel_id, kind, ts) DO NOTHING"
)


class NodeRedMissingError(Exception):
    """Node-RED cannot run here; the message says why."""


def install(folder: Path) -> None:
    """Raises NodeRedMissingError when npm is missing or cannot install."""
    npm = shutil.which("npm")
    if npm is None:
        raise NodeRedMissingError("npm is not installed here")
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", *PACKAGES]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NodeRedMissingError("npm did not finish") from None
    if done.returncode != 0:
        raise NodeRedMissingError(
            f"npm could not install: {(done.stderr.strip().splitlines() or ['?'])[0][:200]}"
        )


def _flow(broker_port: int, socket_dir: str, database: str) -> list[dict[str, object]]:
    return [
        {"id": "tab", "type": "tab", "label": "readings"},
        {
            "id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(broker_port), "clientid": "node-red",
            "autoConnect": True, "usetls": False, "protocolVersion": "4", "keepalive": "60", "cleansession": True,
        },
        {
            "id": "db", "type": "postgresDB", "host": socket_dir, "hostFieldType": "str", "port": "5432", "portFieldType": "num",
            "database": database, "databaseFieldType": "str", "ssl": "false", "sslFieldType": "bool", "max": "10",
            "maxFieldType": "num", "min": "1", "minFieldType": "num", "idle": "10000", "idleFieldType": "num",
            "connectionTimeout": "60000", "connectionTimeoutFieldType": "num", "user": "postgres", "userFieldType": "str",
            "password": "", "passwordFieldType": "str",
        },
        {
            "id": "in", "type": "mqtt in", "z": "tab", "topic": "farwatch/v1/+/+", "qos": "1", "datatype": "json",
            "broker": "broker", "nl": False, "rap": True, "rh": 0, "inputs": 0, "wires": [["split"]],
        },
        {"id": "split", "type": "function", "z": "tab", "func": _SPLIT, "outputs": 1, "libs": [], "wires": [["insert"]]},
        {"id": "insert", "type": "postgrestor", "z": "tab", "query": _QUERY, "postgresDB": "db", "wires": [[]]},
    ]  # fmt: skip


def _settings() -> str:
    settings = {
        "flowFile": "flows.json", "uiHost": "127.0.0.1", "uiPort": free_port(), "httpAdminRoot": False, "httpNodeRoot": False,
        "telemetry": {"enabled": False, "updateNotification": False}, "diagnostics": {"enabled": False, "ui": False},
        "externalModules": {"autoInstall": False}, "logging": {"console": {"level": "info"}},
    }  # fmt: skip
    return f"module.exports = {json.dumps(settings)};"


async def readings_per_s(
    folder: Path, database: Database, broker: Mosquitto, *, stations: int, values: int, seconds: float
) -> int:
    """Readings a second that are rows in the end. Raises NodeRedMissingError."""
    if database.socket_dir is None:
        raise NodeRedMissingError("it is measured with the embedded server only")
    await asyncio.to_thread(install, folder)
    url = await database.fresh("node_red")
    await migrate(url, url)
    (folder / "settings.js").write_text(_settings())
    (folder / "flows.json").write_text(json.dumps(_flow(broker.port, database.socket_dir, "node_red")))
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "node",
            "node_modules/node-red/red.js",
            "--userDir",
            str(folder),
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        try:
            await until(lambda: _log(folder), lambda text: "Connected to broker" in text, within_s=60)
        except AssertionError:
            lines = (await _log(folder)).splitlines()
            raise NodeRedMissingError(f"it did not start: {(lines or ['?'])[0][:200]}") from None
        async with open_pool(url) as pool:
            sent = await generate(
                broker.port, count=int(MESSAGES_PER_S * seconds), stations=stations, values=values, step=0.01
            )
            total = sent.published * values
            await until(
                lambda: count(pool, "SELECT count(*) FROM readings"),
                lambda n: n >= total,
                within_s=20 * seconds,
            )
            took_s = time.time() - sent.began_at
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    return round(total / took_s)


async def _log(folder: Path) -> str:
    return (folder / "log").read_text("utf-8", "replace")
