-- What a program outside refused: how often the entry after `n`, and how many were given up. One that the policy names no more is
-- not active: it keeps its place.
ALTER TABLE webhook_cursors
  ADD COLUMN active boolean NOT NULL DEFAULT true,
  ADD COLUMN refusals integer NOT NULL DEFAULT 0,
  ADD COLUMN aside bigint NOT NULL DEFAULT 0, ADD COLUMN aside_at timestamptz;
-- Told in another one's message that has not gone out yet.
CREATE INDEX notices_untold ON notices (superseded_by) WHERE state = 'digested' AND sent_at IS NULL;
-- For the end of old ones.
CREATE INDEX notice_attempts_by_time ON notice_attempts (at);
