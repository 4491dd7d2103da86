"""A kill at a write: a trigger on every table, and a sequence that is not rolled back to count with."""

from farwatch.storage.database import Pool

KILL = """
CREATE SEQUENCE writes MINVALUE 0 START 0;
CREATE TABLE kill (at bigint, armed boolean);
INSERT INTO kill VALUES (-1, false);
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT armed FROM kill) AND nextval('writes') = (SELECT at FROM kill) THEN RAISE EXCEPTION 'killed'; END IF;
  RETURN NULL;
END $$;
"""
WRITTEN = (
    "tasks",
    "matters",
    "matter_findings",
    "deadlines",
    "notices",
    "event_queue",
    "findings",
    "warnings",
    "heartbeats",
    "silences",
    "storms",
)


async def set_up(pool: Pool) -> None:
    await pool.execute(KILL)
    for table in WRITTEN:
        await pool.execute(
            f"CREATE TRIGGER die AFTER INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION die()"
        )
