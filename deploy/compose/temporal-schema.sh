#!/bin/sh
# Creates Temporal's two databases, and brings their schemas to the version of this image, which is the server's. It is safe to run twice.
set -eu

for part in temporal visibility; do
	case $part in
	temporal) export SQL_DATABASE=temporal ;;
	visibility) export SQL_DATABASE=temporal_visibility ;;
	esac
	temporal-sql-tool create-database
	temporal-sql-tool setup-schema --version 0.0 # only the tables that hold the version; nothing if they are there
	temporal-sql-tool update-schema --schema-name "postgresql/v12/$part"
done
