-- Readings and their revisions: hypertables where TimescaleDB is preloaded, native monthly partitions elsewhere.
-- No foreign keys to or from them: one would block dropping chunks or triple the cost of an insert.

DO $$
DECLARE
  -- An owner who is no superuser may not read the setting: for him the administrator makes the extension beforehand.
  has_timescale boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') OR CASE
    WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('shared_preload_libraries') LIKE '%timescaledb%'
      AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
    ELSE false END;
  columns text := 'channel_id integer NOT NULL, kind text NOT NULL, ts timestamptz NOT NULL, value double precision NOT NULL,
    converted double precision, minimum double precision, maximum double precision, amount double precision,
    flag text NOT NULL, received_at timestamptz NOT NULL, late boolean NOT NULL, revision integer NOT NULL';
BEGIN
  IF has_timescale THEN
    CREATE EXTENSION IF NOT EXISTS timescaledb;
    EXECUTE format('CREATE TABLE readings (%s, PRIMARY KEY (channel_id, kind, ts))', columns);
    EXECUTE format('CREATE TABLE reading_revisions (%s, PRIMARY KEY (channel_id, kind, ts, revision))', columns);
    PERFORM create_hypertable('readings', 'ts', chunk_time_interval => interval '1 day');
    PERFORM create_hypertable('reading_revisions', 'ts', chunk_time_interval => interval '7 days');
  ELSE
    EXECUTE format('CREATE TABLE readings (%s, PRIMARY KEY (channel_id, kind, ts)) PARTITION BY RANGE (ts)', columns);
    EXECUTE format('CREATE TABLE reading_revisions (%s, PRIMARY KEY (channel_id, kind, ts, revision)) PARTITION BY RANGE (ts)', columns);
  END IF;
END $$;

-- Makes the monthly partitions that cover [now - 401 days, now + 62 days]. Owned by the owner role, so that the service
-- role needs no right to create tables. Does nothing on TimescaleDB.
CREATE FUNCTION ensure_partitions(at timestamptz) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  parent text; month timestamptz; part text; made integer := 0;
BEGIN
  FOR parent IN SELECT relname FROM pg_class WHERE relname IN ('readings', 'reading_revisions') AND relkind = 'p'
      AND relnamespace = current_schema()::regnamespace LOOP
    month := date_trunc('month', at AT TIME ZONE 'UTC' - interval '401 days') AT TIME ZONE 'UTC';
    WHILE month < at + interval '62 days' LOOP
      part := format('%s_%s', parent, to_char(month AT TIME ZONE 'UTC', 'YYYY_MM'));
      IF to_regclass(part) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part,
          month, (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
        made := made + 1;
      END IF;
      month := (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
SELECT ensure_partitions(now());

CREATE TABLE latest_readings (
  channel_id integer NOT NULL, kind text NOT NULL, ts timestamptz NOT NULL, value double precision NOT NULL,
  converted double precision, flag text NOT NULL, received_at timestamptz NOT NULL, PRIMARY KEY (channel_id, kind)
);

-- Refused input, one row per (source, content, day); `seen` counts repeats. Beyond the quota only dead_letter_counts grows.
CREATE TABLE dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text NOT NULL, topic text NOT NULL, payload bytea NOT NULL,
  sha256 bytea NOT NULL, reason text NOT NULL, detail text NOT NULL DEFAULT '', day date NOT NULL,
  seen integer NOT NULL DEFAULT 1, received_at timestamptz NOT NULL, UNIQUE (source, day, sha256)
);
CREATE TABLE dead_letter_counts (
  source text NOT NULL, day date NOT NULL, reason text NOT NULL, total bigint NOT NULL, kept bigint NOT NULL,
  PRIMARY KEY (source, day, reason)
);
CREATE TABLE outages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text NOT NULL, started_at timestamptz NOT NULL, ended_at timestamptz
);
CREATE INDEX outages_by_time ON outages (started_at);
