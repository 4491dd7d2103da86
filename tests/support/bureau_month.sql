-- A month of judged data for the bureau's pages, in parts that bureau_data.py runs one after the other. A wave of the day with
-- a peak over the limit in the afternoon of each third day; the seventh hour is always invalid.

-- part: city
INSERT INTO enterprises (id, name, lat, lon) VALUES ('B1', '东方热电有限公司', 30.01, 120.01), ('B2', '城西污水处理厂', 30.02, 120.02);
INSERT INTO stations (mn, enterprise, name, lat, lon, medium, o2_reference_percent) VALUES
  ($STACK, 'B1', '一号锅炉烟囱', 30.01, 120.01, 'air', 6), ($WATER, 'B2', '总排口', 30.02, 120.02, 'water', NULL),
  ($QUIET, 'B1', '二号锅炉烟囱', 30.011, 120.012, 'air', 6);
INSERT INTO channels (mn, code, unit, role, registered) VALUES
  ($STACK, 'a21026', 'mg/m3', '', true), ($STACK, 'a21002', 'mg/m3', '', true), ($STACK, 'a34013', 'mg/m3', '', true),
  ($STACK, 'a19001', '%', 'o2', true), ($STACK, 'a00000', 'm3/s', 'flow', true), ($STACK, 'zz9001', '', '', false),
  ($WATER, 'w01018', 'mg/L', '', true), ($WATER, 'w21003', 'mg/L', '', true), ($WATER, 'w01001', '', '', true),
  ($QUIET, 'a21026', 'mg/m3', '', true);
INSERT INTO limits (channel_id, kind, limit_value, lower_value, converted, warn_share, valid_from, source, unverified)
SELECT c.id, k.kind, x.limit_value, x.lower_value, x.converted, 0.9, '2026-01-01', x.source, x.unverified
FROM (VALUES ('a21026', 35.0, NULL::float8, true, 'GB 13223-2011 超低排放', false), ('a21002', 50.0, NULL, true, 'GB 13223-2011 超低排放', false),
  ('a34013', 10.0, NULL, true, 'GB 13223-2011 超低排放', true), ('w01018', 50.0, NULL, false, 'GB 18918-2002 一级A', false),
  ('w21003', 5.0, NULL, false, 'GB 18918-2002 一级A', false), ('w01001', 9.0, 6.0, false, 'GB 18918-2002', true)
) AS x (code, limit_value, lower_value, converted, source, unverified)
JOIN channels c USING (code) CROSS JOIN (VALUES ('min'), ('hour'), ('day')) AS k (kind);
INSERT INTO station_clocks VALUES ($STACK, 78.4, 1.5, $now), ($WATER, -2.1, 0.8, $now);
INSERT INTO station_links (mn, way, dialect, system, checksum, heard_at) VALUES
  ($STACK, 'tcp', 2017, '31', 'modbus', $now), ($WATER, 'mqtt', 2025, '32', 'pass', $now);
INSERT INTO marks (mn, label, from_at, to_at, declared_by, note, declared_at) VALUES
  ($STACK, 'start_up', $day::timestamptz + interval '2 hours', $day::timestamptz + interval '4 hours', 'bureau', '冷态启炉', $day::timestamptz),
  ($STACK, 'maintenance', $day::timestamptz - interval '30 hours', $day::timestamptz - interval '28 hours', 'bureau', '更换滤袋', $day::timestamptz - interval '20 hours');
UPDATE registry_version SET version = version + 1;

-- part: hours
WITH hours AS (
  SELECT c.id, c.code, l.limit_value, l.lower_value, coalesce(l.converted, false) AS converted, coalesce(l.source, '') AS source, t.ts,
    extract(hour FROM t.ts AT TIME ZONE 'Asia/Shanghai')::int AS h, extract(day FROM t.ts AT TIME ZONE 'Asia/Shanghai')::int AS d
  FROM channels c LEFT JOIN limits l ON l.channel_id = c.id AND l.kind = 'hour'
  CROSS JOIN generate_series($1::timestamptz, $2::timestamptz - interval '1 hour', interval '1 hour') AS t (ts)
  WHERE c.mn = ANY($3) AND c.registered
), means AS (
  SELECT *, round((coalesce(limit_value, 8) * (0.6 + 0.25 * sin(h / 24.0 * 6.28)
    + CASE WHEN d % 3 = 0 AND h IN (14, 15) AND code IN ('a21026', 'w01018') THEN 0.75 ELSE 0 END))::numeric, 2)::float8 AS mean
  FROM hours
)
INSERT INTO reviews (channel_id, kind, ts, verdict, reason, expected, received, valid, device_value, device_converted, device_flag,
  own_value, own_converted, judged_value, limit_value, lower_value, limit_source, late, reviewed_at, revision)
