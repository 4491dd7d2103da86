-- The registry. Rows are deactivated, never deleted: tasks and readings go on naming them.

CREATE TABLE enterprises (
  id text PRIMARY KEY, name text NOT NULL, lat double precision NOT NULL, lon double precision NOT NULL,
  contact_name text NOT NULL DEFAULT '', contact_phone text NOT NULL DEFAULT '', contact_channel text NOT NULL DEFAULT '',
  active boolean NOT NULL DEFAULT true
);
CREATE TABLE stations (
  mn text PRIMARY KEY, enterprise text NOT NULL REFERENCES enterprises, name text NOT NULL,
  lat double precision NOT NULL, lon double precision NOT NULL, medium text NOT NULL, drill boolean NOT NULL DEFAULT false,
  active boolean NOT NULL DEFAULT true
);
CREATE TABLE channels (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mn text NOT NULL REFERENCES stations, code text NOT NULL,
  unit text NOT NULL, active boolean NOT NULL DEFAULT true, UNIQUE (mn, code)
);
-- One row per validity period; limit_value null: the channel is measured, but has no limit of that kind.
CREATE TABLE limits (
  channel_id integer NOT NULL REFERENCES channels, kind text NOT NULL CHECK (kind IN ('rtd', 'min', 'hour', 'day')),
  limit_value double precision, converted boolean NOT NULL, warn_share double precision NOT NULL,
  valid_from timestamptz NOT NULL, valid_to timestamptz, PRIMARY KEY (channel_id, kind, valid_from),
  CHECK (valid_to IS NULL OR valid_to > valid_from)
);
CREATE TABLE cameras (
  id text PRIMARY KEY, name text NOT NULL, enterprise text REFERENCES enterprises, lat double precision NOT NULL,
  lon double precision NOT NULL, heading_deg double precision, url text NOT NULL, credential text NOT NULL DEFAULT '',
  drill boolean NOT NULL DEFAULT false, active boolean NOT NULL DEFAULT true
);
CREATE TABLE zones (
  camera text NOT NULL REFERENCES cameras, name text NOT NULL, purpose text NOT NULL CHECK (purpose IN ('ground', 'sky', 'stack')),
  polygon jsonb NOT NULL, active boolean NOT NULL DEFAULT true, PRIMARY KEY (camera, name)
);
CREATE TABLE teams (id text PRIMARY KEY, name text NOT NULL, lead text, active boolean NOT NULL DEFAULT true);
CREATE TABLE grids (
  id text PRIMARY KEY, name text NOT NULL, team text NOT NULL REFERENCES teams, geometry jsonb NOT NULL,
  active boolean NOT NULL DEFAULT true
);
CREATE TABLE officers (
  id text PRIMARY KEY, name text NOT NULL, team text NOT NULL REFERENCES teams, phone text NOT NULL DEFAULT '',
  lat double precision NOT NULL, lon double precision NOT NULL, shift text NOT NULL DEFAULT '',
  active boolean NOT NULL DEFAULT true
);
-- The latest position only; written by the officer's own page while on shift or with an open task.
CREATE TABLE officer_positions (
  officer text PRIMARY KEY REFERENCES officers, lat double precision NOT NULL, lon double precision NOT NULL,
  accuracy_m double precision, claimed_at timestamptz NOT NULL, received_at timestamptz NOT NULL
);
CREATE TABLE policies (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, toml text NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
);
-- One row; the version grows with every import that changed something.
CREATE TABLE registry_version (single boolean PRIMARY KEY DEFAULT true CHECK (single), version bigint NOT NULL, changed_at timestamptz NOT NULL);
INSERT INTO registry_version VALUES (true, 0, now());
