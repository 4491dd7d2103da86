-- Evidence beyond its quota: the bytes go, the row with its hash and the reason stays. `erased_at`: the file is gone and the log says so.
ALTER TABLE evidence DROP CONSTRAINT evidence_state_check;
ALTER TABLE evidence DROP CONSTRAINT evidence_check;
ALTER TABLE evidence
  ADD COLUMN purged_at timestamptz,
  ADD COLUMN erased_at timestamptz,
  ADD CONSTRAINT evidence_state_check CHECK (state IN ('pending', 'stored', 'lost', 'purged')),
  ADD CONSTRAINT evidence_check CHECK ((state IN ('stored', 'purged')) = (sha256 IS NOT NULL)),
  ADD CONSTRAINT evidence_purged_check CHECK ((state = 'purged') = (purged_at IS NOT NULL));
CREATE INDEX evidence_by_hash ON evidence (sha256) WHERE state = 'stored';
CREATE INDEX evidence_to_erase ON evidence (purged_at) WHERE state = 'purged' AND erased_at IS NULL;
CREATE INDEX evidence_copies ON evidence (derived_from) WHERE derived_from IS NOT NULL;
CREATE INDEX tasks_reopened ON tasks (reopened_from) WHERE reopened_from IS NOT NULL;
