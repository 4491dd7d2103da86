-- What the enterprise answers, what it is let off, and the codes by which it sees who visits.

-- The contact's answer never stops the window. Its text may be erased: the log holds its salted hash only.
ALTER TABLE warnings ADD COLUMN acknowledged_at timestamptz, ADD COLUMN acknowledged_by text, ADD COLUMN answer text,
  ADD COLUMN salt bytea, ADD COLUMN channel text, ADD COLUMN reminded_at timestamptz;
CREATE INDEX warnings_by_enterprise ON warnings (enterprise, told_at DESC);
CREATE INDEX warnings_decided ON warnings (decided_at) WHERE state <> 'open';

-- The bureau's list of minor violations. A change is a whole new version; old ones stay, for the decisions that name them.
-- Empty as shipped: what is not punished is for the bureau to say.
CREATE TABLE minor_lists (
  version integer PRIMARY KEY CHECK (version > 0), changed_by text NOT NULL, changed_at timestamptz NOT NULL
);
CREATE TABLE minor_list (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version integer NOT NULL REFERENCES minor_lists, place smallint NOT NULL,
  kind text NOT NULL, rule text NOT NULL, code text NOT NULL, max_ratio double precision, max_severity smallint NOT NULL,
  times_at_most smallint NOT NULL, months smallint NOT NULL, needs_corrected boolean NOT NULL, basis text NOT NULL,
  UNIQUE (version, place)
);

CREATE TABLE penalty_decisions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, matter_id bigint NOT NULL REFERENCES matters,
  suggestion_key text NOT NULL, suggestion_params jsonb NOT NULL, list_version integer NOT NULL,
  decision text NOT NULL CHECK (decision IN ('no_penalty_first', 'no_penalty_minor', 'warn_only', 'penalty', 'transferred')),
  note text NOT NULL, salt bytea NOT NULL, decided_by text NOT NULL, decided_at timestamptz NOT NULL, withdrawn_at timestamptz
);
CREATE UNIQUE INDEX penalty_decisions_one_current ON penalty_decisions (matter_id) WHERE withdrawn_at IS NULL;
CREATE INDEX penalty_decisions_by_task ON penalty_decisions (task_id);

-- A code belongs to one officer's visit. Its token is kept as SHA-256 only; with the key of the data folder the nonce gives it again.
CREATE TABLE visit_codes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, officer text NOT NULL, nonce bytea NOT NULL,
  token_sha256 bytea NOT NULL UNIQUE, made_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
  ended_at timestamptz, ended_by text CHECK (ended_by IN ('over', 'passed_on', 'renewed')),
  first_scanned_at timestamptz, scans integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX visit_codes_one_open ON visit_codes (task_id) WHERE ended_at IS NULL;
CREATE INDEX visit_codes_by_task ON visit_codes (task_id);
CREATE TABLE visit_comments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code_id bigint NOT NULL REFERENCES visit_codes, client_id uuid NOT NULL UNIQUE,
  text text NOT NULL, salt bytea NOT NULL, at timestamptz NOT NULL, address_hash bytea NOT NULL,
  answered_by text, answer text, answered_at timestamptz
);
CREATE INDEX visit_comments_by_code ON visit_comments (code_id);

CREATE INDEX tasks_by_arrival ON tasks (arrived_at) WHERE arrived_at IS NOT NULL;

-- Whoever ends a visit or passes it on, by whatever way: its code ends in the same commit.
CREATE FUNCTION end_visit_codes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE visit_codes SET ended_at = clock_timestamp(),
    ended_by = CASE WHEN NEW.officer IS NOT DISTINCT FROM OLD.officer THEN 'over' ELSE 'passed_on' END
  WHERE task_id = NEW.id AND ended_at IS NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER tasks_end_visit_codes AFTER UPDATE OF state, officer ON tasks FOR EACH ROW
  WHEN (NEW.officer IS DISTINCT FROM OLD.officer OR (NEW.state IS DISTINCT FROM OLD.state AND NEW.state NOT IN ('accepted', 'arrived')))
  EXECUTE FUNCTION end_visit_codes();
