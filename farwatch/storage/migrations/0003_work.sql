-- From findings to closed tasks. Lock order: task, deadlines, notices.

CREATE TABLE findings (
  id uuid PRIMARY KEY, rule text NOT NULL, kind text NOT NULL, tier text NOT NULL, fingerprint text NOT NULL,
  station text, code text, camera text, zone text, enterprise text, lat double precision NOT NULL, lon double precision NOT NULL,
  onset_at timestamptz NOT NULL, found_at timestamptz NOT NULL DEFAULT clock_timestamp(), ended_at timestamptz,
  severity smallint NOT NULL, reason_key text NOT NULL, reason_params jsonb NOT NULL, detector jsonb NOT NULL,
  late boolean NOT NULL, drill_id text, disposition text, disposition_reason text, disposed_at timestamptz,
  CHECK ((station IS NULL) <> (camera IS NULL))
);
CREATE INDEX findings_undisposed ON findings (found_at) WHERE disposition IS NULL;
CREATE INDEX findings_by_fingerprint ON findings (fingerprint, found_at DESC);

-- The enterprise was told; unless the finding ends by `window_ends_at`, a task follows.
CREATE TABLE warnings (
  finding_id uuid PRIMARY KEY REFERENCES findings, fingerprint text NOT NULL, enterprise text, told_at timestamptz NOT NULL,
  window_ends_at timestamptz NOT NULL, state text NOT NULL CHECK (state IN ('open', 'cleared', 'became_task')), decided_at timestamptz,
  drill_id text
);
CREATE UNIQUE INDEX warnings_one_open ON warnings (fingerprint, drill_id) NULLS NOT DISTINCT WHERE state = 'open';

CREATE TABLE tasks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state text NOT NULL, severity smallint NOT NULL,
  lat double precision NOT NULL, lon double precision NOT NULL, grid text, enterprise text, officer text,
  offered_to text[] NOT NULL DEFAULT '{}', declined_by text[] NOT NULL DEFAULT '{}',
  dispatch_reason text, dispatch_params jsonb NOT NULL DEFAULT '{}',
  opened_at timestamptz NOT NULL, dispatched_at timestamptz, delivered_at timestamptz, accepted_at timestamptz,
  arrived_at timestamptz, handled_at timestamptz, verified_at timestamptz, closed_at timestamptz,
  outcome text, policy jsonb NOT NULL, drill_id text, reopened_from bigint REFERENCES tasks
);
CREATE INDEX tasks_open ON tasks (id) WHERE state <> 'closed';
CREATE TABLE matters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, fingerprint text NOT NULL,
  kind text NOT NULL, station text, camera text, code text, zone text, event_at timestamptz NOT NULL, found_at timestamptz NOT NULL,
  severity smallint NOT NULL, reason_key text NOT NULL, reason_params jsonb NOT NULL, accepted_at timestamptz, closed_at timestamptz,
  drill_id text
);
-- A drill's business and the real one of the same fingerprint are two.
CREATE UNIQUE INDEX matters_one_open ON matters (fingerprint, drill_id) NULLS NOT DISTINCT WHERE closed_at IS NULL;
CREATE INDEX matters_by_task ON matters (task_id);
CREATE TABLE matter_findings (
  finding_id uuid PRIMARY KEY REFERENCES findings, matter_id bigint NOT NULL REFERENCES matters,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  end_noted_at timestamptz  -- that the finding ended is on the task's time line since then
);
CREATE INDEX matter_findings_by_matter ON matter_findings (matter_id);
CREATE TABLE deadlines (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, matter_id bigint REFERENCES matters,
  kind text NOT NULL, step smallint NOT NULL DEFAULT 0, due_at timestamptz NOT NULL, state text NOT NULL DEFAULT 'pending',
  decided_at timestamptz, UNIQUE NULLS NOT DISTINCT (task_id, matter_id, kind, step)
);
CREATE INDEX deadlines_due ON deadlines (due_at) WHERE state = 'pending';

-- What a person did; client_id makes a repeat harmless. claimed_at is the phone's own time: shown, never decides.
CREATE TABLE actions (
  client_id text PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, actor text NOT NULL, action text NOT NULL,
  claimed_at timestamptz NOT NULL, received_at timestamptz NOT NULL, note text NOT NULL DEFAULT '',
  lat double precision, lon double precision, accuracy_m double precision, result text NOT NULL
);
CREATE INDEX actions_by_task ON actions (task_id);

-- The outbox.
CREATE TABLE notices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id bigint REFERENCES tasks, finding_id uuid REFERENCES findings,
  step text NOT NULL, channel text NOT NULL, target text NOT NULL, message_key text NOT NULL, message_params jsonb NOT NULL,
  state text NOT NULL DEFAULT 'queued', attempts integer NOT NULL DEFAULT 0, next_attempt_at timestamptz NOT NULL,
  error text, created_at timestamptz NOT NULL, sent_at timestamptz, drill_id text,
  UNIQUE NULLS NOT DISTINCT (task_id, finding_id, step, channel, target)
);
CREATE INDEX notices_due ON notices (next_attempt_at) WHERE state = 'queued';

-- Bytes live in the content-addressed store; a copy made from another row is derived and names its parent.
CREATE TABLE evidence (
  id uuid PRIMARY KEY, finding_id uuid REFERENCES findings, task_id bigint REFERENCES tasks, kind text NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'stored', 'lost')), reason text, sha256 text, size_bytes bigint, media_type text NOT NULL,
  derived_from uuid REFERENCES evidence, camera text, captured_at timestamptz, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  stored_at timestamptz, meta jsonb NOT NULL DEFAULT '{}', CHECK ((state = 'stored') = (sha256 IS NOT NULL))
);
CREATE INDEX evidence_by_finding ON evidence (finding_id);
CREATE INDEX evidence_by_task ON evidence (task_id);
CREATE INDEX evidence_pending ON evidence (created_at) WHERE state = 'pending';

CREATE TABLE camera_status (
  camera text PRIMARY KEY, state text NOT NULL, reason text NOT NULL DEFAULT '', last_frame_at timestamptz,
  changed_at timestamptz NOT NULL, updated_at timestamptz NOT NULL
);
