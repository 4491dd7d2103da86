-- Commands to data loggers and what loggers say that is no reading.

CREATE TABLE device_commands (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mn text NOT NULL REFERENCES stations, command text NOT NULL,
  parameters jsonb NOT NULL DEFAULT '{}', asked_by text NOT NULL, asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  state text NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'sent', 'confirmed', 'done', 'answered', 'refused', 'timed_out', 'unreachable')),
  reason text NOT NULL DEFAULT '', qn text NOT NULL DEFAULT '', tries smallint NOT NULL DEFAULT 0,
  way text CHECK (way IN ('tcp', 'mqtt')), sent_at timestamptz, confirmed_at timestamptz, ended_at timestamptz,
  answer jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX device_commands_open ON device_commands (mn, id) WHERE state IN ('queued', 'sent', 'confirmed');
CREATE INDEX device_commands_by_station ON device_commands (mn, id DESC);

-- One row per thing said; a repeat of the same words in the same exchange changes nothing.
CREATE TABLE device_replies (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mn text NOT NULL, cn text NOT NULL, qn text NOT NULL,
  content jsonb NOT NULL, digest bytea NOT NULL, received_at timestamptz NOT NULL, UNIQUE (mn, qn, cn, digest)
);
CREATE INDEX device_replies_by_time ON device_replies (mn, received_at);

-- How each station was heard last over HJ 212.
CREATE TABLE station_links (
  mn text PRIMARY KEY REFERENCES stations, way text NOT NULL CHECK (way IN ('tcp', 'mqtt')), dialect smallint NOT NULL,
  system text NOT NULL, checksum text NOT NULL, address text NOT NULL DEFAULT '', heard_at timestamptz NOT NULL
);
