"""What the sub-commands do. They return an exit code; CommandError carries one line for the operator."""

import asyncio
import errno
import importlib
import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from farwatch.domain.review import CITY
from farwatch.domain.share import Share
from farwatch.runtime.clock import SystemClock
from farwatch.storage import actions, evidence, seals, users
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import PASSING_ERRORS, connect, open_pool
from farwatch.storage.migration import migrate, require_current
from farwatch.storage.sequencer import first_broken_link
from server.roles.shared import blob_store
from server.settings import Settings

if TYPE_CHECKING:
    from server.registry.commands import Report


class CommandError(Exception):
    """The command cannot do what was asked; the message says why."""


async def run_migrate(settings: Settings) -> int:
    done = await migrate(settings.owner_url, settings.database_url)
    for name in done.applied:
        print(f"applied {name}")
    for role in done.granted:
        print(f"granted {role} its rights")
    print("the schema is up to date")
    return 0


async def require_ready(settings: Settings, wanted: Sequence[str]) -> None:
    """Before any child starts: the database answers and is migrated, and the wanted roles have what they need."""
    await require_migrated(settings)
    make_data_dir(settings.data_dir)
    if "intake" in wanted and settings.mqtt_url is None and settings.hj212_listen is None:
        raise CommandError(
            "role intake needs FARWATCH_MQTT_URL or FARWATCH_HJ212_LISTEN; a city that begins with cameras only runs"
            " serve --roles engine,review,web,cameras"
        )
    if "web" in wanted and settings.http_port:
        require_port(settings.http_host, settings.http_port)
    if "intake" in wanted and settings.hj212_address is not None:
        # Whoever holds the role on this machine listens there until we take over.
        require_port(*settings.hj212_address, may_be_in_use=True)


def require_port(host: str, port: int, *, may_be_in_use: bool = False) -> None:
    """Raises CommandError when nobody can listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE and may_be_in_use:
                return
            why = (
                "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on: {error.strerror}"
            )
            raise CommandError(f"port {port} on {host} {why}") from None


async def require_migrated(settings: Settings) -> None:
    try:
        connection = await connect(settings.database_url)
    except PASSING_ERRORS as error:
        error.add_note("the database does not answer")
        raise
    try:
        await require_current(connection)
    finally:
        await connection.close()


def make_data_dir(folder: Path) -> None:
    """Readable by its owner only: it holds stills, evidence and secrets."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CommandError(f"FARWATCH_DATA_DIR {folder} cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CommandError(f"FARWATCH_DATA_DIR {folder} is not writable")


async def run_role(settings: Settings, role: str, stop: asyncio.Event) -> None:
    """Imports only what the role needs: no camera code in the engine, no web server in the intake."""
    await importlib.import_module(f"server.roles.{role}").run(settings, stop)


async def run_cameras(
    settings: Settings,
    share: Share,
    vitals: int | None,
    replaces: str | None,
    rests: Sequence[str],
    stop: asyncio.Event,
) -> None:
    from server.roles import cameras

    pairs = [rest.partition(":") for rest in rests]
    life = cameras.Life(
        vitals=vitals, replaces=replaces, rests={camera: float(rest_s) for rest_s, _, camera in pairs}
    )
    await cameras.run(settings, share, life, stop)


async def add_user(settings: Settings, name: str, role: str, officer: str | None, password: str) -> int:
    await require_migrated(settings)
    async with open_pool(settings.database_url, size=1) as pool:
        try:
            await users.add_user(pool, name, role, officer, password)
        except users.UserError as error:
            raise CommandError(str(error)) from None
    print(f"{name} may sign in as {role}")
    return 0


async def erase_note(settings: Settings, client_id: str) -> int:
    """Exit code 1 when there is no such deed, or its note is gone already."""
    await require_migrated(settings)
    async with open_pool(settings.database_url, size=1) as pool:
        erased = await actions.erase_note(pool, client_id, by="operator")
    print(f"the note and position of {client_id} are {'erased' if erased else 'not there'}")
    return 0 if erased else 1


async def check(settings: Settings) -> int:
    """The chain of the log, its seals, and every piece of evidence against its hash: names what is missing, changed or orphaned."""
    from alerting.sealing.sealing import first_wrong_seal

    await require_migrated(settings)
    make_data_dir(settings.data_dir)
    blobs = blob_store(settings)
    async with open_pool(settings.database_url, size=2) as pool, pool.acquire() as connection:
        broken = await first_broken_link(connection)
        named = await evidence.stored_hashes(connection)
        erased, to_erase = await evidence.purged_hashes(connection)
        wrong_seal, sealed = await first_wrong_seal(pool), await seals.sealed_up_to(pool)
        if not await seals.is_protected(connection):
            print(f"warning: {seals.LOG_UNPROTECTED}", file=sys.stderr)
    kept = set(await asyncio.to_thread(lambda: list(blobs.all())))
    changed = await asyncio.to_thread(_changed, blobs, {h: named[h] for h in named.keys() & kept})
    lines = [f"the log's chain breaks at n = {broken}"] if broken is not None else []
    lines += [wrong_seal] if wrong_seal else []
    lines += [f"missing: {sha256}" for sha256 in sorted(named.keys() - kept)] + [
        f"changed: {sha256}" for sha256 in changed
    ]
    for line in [*lines, *(f"orphaned: {sha256}" for sha256 in sorted(kept - named.keys() - to_erase))]:
        print(line)
    if not lines:
        print(f"the log's chain holds; {len(named)} pieces of evidence are there and unchanged")
        if sealed:
            print(f"its seals hold up to n = {sealed}")
    if purged := len((erased | to_erase) - named.keys()):
        print(f"{purged} more were purged by quota: their rows, hashes and the log's entries stay")
    return 1 if lines else 0


