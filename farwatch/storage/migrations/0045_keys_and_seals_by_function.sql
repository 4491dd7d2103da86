-- The service adds keys and seals by these alone (farwatch.storage.migration takes its INSERT away): the first key, since any other one
-- is the owner's to add, and the seal that follows the last one, by the key that signs now, and of no hour that has yet to come. Where
-- one role owns and writes they are its way too. The triggers of 0041 look at what they write as at what the owner writes.
CREATE FUNCTION add_first_key(new_fingerprint text, new_public_key bytea) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE;
  IF new_fingerprint IS DISTINCT FROM rtrim(regexp_replace(left(encode(sha256(new_public_key), 'hex'), 32), '(....)', '\1-', 'g'), '-') THEN
    RAISE EXCEPTION 'key_not_next: this is not the fingerprint of that key' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO signing_keys (fingerprint, public_key)
    SELECT new_fingerprint, new_public_key WHERE NOT EXISTS (SELECT FROM signing_keys);
END $$;
-- False where another was quicker.
CREATE FUNCTION append_seal(
  new_hour timestamptz, new_first bigint, new_last bigint, new_root bytea, new_prev_root bytea, new_key text, new_signature bytea
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  last record;
BEGIN
  LOCK TABLE log_seals IN SHARE ROW EXCLUSIVE MODE;
  SELECT hour, n_last, root INTO last FROM log_seals ORDER BY n_last DESC LIMIT 1;
  IF new_first <= last.n_last THEN
    RETURN false;
  END IF;
  IF length(new_root) <> 32 OR length(new_signature) <> 64 OR new_prev_root <> coalesce(last.root, decode(repeat('00', 32), 'hex'))
    OR new_key IS DISTINCT FROM (SELECT fingerprint FROM signing_keys ORDER BY made_at DESC, fingerprint LIMIT 1)
    OR new_hour > greatest(date_trunc('hour', clock_timestamp(), 'UTC'), last.hour) + interval '1 hour' THEN
    RAISE EXCEPTION 'seal_not_next: a seal follows the last one, by the key that signs now, of an hour that has passed'
      USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO log_seals (hour, n_first, n_last, root, prev_root, key, signature)
    VALUES (new_hour, new_first, new_last, new_root, new_prev_root, new_key, new_signature);
  RETURN FOUND;
END $$;
REVOKE EXECUTE ON FUNCTION add_first_key, append_seal FROM PUBLIC;
-- A job beside the clocks that failed for a reason that nobody foresaw, and when it is begun again.
CREATE TABLE job_failures (
  job text PRIMARY KEY, failed_at timestamptz NOT NULL, again_at timestamptz NOT NULL, error text NOT NULL
);
-- Blind to temporary tables that anybody may make under these names.
DO $$
DECLARE
  path text := (SELECT string_agg(quote_ident(schema), ', ') FROM unnest(current_schemas(false)) AS schema) || ', pg_temp';
BEGIN
  EXECUTE format('ALTER FUNCTION add_first_key SET search_path = %s', path);
  EXECUTE format('ALTER FUNCTION append_seal SET search_path = %s', path);
END $$;
