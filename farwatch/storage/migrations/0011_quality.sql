-- Jobs that look at the whole city keep the time up to which they have looked.
CREATE TABLE job_cursors (job text PRIMARY KEY, at timestamptz NOT NULL);

-- The silence watch asks for two rules every few seconds.
CREATE INDEX findings_of_rule ON findings (rule, station);
