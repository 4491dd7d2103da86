"""`farwatch evidence`: cases that prove themselves, and what they are proven by."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO, cast

from alerting.sealing import exporting, keys, sealing, stamping
from alerting.sealing.exporting import Exported
from alerting.verifier import given, single, verify
from farwatch.runtime.clock import SystemClock
from farwatch.storage import audit, custody, seals
from farwatch.storage.database import Pool, open_pool, transaction
from server.commands import CommandError, make_data_dir, require_migrated
from server.roles.shared import blob_store
from server.settings import Settings

ACTOR = "command line"


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """What needs the database. Raises CommandError."""
    await require_migrated(settings)
    make_data_dir(settings.data_dir)
    try:
        async with open_pool(settings.database_url, size=2) as pool:
            if args.evidence == "export":
                return await _export(settings, pool, args.task, custody.Purpose(args.purpose), args.out)
            if args.evidence == "roots":
                return await _roots(pool, args.out)
            return await (_rotate if args.what == "rotate" else _show)(settings, pool)
    except (sealing.KeyRefusedError, keys.KeyFileError) as error:
        raise CommandError(str(error)) from None


def verify_file(args: argparse.Namespace) -> int:
    """Needs neither database nor settings. Time stamps are verified where their authority's certificate is given."""
    try:
        pem = args.tsa_certificate.read_bytes() if args.tsa_certificate else None
        certificate = stamping.read_certificate(pem) if pem else None
        trusted = [given.read_key(key) for key in args.key]
        roots = given.read_roots(args.roots) if args.roots else None
        with args.file.open("rb") as file:
            verdict = verify.verify(file, trusted, roots)
    except (OSError, *verify.UNREADABLE) as error:
        raise CommandError(str(error)) from None
    found, notes = stamping.judge(verdict.stamps, certificate)
    return verify.tell(verdict.case, [*verdict.found, *found], [*verdict.notes, *notes])


def write_verifier(folder: Path) -> int:
    """The command and the page, for keeping elsewhere than the cases."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "verify.py").write_bytes(single.command())
        (folder / "verify.html").write_bytes(single.page())
    except OSError as error:
        raise CommandError(f"{folder}: {error.strerror}") from None
    print(f"wrote {folder / 'verify.py'} and {folder / 'verify.html'}")
    return 0


async def _export(settings: Settings, pool: Pool, task: int, purpose: custody.Purpose, out: Path) -> int:
    if out.exists():
        raise CommandError(f"{out} is there already")
    key = await sealing.city_key(pool, settings.data_dir)
    try:
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
            done = await exporting.take_out(
                pool, blob_store(settings), key, cast("BinaryIO", file),
                task=task, by=ACTOR, purpose=purpose, clock=SystemClock(),
            )  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(out) if done else Path(file.name).unlink()
    except exporting.LogBehindError:
        Path(file.name).unlink()
        raise CommandError(
            f"the log has no numbers yet for what happened to task {task}: does an engine run?"
        ) from None
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from None
    if done is None:
        raise CommandError(f"there is no task {task}")
    return _say(out, done, key.fingerprint)


def _say(out: Path, done: Exported, fingerprint: str) -> int:
    print(f"{out}: {done.size} bytes, {done.pieces} pieces of evidence, signed with key {fingerprint}")
    if done.unsealed:
        print(
            f"{done.unsealed} entries of its log are under no seal yet: export it again after the full hour"
        )
    for line in done.broken:
        print(f"evidence {line}", file=sys.stderr)
    return 1 if done.broken else 0


async def _roots(pool: Pool, out: Path) -> int:
    roots = [
        {
            "hour": signed.seal.hour.isoformat(),
            "n_first": signed.seal.n_first,
            "n_last": signed.seal.n_last,
            "root": signed.seal.root.hex(),
            "key": signed.key,
        }
        for signed in await seals.all_in_order(pool)
    ]
    try:
        out.write_text(json.dumps({"roots": roots}, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from None
    print(f"{out}: {len(roots)} roots; keep them where nobody who can change the database can change them")
    return 0


async def _show(settings: Settings, pool: Pool) -> int:
    del settings
    known = await seals.newest_key(pool)
    if known is None:
        raise CommandError("there is no signing key yet: the engine makes it at its first start")
    print(await seals.current_fingerprint(pool))
    print(keys.public_pem(known), end="")
    return 0


async def _rotate(settings: Settings, pool: Pool) -> int:
    """As the owner of the schema. What was sealed stays sealed by the old key; its file stays beside the new one's."""
    before = await seals.current_fingerprint(pool)
    async with open_pool(settings.owner_url, size=1) as owner, transaction(owner) as connection:
        if not await seals.may_add_key(connection):
            raise CommandError("this role may not replace the key: set FARWATCH_OWNER_DATABASE_URL")
        key = keys.replace(settings.data_dir)
        await seals.add_key(connection, key.public_key)
        await audit.write(connection, ACTOR, "signing_key_replaced", f"key/{key.fingerprint}", before=before)
    print(f"from now on seals are signed with {key.fingerprint}, until now with {before or 'no key'}")
    return 0
