-- The exceedance register names the finding that each hour or day belongs to.
CREATE INDEX findings_by_rule ON findings (fingerprint, rule, onset_at DESC);
-- What was found in a month, also what nobody was sent for.
CREATE INDEX findings_by_kind ON findings (kind, onset_at DESC, id DESC);
