-- What the last event said of a camera, and when: turns on patrol and a worker's restart are no news.
ALTER TABLE camera_status ADD COLUMN told text NOT NULL DEFAULT '', ADD COLUMN told_at timestamptz;
UPDATE camera_status SET told = replace(state, 'resting', 'online') || ' ' || reason
  WHERE reason NOT IN ('starting', 'waits_its_turn', 'worker_away');
-- Since when the worker of a share is silent, once the log was told.
ALTER TABLE heartbeats ADD COLUMN silent_since timestamptz;
