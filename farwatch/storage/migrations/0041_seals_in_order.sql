-- Keys and seals are appended in order, whatever the writer says of his clock: the newest key is the one that was added last (a key
-- that was dated ahead is followed by the next one), and a seal begins where the one before ended, over entries that there are.
CREATE FUNCTION signing_key_is_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.made_at := greatest(clock_timestamp(), (SELECT max(made_at) + interval '1 microsecond' FROM signing_keys));
  RETURN NEW;
END $$;
CREATE FUNCTION log_seal_is_next() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last record;
  newest record;
BEGIN
  SELECT hour, n_last INTO last FROM log_seals ORDER BY n_last DESC LIMIT 1;
  SELECT n, at INTO newest FROM log ORDER BY n DESC LIMIT 1;
  IF NEW.hour = last.hour OR NEW.n_first <= last.n_last THEN
    RETURN NULL;  -- another was quicker
  END IF;
  IF NEW.n_first <> coalesce(last.n_last, 0) + 1 OR newest IS NULL OR NEW.n_last > newest.n OR NEW.hour < last.hour
    OR NEW.hour <> date_trunc('hour', NEW.hour, 'UTC')
    OR NEW.hour > greatest(date_trunc('hour', newest.at, 'UTC'), last.hour) + interval '1 hour' THEN
    RAISE EXCEPTION 'seal_not_next: seals follow one another over entries of the log, at full hours that have passed'
      USING ERRCODE = 'check_violation';
  END IF;
  NEW.sealed_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER signing_keys_in_order BEFORE INSERT ON signing_keys FOR EACH ROW EXECUTE FUNCTION signing_key_is_next();
CREATE TRIGGER log_seals_in_order BEFORE INSERT ON log_seals FOR EACH ROW EXECUTE FUNCTION log_seal_is_next();
-- Blind to temporary tables that anybody may make under these names.
DO $$
DECLARE
  path text := (SELECT string_agg(quote_ident(schema), ', ') FROM unnest(current_schemas(false)) AS schema) || ', pg_temp';
BEGIN
  EXECUTE format('ALTER FUNCTION signing_key_is_next SET search_path = %s', path);
  EXECUTE format('ALTER FUNCTION log_seal_is_next SET search_path = %s', path);
END $$;
