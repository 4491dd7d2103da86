"""Who looked at what and who signed in: kept at least 180 days, no personal data beyond the account's name."""

from farwatch.domain.finding import Param
from farwatch.storage.database import Connection, Pool


async def write(
    connection: Connection | Pool, actor: str, action: str, subject: str = "", **detail: Param
) -> None:
    """`actor` is an account's name; `subject` names a row, e.g. `evidence/<id>`."""
    await connection.execute(
        "INSERT INTO audit (actor, action, subject, detail) VALUES ($1, $2, $3, $4)",
        actor,
        action,
        subject,
        detail,
    )