def _changed(blobs: BlobStore, named: Mapping[str, set[str]]) -> list[str]:
    """Of these the ones whose bytes have another SHA-256, or another SM3 than a row gives for them. Blocks."""
    changed = []
    for sha256, sm3 in named.items():
        found = blobs.digests(sha256)
        if found.sha256 != sha256 or not sm3 <= {found.sm3}:
            changed.append(sha256)
    return sorted(changed)


async def replay(settings: Settings, since: str, until: str, mn: str | None) -> int:
    """A JSON line for each finding that comes out otherwise; what was judged goes to standard error."""
    from detectors.sensors.judge import LimitJudge
    from server import replay as replaying
    from server.roles.review import REVIEWER

    begin, end = _hour_of_city(since), _hour_of_city(until)
    if begin >= end:
        raise CommandError("--from must be before --to")
    await require_migrated(settings)
    async with open_pool(settings.database_url, size=1) as pool:
        done = await replaying.replay(pool, LimitJudge(), REVIEWER, begin, end, mn)
    for difference in done.differences:
        print(orjson.dumps(difference).decode())
    judged = f"{done.readings} readings and {done.reviews} reviews judged again: {done.findings} findings"
    print(f"{judged}, {len(done.differences)} differences", file=sys.stderr)
    return 1 if done.differences else 0


def _hour_of_city(text: str) -> datetime:
    """Raises CommandError for what is no time; replays begin and end with hours."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is not a time like 2026-11-22T08:00") from None
    zoned = at if at.tzinfo else at.replace(tzinfo=CITY)
    return zoned.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


async def broker_users(settings: Settings, out: Path) -> int:
    from server import broker_users as broker

    await require_migrated(settings)
    make_data_dir(settings.data_dir)
    async with open_pool(settings.database_url, size=1) as pool:
        try:
            return say(await broker.write_users(pool, settings.data_dir, out, mqtt_url=settings.mqtt_url))
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}") from None


async def camera_gateway(settings: Settings, gateway: str, out: Path) -> int:
    from server import gateway as gateways

    await require_migrated(settings)
    async with open_pool(settings.database_url, size=1) as pool:
        try:
            return say(await gateways.write(pool, settings.data_dir, gateways.Gateway(gateway), out))
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}") from None


async def simulate_camera(
    clip: Path, url: str, user: str | None, password: str | None, stop: asyncio.Event, *, codec: str
) -> None:
    from ingest.rtsp.errors import RtspError
    from ingest.rtsp.frames import Codec
    from simulators.camera import serve_file
    from simulators.encoding import ClipError

    try:
        await serve_file(clip, url, user, password, SystemClock(), stop, codec=Codec(codec))
    except (ClipError, RtspError, OSError) as error:
        raise CommandError(str(error)) from None


async def simulate_loggers(
    to: str,
    mns: Sequence[str],
    dialect: int,
    codes: str,
    password: Path | None,
    key_file: Path | None,
    period_s: float,
    stop: asyncio.Event,
) -> None:
    from server.hj212_commands import read_key
    from simulators.logger_device import LoggerIdentity
    from simulators.practice_loggers import dialect_of, run_loggers

    host, _, port = to.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise CommandError(f"--to must look like HOST:PORT, not {to}")
    if not all(re.fullmatch(r"[0-9A-Za-z_-]{1,40}", mn) for mn in mns):
        raise CommandError("--mn takes letters and digits")
    if period_s < 1:
        raise CommandError("--period is at least 1")
    try:
        words = "123456" if password is None else password.read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{password}: {error}") from None
    if key_file is not None and dialect != 2025:
        raise CommandError("--sm4-key-file goes with --dialect 2025: nothing is sealed before it")
    key = None if key_file is None else read_key(key_file)
    identities = [
        LoggerIdentity(mn=mn, dialect=dialect_of(dialect), password=words, sm4_key=key)
        for mn in dict.fromkeys(mns)
    ]
    wanted = [code.strip() for code in codes.split(",") if code.strip()]
    await run_loggers(
        host.strip("[]"), int(port), identities, wanted, SystemClock(), period_s=period_s, stop=stop
    )


async def demo(host: str, port: int, data: Path, seed: int, stop: asyncio.Event) -> None:
    from server.demo import DemoError, run_demo

    try:
        await run_demo(port=port, data=data, seed=seed, host=host, stop=stop)
    except DemoError as error:
        raise CommandError(str(error)) from None


def say(report: "Report") -> int:
    for line in report.lines:
        print(line)
    return report.exit_code
