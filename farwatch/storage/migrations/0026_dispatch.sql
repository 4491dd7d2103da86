-- Officers: what they can do, how they are told, their badge. Where they are and were, and why one was chosen.

ALTER TABLE officers ADD COLUMN skills text[] NOT NULL DEFAULT '{}', ADD COLUMN contact_channel text NOT NULL DEFAULT '',
  ADD COLUMN badge text NOT NULL DEFAULT '';

-- taken_at: when he was there, by the database's clock as far as that can be known; it ages from then.
ALTER TABLE officer_positions ADD COLUMN source text NOT NULL DEFAULT 'page', ADD COLUMN speed_m_s double precision,
  ADD COLUMN taken_at timestamptz;

-- The secret of a phone's tracking app; only its SHA-256 is kept. One at a time counts.
CREATE TABLE officer_devices (
  token_sha256 bytea PRIMARY KEY, officer text NOT NULL REFERENCES officers, made_by text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(), revoked_at timestamptz
);
CREATE UNIQUE INDEX officer_devices_one ON officer_devices (officer) WHERE revoked_at IS NULL;

-- The way to a task, while it is open only; dropped after the policy's tracks_days.
CREATE TABLE officer_tracks (
  officer text NOT NULL, at timestamptz NOT NULL, lat double precision NOT NULL, lon double precision NOT NULL,
  accuracy_m double precision, task_id bigint NOT NULL REFERENCES tasks, PRIMARY KEY (officer, at)
);
CREATE INDEX officer_tracks_by_age ON officer_tracks (at);

-- Each look for somebody: whom it was for, who could have gone at which cost (ids and seconds), and what came of it.
CREATE TABLE dispatch_choices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, at timestamptz NOT NULL,
  wanted text NOT NULL, chosen text, reason_key text NOT NULL, reason_params jsonb NOT NULL, candidates jsonb NOT NULL
);
CREATE INDEX dispatch_choices_by_task ON dispatch_choices (task_id, id);
