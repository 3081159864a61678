#!/bin/sh
# Writes the only login of pgbouncer, then runs it.
set -eu
umask 077
printf '"auth_gateway_login" "%s"\n' "$GATEWAY_DATABASE_PASSWORD" >/tmp/users.txt
exec /usr/sbin/pgbouncer /etc/pgbouncer/pgbouncer.ini
