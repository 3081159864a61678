#!/bin/sh
# Runs once, when the database is created: its owner is not a superuser, as on Supabase.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$OWNER_DATABASE_PASSWORD" --username postgres <<'SQL'
create role auth_gateway_owner login createrole bypassrls password :'password';
create database auth_gateway owner auth_gateway_owner;
SQL
