-- How a camera is read: its packets' way, and by whom.

ALTER TABLE cameras
  ADD COLUMN transport text NOT NULL DEFAULT 'auto' CHECK (transport IN ('auto', 'tcp', 'udp')),
  ADD COLUMN reader text NOT NULL DEFAULT 'own' CHECK (reader IN ('own', 'ffmpeg'));
