-- Committed events, numbered by the one sequencer and chained: hash = SHA-256(prev_hash || canonical JSON of the event).
-- A writer adds to event_queue in its own transaction; nothing draws a number before its commit.

CREATE TABLE event_queue (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event jsonb NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE log (
  n bigint PRIMARY KEY, at timestamptz NOT NULL, event text NOT NULL, task_id bigint, prev_hash bytea NOT NULL, hash bytea NOT NULL
);
CREATE INDEX log_by_task ON log (task_id, n) WHERE task_id IS NOT NULL;
CREATE FUNCTION log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the log is append-only';
END $$;
CREATE TRIGGER log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();

-- One row per role that only one process may hold; each commit of the holder checks the epoch.
CREATE TABLE leases (role text PRIMARY KEY, epoch bigint NOT NULL, holder text NOT NULL, taken_at timestamptz NOT NULL);
-- What each service last did; the alert rules and the wall look at it.
CREATE TABLE heartbeats (name text PRIMARY KEY, at timestamptz NOT NULL);
