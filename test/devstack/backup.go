package devstack

import (
	"context"
	"path/filepath"
	"strings"
)

// Dump writes a backup of the database to a file, while it is in use.
func (s *Stack) Dump(ctx context.Context, file string) error {
	return s.postgresTool(ctx, "pg_dump", "--format=custom", "--file", file, s.PostgresURL())
}

// Restore takes the database back to a backup: what was written since is lost. Every connection is closed.
func (s *Stack) Restore(ctx context.Context, file string) error {
	maintenance := strings.Replace(s.PostgresURL(), "/"+postgresName+"?", "/postgres?", 1)
	err := postgresExec(ctx, maintenance, "drop database if exists "+postgresName+" with (force)", "create database "+postgresName)
	if err != nil {
		return err
	}
	return s.postgresTool(ctx, "pg_restore", "--exit-on-error", "--dbname", s.PostgresURL(), file)
}

// postgresTool runs one of Postgres' own programs to its end.
func (s *Stack) postgresTool(ctx context.Context, name string, args ...string) error {
	spec, err := s.spec(Postgres)
	if err != nil {
		return err
	}
	binaries, err := postgresBinaries("")
	if err != nil {
		return err
	}
	spec.Name, spec.Path, spec.Args, spec.Dir = name, filepath.Join(binaries, name), args, ""
	return finish(ctx, spec)
}
