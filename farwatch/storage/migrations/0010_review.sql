-- The review's own rows: what it looked at and when, what it asked stations for again.

-- Live periods go before back-filled ones.
CREATE INDEX review_due_by_period ON review_due (ts);
-- Every review that was done, so that it can be done again over the same rows: `at` was its now, `seen_at` when the newest
-- reading that it saw of the station was received.
CREATE TABLE review_ticks (
  mn text NOT NULL, kind text NOT NULL, ts timestamptz NOT NULL, at timestamptz NOT NULL, seen_at timestamptz,
  clock_offset_s double precision, PRIMARY KEY (mn, kind, ts, at)
);
CREATE INDEX review_ticks_by_period ON review_ticks (ts);
CREATE INDEX review_ticks_by_time ON review_ticks (at);
CREATE INDEX findings_of_data ON findings (station, onset_at) WHERE kind = 'data_fault';

-- Hours whose hour or minute data a station was asked for again: once each.
CREATE TABLE review_fetches (
  mn text NOT NULL, kind text NOT NULL CHECK (kind IN ('hour', 'min')), ts timestamptz NOT NULL,
  asked_at timestamptz NOT NULL, reason text NOT NULL, command bigint NOT NULL, PRIMARY KEY (mn, kind, ts)
);
CREATE INDEX review_fetches_by_time ON review_fetches (mn, asked_at);