SELECT id, 'hour', ts,
  CASE WHEN h = 7 THEN 'invalid' WHEN h IN (2, 3) AND ts >= $4 AND code LIKE 'a%' THEN 'marked' WHEN limit_value IS NULL THEN 'no_limit'
    WHEN mean > limit_value THEN 'over' ELSE 'ok' END,
  CASE WHEN h = 7 THEN 'too_few' WHEN h IN (2, 3) AND ts >= $4 AND code LIKE 'a%' THEN 'marked'
    WHEN converted THEN 'device_converted' ELSE 'device_mean' END,
  60, CASE WHEN h = 7 THEN 31 ELSE 60 END, CASE WHEN h = 7 THEN 30 ELSE 58 END, round((mean * 0.9)::numeric, 2), CASE WHEN converted THEN mean END,
  CASE WHEN h = 7 THEN 'D' ELSE 'N' END, round((mean * 0.902)::numeric, 3), CASE WHEN converted THEN round((mean * 1.001)::numeric, 3) END,
  CASE WHEN h <> 7 THEN mean END, limit_value, lower_value, CASE WHEN limit_value IS NULL THEN '' ELSE source END, d = 3, ts + interval '65 minutes',
  CASE WHEN h = 14 AND d = 3 THEN 1 ELSE 0 END
FROM means

-- part: days
INSERT INTO reviews (channel_id, kind, ts, verdict, reason, expected, received, valid, device_value, device_flag, own_value, judged_value,
  limit_value, limit_source, late, reviewed_at)
SELECT r.channel_id, 'day', date_trunc('day', r.ts, 'Asia/Shanghai') AS day, 'no_limit', 'own_mean', 24, count(*),
  count(*) FILTER (WHERE r.verdict <> 'invalid'), NULL, NULL, round(avg(r.own_value)::numeric, 3), round(avg(r.own_value)::numeric, 3),
  NULL, '', false, max(r.reviewed_at) FROM reviews r WHERE r.kind = 'hour' GROUP BY r.channel_id, day

-- part: minutes
INSERT INTO readings (channel_id, kind, ts, value, converted, flag, received_at, late, revision)
SELECT c.id, 'min', t.ts, v.value, v.value * 1.1, CASE WHEN extract(hour FROM t.ts AT TIME ZONE 'Asia/Shanghai') = 7 THEN 'D' ELSE 'N' END,
  t.ts + interval '61 seconds', extract(hour FROM t.ts AT TIME ZONE 'Asia/Shanghai') = 5,
  CASE WHEN extract(minute FROM t.ts) = 30 AND extract(hour FROM t.ts AT TIME ZONE 'Asia/Shanghai') = 9 THEN 1 ELSE 0 END
FROM channels c CROSS JOIN generate_series($1::timestamptz, $2::timestamptz, interval '1 minute') AS t (ts)
CROSS JOIN LATERAL (SELECT 18 + 8 * sin(extract(epoch FROM t.ts) / 9000) + 3 * sin(extract(epoch FROM t.ts) / 311 + c.id) AS value) v
WHERE c.mn = ANY($3) AND c.registered AND NOT (extract(hour FROM t.ts AT TIME ZONE 'Asia/Shanghai') = 11 AND extract(minute FROM t.ts) > 20)

-- part: latest
INSERT INTO latest_readings SELECT DISTINCT ON (channel_id) channel_id, kind, ts, value, converted, flag, received_at
FROM readings WHERE kind = 'min' ORDER BY channel_id, ts DESC
