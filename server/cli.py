"""The `farwatch` command: one sub-command a function, errors of the operator's making as one line and exit code 2."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from farwatch.domain.share import WHOLE, Share
from farwatch.runtime import logs
from farwatch.runtime.processes import end_with_parent, stop_on_signals
from farwatch.runtime.watchdog import Trouble
from farwatch.storage.database import AUTHENTICATION_ERRORS, PASSING_ERRORS, SchemaError
from farwatch.storage.leases import LeaseLostError
from farwatch.storage.policy_toml import PolicyError
from server import commands, evidence_parser
from server.keeping import CONFIGURATION_EXIT, GRACE_S, RoleError
from server.roles.shared import ClockError
from server.serve import ROLES, camera_process, processes_of, serve
from server.settings import Settings, SettingsError, read

log = logging.getLogger(__name__)

OPERATORS_ERRORS: tuple[type[Exception], ...] = (
    SettingsError,
    SchemaError,
    PolicyError,
    commands.CommandError,
    RoleError,
    *AUTHENTICATION_ERRORS,
)
OUTAGES: tuple[type[Exception], ...] = (LeaseLostError, ClockError, *PASSING_ERRORS)
"""Worth another try, so not USAGE_EXIT, at which systemd gives up."""
USAGE_EXIT = 2
STOP_GRACE_S = 5.0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="farwatch", description="Non-contact monitoring for cities.")
    top.add_argument("--config", type=Path, help="settings as TOML; the environment goes over it")
    sub = top.add_subparsers(dest="command", required=True)
    sub.add_parser("migrate", help="bring the database's schema up to date")
    serving = sub.add_parser("serve", help="run the service, a process per role")
    serving.add_argument("--roles", default=",".join(ROLES), help="which roles, by commas (default: all)")
    _add_roles(sub)
    _add_registry(sub)
    user = sub.add_parser("user", help="who may sign in").add_subparsers(dest="action", required=True)
    adding = user.add_parser("add", help="add somebody, or set a new password")
    adding.add_argument("name")
    adding.add_argument("--role", required=True, choices=("centre", "officer", "bureau", "admin"))
    adding.add_argument("--officer", metavar="ID", help="the officer of the registry that this is")
    adding.add_argument(
        "--password-stdin",
        action="store_true",
        required=True,
        help="the password is the first line of standard input",
    )
    broker = sub.add_parser("broker", help="the broker's users").add_subparsers(dest="action", required=True)
    broker.add_parser("users", help="write mosquitto's password file from the registry").add_argument(
        "--out", type=Path, required=True
    )
    _add_simulators(sub)
    _add_hj212(sub)
    stored = sub.add_parser("readings", help="stored readings").add_subparsers(dest="action", required=True)
    stored.add_parser("import", help="take in a CSV file of past readings").add_argument(
        "file", type=Path, metavar="FILE.csv"
    )
    _add_replay(sub)
    erasing = sub.add_parser("erase", help="what a person wrote").add_subparsers(dest="action", required=True)
    erasing.add_parser("note", help="a deed's note and position; the log's chain stays whole").add_argument(
        "client_id", metavar="CLIENT_ID"
    )
    evidence_parser.add(sub)
    sub.add_parser("check", help="verify the log's chain and the evidence's bytes against their rows")
    return top


def _add_registry(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """A parser for each action, so that options may stand before the folder and behind it."""
    registry = sub.add_parser("registry", help="the city's registry, from and to files")
    actions = registry.add_subparsers(dest="action", required=True)
    checking = actions.add_parser("check", help="say what is wrong with the files; needs no database")
    importing = actions.add_parser("import", help="bring the database to what the files say")
    exporting = actions.add_parser("export", help="write what the database says")
    for action in (checking, importing, exporting):
        action.add_argument("folder", type=Path, metavar="DIR", help="the folder of the files")
    importing.add_argument("--prune", action="store_true", help="deactivate what the files do not name")
    importing.add_argument(
        "--zones-from-files", action="store_true", help="also over zones that were drawn in the console"
    )
    importing.add_argument("--dry-run", action="store_true", help="only say what it would change")
    presets = actions.add_parser("presets", help="print the limits that can be named; needs no database")
    presets.add_argument("--json", action="store_true", help="a JSON document instead of a table")


def _add_roles(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    role = sub.add_parser("role", help="run one role in this process; `serve` starts these")
    role.add_argument("role", choices=ROLES)
    role.add_argument(
        "--share", type=_share, default=WHOLE, help="i/n: the i-th of n shares of the cameras (%(default)s)"
    )
    role.add_argument("--vitals", type=int, metavar="FD", help=argparse.SUPPRESS)
    role.add_argument("--replaces", choices=tuple(Trouble), help=argparse.SUPPRESS)
    role.add_argument("--rest", action="append", default=[], metavar="S:CAMERA", help=argparse.SUPPRESS)
    share = sub.add_parser(
        "cameras", help="watch shares of the cameras on this machine for a server elsewhere"
    )
    share.add_argument(
        "--share", type=_share, action="append", default=[], help="i/n; again for more, a process each"
    )
    gateway = share.add_subparsers(dest="action").add_parser(
        "gateway", help="write the cameras as the configuration of a gateway that plays them in full"
    )
    gateway.add_argument("--for", dest="gateway", choices=("go2rtc", "mediamtx"), required=True)
    gateway.add_argument("--out", type=Path, required=True, metavar="FILE")
    token = sub.add_parser("worker-token", help="with which shares on other machines send evidence")
    tokens = token.add_subparsers(dest="action", required=True)
    tokens.add_parser("add", help="print a new one, once").add_argument(
        "--share", type=_share, action="append", required=True, help="i/n; again for more"
    )
    tokens.add_parser("revoke", help="take no more from it").add_argument("number", type=int)
    tokens.add_parser("list", help="their numbers, shares and dates")
    feed = sub.add_parser("feed-token", help="with which programs of others read feeds")
    feeds = feed.add_subparsers(dest="action", required=True)
    feeds.add_parser("add", help="print a new one, once").add_argument("name", help="whose it is")
    feeds.add_parser("revoke", help="answer it no more").add_argument("number", type=int)
    feeds.add_parser("list", help="their numbers, names and dates")


def _share(text: str) -> Share:
    try:
        return Share.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_simulators(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    camera = sub.add_parser("simulate", help="stand-ins to practise with").add_subparsers(
        dest="action", required=True
    )
    serving = camera.add_parser("camera", help="serve a video file over RTSP, in a loop")
    serving.add_argument("--file", type=Path, required=True)
    serving.add_argument("--url", required=True, help="rtsp://127.0.0.1:PORT/NAME")
    serving.add_argument("--codec", choices=("h264", "h265", "mjpeg"), default="h264", help="(%(default)s)")
    serving.add_argument("--user")
    serving.add_argument("--password")
    loggers = camera.add_parser("loggers", help="data loggers that speak HJ 212 over TCP to a server")
    loggers.add_argument("--to", required=True, metavar="HOST:PORT", help="where the server listens")
    loggers.add_argument("--mn", action="append", required=True, help="a registered station; again for more")
    loggers.add_argument(
        "--dialect", type=int, choices=(2005, 2017, 2025), default=2017, help="(%(default)s)"
    )
    loggers.add_argument(
        "--password-file", type=Path, help="its first line is the PW of all (default 123456)"
    )
    loggers.add_argument(
        "--sm4-key-file", type=Path, help="dialect 2025: seals what is sent, 32 hexadecimal digits"
    )
    loggers.add_argument(
        "--codes", default="a21026,a21002,a19001", help="pollutant codes, by commas (%(default)s)"
    )
    loggers.add_argument(
        "--period", type=float, default=30.0, metavar="S", help="seconds between values (%(default)g)"
    )
    demo = sub.add_parser("demo", help="a simulated city with everything it needs, on this machine")
    demo.add_argument("--port", type=int, default=8080)
    demo.add_argument("--host", default="127.0.0.1")
    demo.add_argument("--data", type=Path, default=Path("data/demo"))
    demo.add_argument("--seed", type=int, default=1)


def _add_replay(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    replaying = sub.add_parser(
        "replay", help="judge recorded readings again and print what comes out otherwise"
    )
    replaying.add_argument(
        "--from", dest="since", required=True, metavar="TIME", help="2026-11-22 or with T08:00"
    )
    replaying.add_argument(
        "--to", dest="until", required=True, metavar="TIME", help="without a zone: Asia/Shanghai"
    )
    replaying.add_argument("--station", metavar="MN")


def _add_hj212(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    hj212 = sub.add_parser("hj212", help="the data loggers' protocol").add_subparsers(
        dest="action", required=True
    )
    decoding = hj212.add_parser("decode", help="print what frames say, a JSON line each; needs no database")
    decoding.add_argument("file", metavar="FILE|-", help="frames, one a line; - is standard input")
    decoding.add_argument(
        "--stream", action="store_true", help="the input is what a connection carried, byte by byte"
    )
    decoding.add_argument(
        "--sm4-key-file", type=Path, metavar="FILE", help="opens sealed content (HJ 212-2025): 32 hex digits"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    args = parser().parse_args(arguments)
    try:
        return _dispatch(args)
    except OPERATORS_ERRORS as error:
        print(f"farwatch: {error}", file=sys.stderr)
        return CONFIGURATION_EXIT if args.command == "role" else USAGE_EXIT
    except OUTAGES as error:
        if args.command == "role":
            log.warning("%s", _of_an_outage(error), extra={"event": "role_outage"})
        else:
            print(f"farwatch: {_of_an_outage(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _of_an_outage(error: BaseException) -> str:
    """Some errors of the operating system have no words of their own; what was being done is in a note."""
    words = str(error) or "no answer in time"
    return ": ".join([*getattr(error, "__notes__", []), type(error).__name__, words.replace("\n", " ")])


def _dispatch(args: argparse.Namespace) -> int:
    if args.command == "simulate":
        logs.configure("simulate", as_json=False, level="info")
        if args.action == "loggers":
            return _run(
                lambda stop: commands.simulate_loggers(
                    args.to,
                    args.mn,
                    args.dialect,
                    args.codes,
                    args.password_file,
                    args.sm4_key_file,
                    args.period,
                    stop,
                )
            )
        return _run(
            lambda stop: commands.simulate_camera(
                args.file, args.url, args.user, args.password, stop, codec=args.codec
            )
        )
    if args.command == "demo":
        logs.configure("demo", as_json=False, level="info")
        return _run(lambda stop: commands.demo(args.host, args.port, args.data, args.seed, stop))
    if args.command == "registry" and args.action in ("presets", "check"):
        from server import registry_commands

        if args.action == "presets":
            return registry_commands.show_presets(as_json=args.json)
        return asyncio.run(registry_commands.check(args.folder))
    if args.command == "hj212":
        from server import hj212_commands

        return hj212_commands.decode(args.file, stream=args.stream, key_file=args.sm4_key_file)
    if args.command == "evidence" and args.evidence in ("verify", "verifier"):
        from server import evidence_commands

        if args.evidence == "verify":
            return evidence_commands.verify_file(args)
        return evidence_commands.write_verifier(args.out)
    logs.configure(getattr(args, "role", None) or args.command, as_json=False, level="info")
    settings = read(os.environ, args.config)
    logs.configure(
        getattr(args, "role", None) or args.command,
        as_json=settings.log_format == "json",
        level=settings.log_level,
    )
    return _dispatch_with(settings, args)


def _dispatch_with(settings: Settings, args: argparse.Namespace) -> int:
    match args.command, getattr(args, "action", None):
        case "migrate", _:
            return asyncio.run(commands.run_migrate(settings))
        case "serve", _:
            return _serve(settings, args.roles)
        case "role", _:
            end_with_parent()
            if args.role == "cameras":
                return _run(
                    lambda stop: commands.run_cameras(
                        settings, args.share, args.vitals, args.replaces, args.rest, stop
                    )
                )
            return _run(lambda stop: commands.run_role(settings, args.role, stop))
        case "cameras", "gateway":
            return asyncio.run(commands.camera_gateway(settings, args.gateway, args.out))
        case "cameras", _ if not args.share:
            raise commands.CommandError(
                "cameras needs --share i/n, or gateway --for go2rtc|mediamtx --out FILE"
            )
        case "cameras", _:
            return _cameras(settings, args.share)
        case "erase", _:
            return asyncio.run(commands.erase_note(settings, args.client_id))
        case "worker-token" | "feed-token" | "evidence" | "registry", _:
            return asyncio.run(_apart(settings, args))
        case "user", _:
            return asyncio.run(
                commands.add_user(
                    settings, args.name, args.role, args.officer, sys.stdin.readline().rstrip("\n")
                )
            )
        case "readings", _:
            from server import readings_import

            return asyncio.run(readings_import.run(settings, args.file))
        case "replay", _:
            return asyncio.run(commands.replay(settings, args.since, args.until, args.station))
        case "broker", _:
            return asyncio.run(commands.broker_users(settings, args.out))
        case _:
            return asyncio.run(commands.check(settings))


async def _apart(settings: Settings, args: argparse.Namespace) -> int:
    """Commands with a module of their own each, imported when it is asked for."""
    if args.command == "evidence":
        from server import evidence_commands

        return await evidence_commands.run(settings, args)
    if args.command == "feed-token":
        from server import feed_token_commands

        return await feed_token_commands.run(settings, args.action, args)
    if args.command == "registry":
        from server import registry_commands

        if args.action == "export":
            return await registry_commands.export(settings, args.folder)
        how = {"prune": args.prune, "zones_from_files": args.zones_from_files, "dry_run": args.dry_run}
        return await registry_commands.import_(settings, args.folder, **how)
    from server import worker_token_commands

    return await worker_token_commands.run(settings, args.action, args)


def _serve(settings: Settings, roles: str) -> int:
    wanted = [role.strip() for role in roles.split(",") if role.strip()]
    if unknown := [role for role in wanted if role not in ROLES] or ([] if wanted else [""]):
        raise SettingsError(f"'{unknown[0]}' is not a role: choose from {', '.join(ROLES)}")

    async def run(stop: asyncio.Event) -> None:
        await commands.require_ready(settings, wanted)
        await serve(settings, processes_of(wanted, settings), stop)

    return _run(run, grace_s=GRACE_S + 1)


def _cameras(settings: Settings, shares: Sequence[Share]) -> int:
    async def run(stop: asyncio.Event) -> None:
        await commands.require_ready(settings, [])
        await serve(settings, [camera_process(share, settings) for share in dict.fromkeys(shares)], stop)

    return _run(run, grace_s=GRACE_S + 1)


def _run(work: Callable[[asyncio.Event], Awaitable[None]], grace_s: float = STOP_GRACE_S) -> int:
    """Runs until done or asked to stop; what does not end by itself within the grace is cancelled."""

    async def main_task() -> None:
        stop = asyncio.Event()
        stop_on_signals(asyncio.get_running_loop(), stop)
        async with asyncio.TaskGroup() as group:
            working = group.create_task(_awaited(work, stop))
            stopping = group.create_task(stop.wait())
            await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await asyncio.wait((working,), timeout=grace_s)
                working.cancel()
            stopping.cancel()

    try:
        asyncio.run(main_task())
    except BaseExceptionGroup as group:
        raise _first_leaf(group) from group
    return 0


async def _awaited(work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
    await work(stop)


def _first_leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    leaf: BaseException = group
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    return leaf


if __name__ == "__main__":
    sys.exit(main())
