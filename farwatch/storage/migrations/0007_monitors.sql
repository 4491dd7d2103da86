-- Data loggers, channels that were only heard, limits with schedules, and the review of hours and days.

ALTER TABLE stations
  ADD COLUMN crc text NOT NULL DEFAULT 'strict' CHECK (crc IN ('strict', 'accept-modbus', 'ignore')),
  ADD COLUMN credential text NOT NULL DEFAULT '',
  ADD COLUMN source text NOT NULL DEFAULT '',
  ADD COLUMN minute_interval_min integer CHECK (minute_interval_min BETWEEN 1 AND 60),
  ADD COLUMN o2_reference_percent double precision CHECK (o2_reference_percent >= 0 AND o2_reference_percent < 21);
ALTER TABLE channels
  ADD COLUMN range_low double precision,
  ADD COLUMN range_high double precision,
  ADD COLUMN role text NOT NULL DEFAULT '',
  ADD COLUMN registered boolean NOT NULL DEFAULT true,
  ADD COLUMN first_heard_at timestamptz;
ALTER TABLE limits
  ADD COLUMN lower_value double precision,
  ADD COLUMN schedule text NOT NULL DEFAULT '',
  ADD COLUMN source text NOT NULL DEFAULT '',
  ADD COLUMN unverified boolean NOT NULL DEFAULT false;
ALTER TABLE limits DROP CONSTRAINT limits_pkey;
ALTER TABLE limits ADD PRIMARY KEY (channel_id, kind, schedule, valid_from);

-- How far a station's own clock is behind (positive) or ahead of ours, as its live messages show.
CREATE TABLE station_clocks (
  mn text PRIMARY KEY REFERENCES stations, offset_s double precision NOT NULL, spread_s double precision NOT NULL,
  measured_at timestamptz NOT NULL
);

-- Which station's hours and days have readings that no review has seen yet; written in the readings' own transaction.
-- Each mark draws a new seq: a review deletes only the mark that it saw together with its readings.
CREATE TABLE review_due (
  mn text NOT NULL, kind text NOT NULL CHECK (kind IN ('hour', 'day')), ts timestamptz NOT NULL, due_at timestamptz NOT NULL,
  seq bigint NOT NULL DEFAULT 0, PRIMARY KEY (mn, kind, ts)
);
CREATE INDEX review_due_next ON review_due (due_at);

-- One row per channel and hour or day: what was there, what our own mean is, and the verdict. What it replaced is kept.
CREATE TABLE reviews (
  channel_id integer NOT NULL, kind text NOT NULL, ts timestamptz NOT NULL,
  verdict text NOT NULL, reason text NOT NULL, expected smallint NOT NULL, received smallint NOT NULL, valid smallint NOT NULL,
  device_value double precision, device_converted double precision, device_flag text,
  own_value double precision, own_converted double precision, judged_value double precision,
  limit_value double precision, lower_value double precision, limit_source text NOT NULL DEFAULT '',
  late boolean NOT NULL, reviewed_at timestamptz NOT NULL, revision integer NOT NULL DEFAULT 0,
  PRIMARY KEY (channel_id, kind, ts)
);
CREATE INDEX reviews_over ON reviews (ts, kind) WHERE verdict IN ('over', 'below');
CREATE TABLE review_revisions (LIKE reviews, PRIMARY KEY (channel_id, kind, ts, revision));

-- Declared conditions of the works (工况标记): start-up, shut-down, maintenance. Never changed, only withdrawn.
CREATE TABLE marks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mn text NOT NULL REFERENCES stations, code text, label text NOT NULL,
  from_at timestamptz NOT NULL, to_at timestamptz NOT NULL, declared_by text NOT NULL, note text NOT NULL DEFAULT '',
  declared_at timestamptz NOT NULL DEFAULT clock_timestamp(), withdrawn_at timestamptz, withdrawn_by text,
  CHECK (to_at > from_at)
);
CREATE INDEX marks_by_station ON marks (mn, from_at);
