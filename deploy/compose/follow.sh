#!/bin/sh
# follow.sh HOST makes this Postgres, which must not run, the replica of the one on HOST. What it had itself is gone then.
set -eu
rm -rf "$PGDATA.new"
export PGPASSWORD="$POSTGRES_PASSWORD" # not an argument, which all on the machine can read
pg_basebackup --pgdata "$PGDATA.new" --checkpoint=fast --write-recovery-conf \
	--dbname "host=$1 user=$POSTGRES_USER application_name=replica"
rm -rf "$PGDATA"
mv "$PGDATA.new" "$PGDATA"
