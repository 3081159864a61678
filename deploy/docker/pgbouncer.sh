#!/bin/sh
# Tells pgbouncer the one login it serves, then becomes it.
set -eu
umask 077
printf '"auth_gateway_login" "%s"\n' "$GATEWAY_DATABASE_PASSWORD" >/tmp/users.txt
exec /usr/sbin/pgbouncer /etc/pgbouncer/pgbouncer.ini
