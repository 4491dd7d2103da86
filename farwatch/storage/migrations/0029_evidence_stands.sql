-- What makes a piece of evidence stand: a second digest, what the phone said, the device's certificate as of then, who saw it, who
-- confirmed it, and what holds it. Commitments of deeds are salted, so that a note can be erased and the chain still stands.
ALTER TABLE evidence ADD COLUMN sm3 text, ADD COLUMN phone_sha256 text, ADD COLUMN claimed_at timestamptz;
CREATE INDEX evidence_without_sm3 ON evidence (stored_at) WHERE state = 'stored' AND sm3 IS NULL;
ALTER TABLE actions ADD COLUMN salt bytea, ADD COLUMN erased_at timestamptz;
ALTER TABLE stations
  ADD COLUMN certificate text NOT NULL DEFAULT '', ADD COLUMN certificate_until date, ADD COLUMN calibrated_on date;
ALTER TABLE cameras
  ADD COLUMN certificate text NOT NULL DEFAULT '', ADD COLUMN certificate_until date, ADD COLUMN calibrated_on date;

-- `pieces` is the digest of what the reviewer had before him: with other evidence there the review no longer speaks of the case.
CREATE TABLE case_reviews (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks,
  part text NOT NULL CHECK (part IN ('legal', 'technical')), verdict text NOT NULL CHECK (verdict IN ('passed', 'rejected')),
  note text NOT NULL DEFAULT '', reviewer text NOT NULL, pieces text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(),
  overtaken_at timestamptz, withdrawn_at timestamptz, withdrawn_by text, withdrawn_note text
);
CREATE UNIQUE INDEX case_reviews_one_each ON case_reviews (task_id, part) WHERE withdrawn_at IS NULL;
CREATE TABLE legal_holds (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, reason text NOT NULL CHECK (reason <> ''),
  set_by text NOT NULL, set_at timestamptz NOT NULL DEFAULT clock_timestamp(), lifted_by text, lifted_at timestamptz
);
CREATE UNIQUE INDEX legal_holds_one_open ON legal_holds (task_id) WHERE lifted_at IS NULL;

-- All pieces of a case with their hashes in one text's SHA-256; what was purged keeps its hash, so a purge changes nothing here.
CREATE FUNCTION case_pieces(task bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT encode(sha256(convert_to(coalesce(string_agg(id || ' ' || coalesce(sha256, state), E'\n' ORDER BY id), ''), 'UTF8')), 'hex')
  FROM (
    SELECT e.id, e.sha256, e.state FROM evidence e WHERE e.task_id = task
    UNION
    SELECT e.id, e.sha256, e.state FROM evidence e JOIN matter_findings f ON f.finding_id = e.finding_id
      JOIN matters m ON m.id = f.matter_id WHERE m.task_id = task
  ) AS piece
$$;
-- none (no row here), in_review, rejected, evidence: two persons passed what is there now.
CREATE VIEW case_statuses AS
  SELECT task_id, CASE
      WHEN bool_or(verdict = 'rejected' AND stands) THEN 'rejected'
      WHEN count(*) FILTER (WHERE verdict = 'passed' AND stands) = 2 AND min(reviewer) <> max(reviewer) THEN 'evidence'
      ELSE 'in_review' END AS status
  FROM (SELECT task_id, verdict, reviewer, pieces = case_pieces(task_id) AS stands FROM case_reviews WHERE withdrawn_at IS NULL) AS r
  GROUP BY task_id;

-- Replaced, never a second one beside it: rights go by name.
DROP FUNCTION camera_evidence_stored;
CREATE FUNCTION camera_evidence_stored(
  of uuid, its_sha256 text, its_sm3 text, its_size_bytes bigint, taken_at timestamptz, its_meta jsonb
) RETURNS boolean LANGUAGE sql SECURITY DEFINER AS $$
  WITH changed AS (
    UPDATE evidence SET state = 'stored', sha256 = its_sha256, sm3 = its_sm3, size_bytes = its_size_bytes, captured_at = taken_at,
      meta = meta || its_meta, stored_at = clock_timestamp() WHERE id = of AND state = 'pending'
      AND (camera IS NOT NULL OR NOT is_camera_worker()) RETURNING 1)
  SELECT EXISTS (SELECT FROM changed)
$$;
REVOKE EXECUTE ON FUNCTION camera_evidence_stored FROM PUBLIC;
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION camera_evidence_stored SET search_path = %s',
    (SELECT string_agg(quote_ident(schema), ', ') FROM unnest(current_schemas(false)) AS schema) || ', pg_temp');
END $$;
