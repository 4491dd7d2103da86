-- A day's curve of minutes lies on as many pages of the table as it has minutes. On native partitions the key holds the whole row, so that a
-- curve is read from a dozen pages of the index. TimescaleDB's columnstore does the same by its segments.

DO $$
DECLARE part text;
BEGIN
  IF (SELECT relkind = 'p' FROM pg_class WHERE oid = 'readings'::regclass) THEN
    ALTER TABLE readings DROP CONSTRAINT readings_pkey;
    ALTER TABLE readings ADD PRIMARY KEY (channel_id, kind, ts)
      INCLUDE (value, converted, minimum, maximum, amount, flag, received_at, late, revision);
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'readings'::regclass LOOP
      EXECUTE format('ALTER TABLE %I SET (autovacuum_vacuum_insert_scale_factor = 0.01)', part);
    END LOOP;
  END IF;
END $$;

-- As before, and new partitions are vacuumed after each hundredth that is added: the index answers alone for pages that were.
CREATE OR REPLACE FUNCTION ensure_partitions(at timestamptz) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  parent text; month timestamptz; part text; made integer := 0;
BEGIN
  FOR parent IN SELECT relname FROM pg_class WHERE relname IN ('readings', 'reading_revisions') AND relkind = 'p'
      AND relnamespace = current_schema()::regnamespace LOOP
    month := date_trunc('month', at AT TIME ZONE 'UTC' - interval '401 days') AT TIME ZONE 'UTC';
    WHILE month < at + interval '62 days' LOOP
      part := format('%s_%s', parent, to_char(month AT TIME ZONE 'UTC', 'YYYY_MM'));
      IF to_regclass(part) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) WITH (autovacuum_vacuum_insert_scale_factor = 0.01)', part, parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part,
          month, (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
        made := made + 1;
      END IF;
      month := (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
