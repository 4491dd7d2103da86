-- From findings to matters: silences hold new findings back, storms take many together, some rules have to speak n times.

-- All scope columns null would be about everything. Rows are ended, never deleted; `judged_at`: what it held back was looked at.
CREATE TABLE silences (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('silence', 'maintenance')),
  enterprise text, station text, camera text, rule text, finding_kind text, grid text,
  reason text NOT NULL CHECK (reason <> ''), made_by text NOT NULL, made_at timestamptz NOT NULL,
  from_at timestamptz NOT NULL, to_at timestamptz NOT NULL, ended_at timestamptz, ended_by text, judged_at timestamptz,
  CHECK (num_nonnulls(enterprise, station, camera, rule, finding_kind, grid) > 0),
  CHECK (to_at > from_at AND to_at <= from_at + interval '30 days')
);
CREATE INDEX silences_not_judged ON silences (to_at) WHERE judged_at IS NULL;

-- `last_at`: when as much last came together as begins a storm. At most one runs.
CREATE TABLE storms (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, began_at timestamptz NOT NULL, last_at timestamptz NOT NULL,
  ended_at timestamptz, tasks integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX storms_one_runs ON storms ((true)) WHERE ended_at IS NULL;

-- The silence that holds a finding back, or did: it stays when the finding leads to a matter after all.
ALTER TABLE findings ADD COLUMN silence_id bigint REFERENCES silences;
CREATE INDEX findings_of_silence ON findings (silence_id, found_at) WHERE silence_id IS NOT NULL;
CREATE INDEX findings_counted ON findings (fingerprint, rule, found_at) WHERE disposition = 'counted';

-- For correlation: the open tasks of a place, of an enterprise, of a storm, and how much came lately.
CREATE INDEX tasks_open_by_place ON tasks (lat, lon) WHERE state <> 'closed';
CREATE INDEX tasks_open_by_enterprise ON tasks (enterprise) WHERE state <> 'closed' AND enterprise IS NOT NULL;
CREATE INDEX tasks_open_of_storm ON tasks (storm_id, grid) WHERE state <> 'closed' AND storm_id IS NOT NULL;
CREATE INDEX matters_by_found ON matters (found_at);
