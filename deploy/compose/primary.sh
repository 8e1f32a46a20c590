#!/bin/sh
# Runs once, when the first Postgres makes its data: a replica may copy and follow it, and nothing is acknowledged that
# the replica does not have. The replica gets these settings with the data, and they are in force from the next start.
set -eu
echo "host replication all samenet scram-sha-256" >>"$PGDATA/pg_hba.conf"
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
	-c "alter system set synchronous_standby_names = 'replica'" \
	-c "alter system set max_connections = 300" \
	-c "alter system set wal_keep_size = '1GB'" # so far back a replica that was away may go on from
