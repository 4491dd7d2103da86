-- Who may sign in. A session's token is kept as its SHA-256 only.

CREATE TABLE users (
  name text PRIMARY KEY, role text NOT NULL CHECK (role IN ('centre', 'officer', 'bureau', 'admin')), officer text REFERENCES officers,
  password_hash text NOT NULL, active boolean NOT NULL DEFAULT true, created_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((role = 'officer') = (officer IS NOT NULL))
);
CREATE TABLE sessions (
  token_sha256 bytea PRIMARY KEY, user_name text NOT NULL REFERENCES users, created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL, ended_at timestamptz
);
CREATE INDEX sessions_by_user ON sessions (user_name);
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), actor text NOT NULL,
  action text NOT NULL, subject text NOT NULL DEFAULT '', detail jsonb NOT NULL DEFAULT '{}'
);
