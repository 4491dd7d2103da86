-- The exceedance register names the finding that each hour or day belongs to.
CREATE INDEX findings_by_rule ON findings (fingerprint, rule, onset_at DESC);
