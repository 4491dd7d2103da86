-- Handing over, ceasing, storms and excuses of a task; each part's own tables hang on task_id or matter_id.
ALTER TABLE tasks ADD COLUMN handover_to text, ADD COLUMN closed_reason text, ADD COLUMN storm_id bigint;
ALTER TABLE matters
  ADD COLUMN ceased_at timestamptz, ADD COLUMN closed_reason text, ADD COLUMN confirmed_by bigint[] NOT NULL DEFAULT '{}';
ALTER TABLE deadlines ADD COLUMN excused_at timestamptz, ADD COLUMN excused_by text, ADD COLUMN excuse text;
CREATE INDEX matters_by_fingerprint ON matters (fingerprint, closed_at DESC);
CREATE INDEX tasks_by_enterprise ON tasks (enterprise, opened_at DESC) WHERE enterprise IS NOT NULL;
CREATE INDEX tasks_by_opening ON tasks (opened_at DESC, id DESC);
