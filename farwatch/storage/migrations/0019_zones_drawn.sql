-- Zones are also drawn in the console. A mask is what nobody looks at: a neighbour's window, a clock in the picture.

ALTER TABLE zones DROP CONSTRAINT zones_purpose_check;
ALTER TABLE zones ADD CONSTRAINT zones_purpose_check CHECK (purpose IN ('ground', 'sky', 'stack', 'mask'));
-- Cameras whose zones, also none, were drawn in the console: an import of files leaves those alone unless it is told otherwise.
CREATE TABLE drawn_zones (camera text PRIMARY KEY REFERENCES cameras, drawn_by text NOT NULL, drawn_at timestamptz NOT NULL);
-- What its worker knows of the stream: codec, width, height, transport, clock_offset_s; empty as long as nothing was read.
ALTER TABLE camera_status ADD COLUMN stream jsonb NOT NULL DEFAULT '{}';
-- What a camera's page shows of it.
CREATE INDEX findings_by_camera ON findings (camera, onset_at DESC, id DESC) WHERE camera IS NOT NULL;
