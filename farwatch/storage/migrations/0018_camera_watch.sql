-- How a camera is watched: always or in turns, fixed or steered, and how one behind a platform (GB/T 28181) is asked to send.
ALTER TABLE cameras
  ADD COLUMN watch text NOT NULL DEFAULT 'always' CHECK (watch IN ('always', 'patrol')),
  ADD COLUMN ptz boolean NOT NULL DEFAULT false,
  ADD COLUMN start_url text NOT NULL DEFAULT '', ADD COLUMN stop_url text NOT NULL DEFAULT '',
  ADD COLUMN start_key text NOT NULL DEFAULT 'data.rtsp', ADD COLUMN start_credential text NOT NULL DEFAULT '';
