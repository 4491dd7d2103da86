-- Seals: at each full hour a Merkle root over what the log grew by, signed, and stamped by an outside authority where one is set.
CREATE TABLE signing_keys (
  fingerprint text PRIMARY KEY, public_key bytea NOT NULL CHECK (length(public_key) = 32),
  made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Ranges of n are contiguous: each begins where the one before ended. `hour` is the full hour at which it was cut.
CREATE TABLE log_seals (
  hour timestamptz PRIMARY KEY, n_first bigint NOT NULL UNIQUE, n_last bigint NOT NULL UNIQUE, root bytea NOT NULL,
  prev_root bytea NOT NULL, sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(), key text NOT NULL REFERENCES signing_keys,
  signature bytea NOT NULL, CHECK (n_last >= n_first)
);
-- An answer of a time stamp authority (RFC 3161) over a seal's root.
CREATE TABLE seal_stamps (
  hour timestamptz NOT NULL REFERENCES log_seals, authority text NOT NULL, token bytea NOT NULL, stamped_at timestamptz NOT NULL,
  PRIMARY KEY (hour, authority)
);
CREATE TRIGGER signing_keys_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signing_keys
  FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();
CREATE TRIGGER log_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_seals
  FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();
CREATE TRIGGER seal_stamps_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seal_stamps
  FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();
-- A piece that was stored before its finding had a task is told without one; an export of the case looks for it by the piece.
CREATE INDEX log_of_evidence ON log ((event::jsonb ->> 'evidence'))
  WHERE task_id IS NULL AND event LIKE '%"type":"evidence\_stored"%';
