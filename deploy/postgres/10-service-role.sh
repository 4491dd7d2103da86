#!/bin/sh
# Runs once, when the database is made: the role as which the service writes. It owns nothing, so it can neither change
# the schema nor the log; `farwatch migrate` grants it its rights.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set service_password="$FARWATCH_SERVICE_PASSWORD" <<'SQL'
CREATE ROLE farwatch LOGIN PASSWORD :'service_password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE ROLE farwatch_camera NOLOGIN; -- of camera machines' logins: docs/reference/shares.md
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SQL
