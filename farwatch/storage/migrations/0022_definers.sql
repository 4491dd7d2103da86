-- Functions that run as the owner: for those who need them (farwatch.storage.migration grants them), and blind to temporary tables, which
-- anybody may make under the names of ours.
REVOKE EXECUTE ON FUNCTION ensure_partitions, drop_readings_before FROM PUBLIC;
DO $$
DECLARE
  path text := (SELECT string_agg(quote_ident(schema), ', ') FROM unnest(current_schemas(false)) AS schema) || ', pg_temp';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['ensure_partitions', 'drop_readings_before', 'camera_evidence_stored', 'camera_evidence_lost',
    'camera_evidence_given_up', 'camera_findings_ended', 'camera_heartbeat'] LOOP
    EXECUTE format('ALTER FUNCTION %I SET search_path = %s', name, path);
  END LOOP;
END $$;
-- With the schema's name, for the same reason: a temporary table pg_roles would have been believed.
CREATE OR REPLACE FUNCTION is_camera_worker() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT pg_has_role(session_user, workers.oid, 'USAGE') AND NOT mine.rolsuper
    FROM pg_catalog.pg_roles AS workers, pg_catalog.pg_roles AS mine
    WHERE workers.rolname = 'farwatch_camera' AND mine.rolname = session_user), false)
$$;
