-- Shares of the cameras on other machines. Their database role (farwatch.storage.camera_role) inserts findings and evidence; what
-- has to be changed later goes through these functions, which every camera worker uses. Bytes are sent with a token of the share's own.

CREATE TABLE worker_tokens (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_sha256 bytea NOT NULL UNIQUE, shares text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), revoked_at timestamptz
);

-- Who signed in, also inside a function that runs as the owner.
CREATE FUNCTION is_camera_worker() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT pg_has_role(session_user, workers.oid, 'USAGE') AND NOT mine.rolsuper
    FROM pg_roles AS workers, pg_roles AS mine WHERE workers.rolname = 'farwatch_camera' AND mine.rolname = session_user), false)
$$;

CREATE FUNCTION camera_evidence_stored(of uuid, its_sha256 text, its_size_bytes bigint, taken_at timestamptz, its_meta jsonb)
RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH changed AS (
    UPDATE evidence SET state = 'stored', sha256 = its_sha256, size_bytes = its_size_bytes, captured_at = taken_at, meta = its_meta,
      stored_at = clock_timestamp() WHERE id = of AND state = 'pending'
      AND (camera IS NOT NULL OR NOT is_camera_worker()) RETURNING 1)
  SELECT EXISTS (SELECT FROM changed)
$$;
CREATE FUNCTION camera_evidence_lost(of uuid, why text)
RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH changed AS (
    UPDATE evidence SET state = 'lost', reason = why WHERE id = of AND state = 'pending'
      AND (camera IS NOT NULL OR NOT is_camera_worker()) RETURNING 1)
  SELECT EXISTS (SELECT FROM changed)
$$;
-- Nobody cuts or sends any more what is pending for so long; copies are somebody else's and come in their own time.
CREATE FUNCTION camera_evidence_given_up(of text[], age_s double precision, why text)
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH changed AS (
    UPDATE evidence SET state = 'lost', reason = why WHERE state = 'pending' AND kind IN ('clip', 'still', 'still_marked')
      AND camera = ANY (of) AND created_at < clock_timestamp() - make_interval(secs => age_s) RETURNING 1)
  SELECT count(*) FROM changed
$$;
CREATE FUNCTION camera_findings_ended(ids uuid[], at timestamptz[])
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH changed AS (
    UPDATE findings f SET ended_at = e.ended_at FROM unnest(ids, at) AS e (id, ended_at)
      WHERE f.id = e.id AND f.ended_at IS NULL AND f.camera IS NOT NULL RETURNING 1)
  SELECT count(*) FROM changed
$$;
-- A share that is divided otherwise now is forgotten after a day.
CREATE FUNCTION camera_heartbeat(share text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  DELETE FROM heartbeats WHERE name LIKE 'cameras %' AND at < clock_timestamp() - interval '1 day';
  INSERT INTO heartbeats VALUES ('cameras ' || share, clock_timestamp()) ON CONFLICT (name) DO UPDATE SET at = excluded.at
$$;
REVOKE EXECUTE ON FUNCTION camera_evidence_stored, camera_evidence_lost, camera_evidence_given_up, camera_findings_ended,
  camera_heartbeat FROM PUBLIC;

CREATE FUNCTION camera_worker_is_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE insufficient_privilege USING MESSAGE = 'a camera worker may not write this row of ' || TG_TABLE_NAME;
END $$;
CREATE TRIGGER camera_workers BEFORE INSERT ON findings FOR EACH ROW
  WHEN (NEW.camera IS NULL AND is_camera_worker()) EXECUTE FUNCTION camera_worker_is_refused();
CREATE TRIGGER camera_workers BEFORE INSERT ON evidence FOR EACH ROW
  WHEN ((NEW.camera IS NULL OR NEW.task_id IS NOT NULL) AND is_camera_worker()) EXECUTE FUNCTION camera_worker_is_refused();
CREATE TRIGGER camera_workers BEFORE INSERT ON event_queue FOR EACH ROW
  WHEN ((NEW.event ->> 'type' IN ('finding_found', 'evidence_stored', 'camera_status')) IS NOT TRUE AND is_camera_worker())
  EXECUTE FUNCTION camera_worker_is_refused();
