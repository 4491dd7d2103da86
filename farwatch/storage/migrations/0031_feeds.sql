-- Reports, and programs of others that read.

-- A street office (街道) may answer for several grids.
ALTER TABLE grids ADD COLUMN street text NOT NULL DEFAULT '';

-- Tokens with which programs of others read (OGC API Features, CAP). Only the hash is kept.
CREATE TABLE feed_tokens (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_sha256 bytea NOT NULL UNIQUE, name text NOT NULL CHECK (name <> ''),
  made_at timestamptz NOT NULL DEFAULT now(), revoked_at timestamptz, last_used_at timestamptz
);

-- Which cases a report is about: those that were opened or closed in its span, or whose limit fell into it.
CREATE INDEX tasks_by_closing ON tasks (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX deadlines_of_handling ON deadlines (due_at) WHERE kind = 'handle';
-- What was found in a span, by kind and by business.
CREATE INDEX findings_by_finding ON findings (found_at) INCLUDE (kind, fingerprint) WHERE drill_id IS NULL;
