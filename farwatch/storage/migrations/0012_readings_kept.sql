-- How long readings lie where: room for updates in place, compression and aggregates on TimescaleDB, the end of old readings.

-- A batch updates thousands of rows here: with room on their pages no index entry is written (a third less work a reading).
ALTER TABLE latest_readings SET (fillfactor = 50);

DO $$
DECLARE
  -- A native partitioned table stays one, even when the extension came later. Compression and aggregates belong to the Community
  -- edition; the Apache edition has hypertables only.
  has_hypertables boolean := (SELECT relkind = 'r' FROM pg_class WHERE oid = 'readings'::regclass);
  has_community boolean := has_hypertables AND current_setting('timescaledb.license', true) = 'timescale';
BEGIN
  IF has_hypertables THEN
    PERFORM set_chunk_time_interval('readings', interval '1 day');
    PERFORM set_chunk_time_interval('reading_revisions', interval '7 days');
  END IF;
  IF has_community THEN
    -- All columns of the key are among these, so that a late row finds its key by the segment and its sparse index.
    ALTER TABLE readings SET (timescaledb.enable_columnstore = true, timescaledb.segmentby = 'channel_id', timescaledb.orderby = 'kind, ts');
    ALTER TABLE reading_revisions
      SET (timescaledb.enable_columnstore = true, timescaledb.segmentby = 'channel_id', timescaledb.orderby = 'kind, ts, revision');
    -- After the horizon within which loggers fill their gaps. What comes later still goes in: its segments are opened for it.
    CALL add_columnstore_policy('readings', after => interval '7 days', if_not_exists => true);
    CALL add_columnstore_policy('reading_revisions', after => interval '14 days', if_not_exists => true);
  END IF;
END $$;

-- Screens only: hours of real-time or minute values as lowest, mean and highest. Legal means are never taken from here. A continuous
-- aggregate where there are such, a query over one channel's rows elsewhere: a month of minutes is 43,000 rows.
DO $$
DECLARE
  has_community boolean := (SELECT relkind = 'r' FROM pg_class WHERE oid = 'readings'::regclass)
    AND current_setting('timescaledb.license', true) = 'timescale';
  source text := 'SELECT date_trunc(''hour'', ts, ''UTC''), count(*), min(value), avg(value), max(value) FROM readings
    WHERE channel_id = $1 AND kind = $2 AND ts >= $3 AND ts < $4 GROUP BY 1 ORDER BY 1';
BEGIN
  IF has_community THEN
    CREATE MATERIALIZED VIEW reading_hours_kept WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
      SELECT channel_id, kind, time_bucket(interval '1 hour', ts) AS hour, count(*) AS readings, min(value) AS lowest,
        avg(value) AS mean, max(value) AS highest
      FROM readings WHERE kind IN ('rtd', 'min') GROUP BY channel_id, kind, time_bucket(interval '1 hour', ts)
      WITH NO DATA;
    -- As far back as a reading is taken, so that a back-filled hour is drawn as it is; only changed hours are made anew.
    PERFORM add_continuous_aggregate_policy('reading_hours_kept', start_offset => interval '401 days',
      end_offset => interval '1 hour', schedule_interval => interval '30 minutes', if_not_exists => true);
    source := 'SELECT hour, readings, lowest, mean, highest FROM reading_hours_kept
      WHERE channel_id = $1 AND kind = $2 AND hour >= $3 AND hour < $4 ORDER BY 1';
  END IF;
  EXECUTE format('CREATE FUNCTION reading_hours(channel integer, kind text, since timestamptz, until timestamptz)
    RETURNS TABLE (hour timestamptz, readings bigint, lowest float8, mean float8, highest float8)
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS %L', source);
END $$;

-- Drops whole partitions or chunks of one of the two tables that end at or before `at`, and returns how many. Evidence, findings
-- and reviews hold copies and stay. Owned by the owner role: the service may drop old readings this way and no other.
CREATE FUNCTION drop_readings_before(parent text, at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  part record; dropped integer := 0;
BEGIN
  IF parent NOT IN ('readings', 'reading_revisions') OR at > now() - interval '401 days' THEN
    RAISE EXCEPTION 'readings of % before % are still taken in', parent, at;
  END IF;
  IF (SELECT relkind = 'r' FROM pg_class WHERE oid = parent::regclass) THEN
    EXECUTE 'SELECT count(*) FROM drop_chunks($1::regclass, older_than => $2)' INTO dropped USING parent, at;
    RETURN dropped;
  END IF;
  FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = parent::regclass
        AND (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz <= at LOOP
    EXECUTE format('DROP TABLE %I', part.relname);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;

CREATE INDEX dead_letters_by_age ON dead_letters (received_at);
