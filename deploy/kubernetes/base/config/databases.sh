#!/bin/sh
# Run once, by PostgreSQL's own image, when its volume is empty: a database for trading, one for Dagster's runs, one for the stores of [exports], each with a role of its own.
set -eu
for name in trading runs exports; do
    password=$(cat "/run/secrets/postgres_${name}")
    psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set name="$name" --set password="$password" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname exports --command 'CREATE EXTENSION IF NOT EXISTS timescaledb'

# Who measures reads the catalogue, and no row of any table.
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --set password="$(cat /run/secrets/postgres_watching)" <<'SQL'
CREATE ROLE watching LOGIN PASSWORD :'password';
GRANT pg_monitor TO watching;
GRANT CONNECT ON DATABASE trading, runs, exports TO watching;
SQL
