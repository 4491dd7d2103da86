"""How a command to a logger goes on: what to do next, from what was said and the time that has passed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from farwatch.domain.device import OPEN, Command, CommandState, DeviceCommand, DeviceReply, Way
from ingest.hj212.content import time_text

REPLY_WITHIN = timedelta(seconds=10)
TRIES = 3
"""HJ 212-2017 table 1: ten seconds, three times, then communication counts as unavailable."""
LINE_WITHIN = timedelta(seconds=60)
"""How long a command waits for its station to connect."""
RESULT_WITHIN = timedelta(seconds=30)
HISTORY_WITHIN = timedelta(seconds=60)
"""Since the last packet of history; a long period is many packets."""
HISTORY_AT_MOST = timedelta(minutes=30)
SAMPLE_WITHIN = timedelta(minutes=10)
"""A sampler draws, rinses and seals; no standard says how long."""

HISTORY = frozenset({Command.FETCH_DAYS, Command.FETCH_MINUTES, Command.FETCH_HOURS})
UPLOADS = HISTORY | {Command.START_REALTIME}
"""What is asked for comes as readings, not as a reply."""
NOTICES = frozenset({Command.STOP_REALTIME})
"""Answered by 9013 alone (HJ 212-2017 §6.2)."""

REQUEST_REFUSALS = {
    "2": "rejected", "3": "wrong_password", "4": "wrong_mn", "5": "wrong_system", "6": "wrong_flag", "7": "wrong_qn",
    "8": "unknown_command", "9": "wrong_checksum", "100": "unknown_fault",
}  # fmt: skip
"""QnRtn of 9011, HJ 212-2017 table 7."""
RESULT_REFUSALS = {
    "2": "failed", "3": "condition_not_met", "4": "device_timed_out", "5": "device_busy", "6": "device_fault", "100": "no_data",
}  # fmt: skip
"""ExeRtn of 9012, HJ 212-2017 table 6."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Packets of what was asked for that have come since the command was sent; they are readings, and no replies."""

    packets: int = 0
    last_at: datetime | None = None


NOTHING_YET = Progress()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What there is to decide on: `line` is the way to the station, None while there is none; `up_since` is when stations
    could first connect to us."""

    now: datetime
    up_since: datetime
    line: Way | None
    replies: Sequence[DeviceReply] = ()
    progress: Progress = NOTHING_YET


@dataclass(frozen=True, slots=True)
class Advance:
    """The command as it is to be saved, and whether it is to be sent after that."""

    command: DeviceCommand
    send: bool = False


def advance(command: DeviceCommand, at: Moment) -> Advance:
    """One step. A command that was sent and forgotten, as after a kill, goes on where its row says that it was."""
    heard = _hear(command, at)
    match heard.state:
        case CommandState.QUEUED:
            return _try(heard, at, "not_connected", command.asked_at)
        case CommandState.SENT:
            if at.now - (heard.sent_at or at.now) < REPLY_WITHIN:
                return Advance(heard)
            if heard.tries >= TRIES:
                return Advance(_end(heard, CommandState.TIMED_OUT, "no_reply", at))
            return _try(heard, at, "connection_lost", heard.sent_at or command.asked_at)
        case CommandState.CONFIRMED:
            return Advance(_await_result(heard, at))
        case _:
            return Advance(heard)


def _hear(command: DeviceCommand, at: Moment) -> DeviceCommand:
    if at.progress.packets and command.state in (CommandState.SENT, CommandState.CONFIRMED):
        answer = {**command.answer, "packets": str(at.progress.packets)}
        command = replace(_confirm(command, at.progress.last_at or at.now), answer=answer)
    for reply in at.replies:
        if command.state in OPEN:
            command = _heard(command, reply, at)
    return command


def _heard(command: DeviceCommand, reply: DeviceReply, at: Moment) -> DeviceCommand:
    if reply.cn == "9011":
        said = reply.content.get("QnRtn", "1")
        if said == "1":
            return _confirm(command, reply.received_at)
        return _end(command, CommandState.REFUSED, REQUEST_REFUSALS.get(said, "unknown_fault"), at)
    if reply.cn == "9012":
        said = reply.content.get("ExeRtn", "1")
        if said == "1":
            return _end(command, CommandState.DONE, "executed", at)
        return _end(command, CommandState.REFUSED, RESULT_REFUSALS.get(said, "failed"), at)
    if reply.cn == "9013":
        is_end = command.command in NOTICES
        return (
            _end(command, CommandState.DONE, "noticed", at)
            if is_end
            else _confirm(command, reply.received_at)
        )
    if reply.cn == command.command:
        # An answer without the 9011 before it confirms as well.
        said_of = {k: v for k, v in reply.content.items() if k != "QN"}
        return replace(_confirm(command, reply.received_at), answer={**command.answer, **said_of})
    return command


def _confirm(command: DeviceCommand, heard_at: datetime) -> DeviceCommand:
    if command.state not in (CommandState.QUEUED, CommandState.SENT):
        return command
    return replace(command, state=CommandState.CONFIRMED, reason="confirmed", confirmed_at=heard_at)


def _end(command: DeviceCommand, state: CommandState, reason: str, at: Moment) -> DeviceCommand:
    return replace(command, state=state, reason=reason, ended_at=at.now)


def _try(command: DeviceCommand, at: Moment, why_not: str, waits_since: datetime) -> Advance:
    if at.line is None:
        if at.now - max(waits_since, at.up_since) < LINE_WITHIN:
            return Advance(command)
        return Advance(_end(command, CommandState.UNREACHABLE, why_not, at))
    sent = replace(
        command,
        state=CommandState.SENT,
        reason="sent",
        qn=command.qn or time_text(at.now, milliseconds=True),
        tries=command.tries + 1,
        way=at.line,
        sent_at=at.now,
    )
    return Advance(sent, send=True)


def _await_result(command: DeviceCommand, at: Moment) -> DeviceCommand:
    if command.command is Command.START_REALTIME and at.progress.packets:
        return _end(command, CommandState.DONE, "data_comes", at)
    confirmed_at = command.confirmed_at or at.now
    since = max(confirmed_at, at.progress.last_at or confirmed_at)
    if at.now - since < _result_within(command.command) and at.now - confirmed_at < HISTORY_AT_MOST:
        return command
    if command.answer:
        return _end(command, CommandState.ANSWERED, "answered_without_result", at)
    return _end(command, CommandState.TIMED_OUT, "no_result", at)


def _result_within(command: Command) -> timedelta:
    if command in HISTORY:
        return HISTORY_WITHIN
    return SAMPLE_WITHIN if command in (Command.SAMPLE_NOW, Command.RETAIN_SAMPLE) else RESULT_WITHIN
