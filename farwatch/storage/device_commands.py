"""Commands to data loggers and what the loggers answer, as rows that outlive both ends of the connection."""

import hashlib
from collections.abc import Mapping, Sequence

import orjson

from farwatch.domain.device import OPEN, Command, CommandState, DeviceCommand, DeviceReply, Way
from farwatch.storage.database import Connection, Pool, Record

HEARTBEATS = frozenset({"9015", "9021"})
"""Say nothing but that the device lives: never kept."""

_COLUMNS = """id, mn, command, parameters, asked_by, asked_at, state, reason, qn, tries, way, sent_at, confirmed_at,
  ended_at, answer"""
_OPEN = [str(state) for state in OPEN]


async def add(
    connection: Connection | Pool, mn: str, command: Command, parameters: Mapping[str, str], by: str
) -> int:
    """Queues the command; its station's earlier ones go first. Raises IntegrityConstraintViolationError for an MN that
    no station ever had."""
    number: int = await connection.fetchval(
        "INSERT INTO device_commands (mn, command, parameters, asked_by) VALUES ($1, $2, $3, $4) RETURNING id",
        mn,
        str(command),
        dict(parameters),
        by,
    )
    return number


async def note_replies(connection: Connection, replies: Sequence[DeviceReply]) -> None:
    """Keeps what devices said, in the caller's transaction. What was said before in the same exchange is not kept again; where
    no exchange is named it counts as said now, for devices give the same answer to the same question."""
    said: dict[tuple[str, str, str, bytes], DeviceReply] = {}
    for reply in replies:
        if reply.cn not in HEARTBEATS:
            content = orjson.dumps(_without_nul(reply.content), option=orjson.OPT_SORT_KEYS)
            # The acknowledgements of 2005 name their exchange in the data area.
            qn = reply.qn or reply.content.get("QN", "")
            said[reply.mn, reply.cn, qn, content] = reply
    if not said:
        return
    await connection.execute(
        "INSERT INTO device_replies (mn, cn, qn, content, digest, received_at)"
        " SELECT m, c, q, t::jsonb, d, r FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[],"
        " $6::timestamptz[]) AS x (m, c, q, t, d, r) ON CONFLICT (mn, qn, cn, digest)"
        " DO UPDATE SET received_at = excluded.received_at WHERE excluded.qn = ''",
        [mn for mn, _, _, _ in said],
        [cn for _, cn, _, _ in said],
        [qn for _, _, qn, _ in said],
        [content.decode() for _, _, _, content in said],
        [hashlib.sha256(content).digest()[:16] for _, _, _, content in said],
        [r.received_at for r in said.values()],
    )


async def outstanding(connection: Connection | Pool) -> list[DeviceCommand]:
    """Each station's oldest command that has not ended: the one that may be talked about now."""
    rows = await connection.fetch(
        f"SELECT DISTINCT ON (mn) {_COLUMNS} FROM device_commands WHERE state = ANY($1) ORDER BY mn, id",
        _OPEN,
    )
    return [_command(r) for r in rows]


async def replies_to(
    connection: Connection | Pool, commands: Sequence[DeviceCommand]
) -> dict[int, list[DeviceReply]]:
    """What was said in the exchange of each command, in the order it came, by the command's id. Some devices give their
    answer a QN of its own: what bears the command's number and came after it was sent counts as well."""
    found: dict[int, list[DeviceReply]] = {c.id: [] for c in commands if c.qn}
    if not found:
        return {}
    rows = await connection.fetch(
        # Replies bear our own clock's time, commands PostgreSQL's; a process whose clock is off by more stops.
        "SELECT c.id, r.mn, r.cn, r.qn, r.content, r.received_at FROM device_commands c JOIN device_replies r"
        " ON r.mn = c.mn AND r.received_at >= c.asked_at - interval '5 s'"
        " AND (r.qn = c.qn OR (r.cn = c.command AND r.received_at >= c.sent_at))"
        " WHERE c.id = ANY($1) ORDER BY r.id",
        list(found),
    )
    for r in rows:
        found[r["id"]].append(DeviceReply(r["mn"], r["cn"], r["qn"], r["content"], r["received_at"]))
    return found


async def save(connection: Connection | Pool, command: DeviceCommand) -> None:
    """Writes how far the command has come."""
    await connection.execute(
        "UPDATE device_commands SET state = $2, reason = $3, qn = $4, tries = $5, way = $6, sent_at = $7,"
        " confirmed_at = $8, ended_at = $9, answer = $10 WHERE id = $1",
        command.id,
        str(command.state),
        command.reason,
        command.qn,
        command.tries,
        None if command.way is None else str(command.way),
        command.sent_at,
        command.confirmed_at,
        command.ended_at,
        dict(command.answer),
    )


async def of_station(
    connection: Connection | Pool, mn: str, most: int, before: int | None = None
) -> list[DeviceCommand]:
    """The newest first; `before` is the id that the page before ended with."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM device_commands WHERE mn = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        mn,
        2**62 if before is None else before,
        most,
    )
    return [_command(r) for r in rows]


async def open_count(connection: Connection | Pool, mn: str) -> int:
    """How many of a station's commands have not ended."""
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM device_commands WHERE mn = $1 AND state = ANY($2)", mn, _OPEN
        )
    )


async def forget_replies(connection: Connection | Pool, older_than_days: int) -> None:
    await connection.execute(
        "DELETE FROM device_replies WHERE received_at < clock_timestamp() - make_interval(days => $1)",
        older_than_days,
    )


def _without_nul(content: Mapping[str, str]) -> dict[str, str]:
    """PostgreSQL's jsonb holds no NUL."""
    return {k.replace("\0", "\ufffd"): v.replace("\0", "\ufffd") for k, v in content.items()}


def _command(row: Record) -> DeviceCommand:
    return DeviceCommand(
        id=row["id"],
        mn=row["mn"],
        command=Command(row["command"]),
        parameters=row["parameters"],
        asked_by=row["asked_by"],
        asked_at=row["asked_at"],
        state=CommandState(row["state"]),
        reason=row["reason"],
        qn=row["qn"],
        tries=row["tries"],
        way=None if row["way"] is None else Way(row["way"]),
        sent_at=row["sent_at"],
        confirmed_at=row["confirmed_at"],
        ended_at=row["ended_at"],
        answer=row["answer"],
    )
