-- A month of the exceedance register from two indexes alone: its rows lie one to a page in their tables.
DROP INDEX reviews_over;
CREATE INDEX reviews_over ON reviews (ts, kind, channel_id) INCLUDE (
  verdict, reason, expected, received, valid, device_value, device_converted, device_flag, own_value, own_converted, judged_value,
  limit_value, lower_value, limit_source, late, reviewed_at, revision
) WHERE verdict IN ('over', 'below');
CREATE INDEX findings_by_onset ON findings (fingerprint, onset_at) INCLUDE (id, rule, tier, disposition);
