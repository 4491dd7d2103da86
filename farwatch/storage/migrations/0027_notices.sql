-- Notices that arrive: a key that goes out in every message, groups of ways to try one after the other, receipts, and for each
-- channel how much may be sent. `channel` is `page` or the name of a credential, `target` whoever is told.

UPDATE notices SET channel = target WHERE channel = 'apprise';
ALTER TABLE notices
  ADD COLUMN urgent boolean NOT NULL DEFAULT true,
  ADD COLUMN group_no smallint NOT NULL DEFAULT 0,     -- of a page's notice: the group that is tried next; of others: their own
  ADD COLUMN plan_at timestamptz,                      -- when the planner looks at a page's notice
  ADD COLUMN expires_at timestamptz, ADD COLUMN delivered_at timestamptz, ADD COLUMN seen_at timestamptz,
  ADD COLUMN accepted_at timestamptz,
  ADD COLUMN superseded_by bigint REFERENCES notices,  -- of a digested one: whose message carries it
  ADD COLUMN key text NOT NULL GENERATED ALWAYS AS (
    coalesce(task_id::text, '') || CASE WHEN task_id IS NULL OR finding_id IS NULL THEN '' ELSE '/' END
    || coalesce(finding_id::text, '') || ':' || step || ':' || channel || ':' || target) STORED,
  ADD CONSTRAINT notices_key UNIQUE (key),
  DROP CONSTRAINT notices_task_id_finding_id_step_channel_target_key;
CREATE INDEX notices_by_task ON notices (task_id, target);
CREATE INDEX notices_to_plan ON notices (plan_at) WHERE plan_at IS NOT NULL;
CREATE INDEX notices_carried ON notices (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX notices_lost ON notices (created_at DESC) WHERE state IN ('failed', 'expired');

CREATE TABLE notice_attempts (
  notice_id bigint NOT NULL REFERENCES notices, n integer NOT NULL, at timestamptz NOT NULL, channel text NOT NULL,
  result text NOT NULL, error text, took_ms integer NOT NULL, PRIMARY KEY (notice_id, n)
);
-- Tokens of the bucket at `at`; rows, so that a restart or a take-over sends no burst.
CREATE TABLE channel_state (
  name text PRIMARY KEY, tokens double precision NOT NULL, at timestamptz NOT NULL, blocked_until timestamptz
);
-- Up to which number of the log a program outside was told.
CREATE TABLE webhook_cursors (name text PRIMARY KEY, n bigint NOT NULL, at timestamptz NOT NULL);
