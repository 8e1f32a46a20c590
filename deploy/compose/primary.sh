#!/bin/sh
# Runs once, when the first Postgres initialises its data: a replica may copy and follow it, and the primary acknowledges only what the
# replica has. The replica copies these settings with the data; they take effect at the next start.
set -eu
echo "host replication all samenet scram-sha-256" >>"$PGDATA/pg_hba.conf"
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
	-c "alter system set synchronous_standby_names = 'replica'" \
	-c "alter system set max_connections = 300" \
	-c "alter system set wal_keep_size = '1GB'" # a replica that was stopped can continue within this much log
