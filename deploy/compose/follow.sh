#!/bin/sh
# follow.sh HOST makes this Postgres, which must not be running, a replica of the one on HOST. It deletes this one's data.
set -eu
rm -rf "$PGDATA.new"
export PGPASSWORD="$POSTGRES_PASSWORD" # not as an argument, which every user of the machine can read
pg_basebackup --pgdata "$PGDATA.new" --checkpoint=fast --write-recovery-conf \
	--dbname "host=$1 user=$POSTGRES_USER application_name=replica"
rm -rf "$PGDATA"
mv "$PGDATA.new" "$PGDATA"
