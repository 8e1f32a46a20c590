package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A Postgres and its replica are a pair: what the primary acknowledges, the replica has on disk. While the replica is
// unavailable, the primary acknowledges nothing.

// standbySignal in a data folder makes its Postgres a replica; a promotion removes it.
const standbySignal = "standby.signal"

// PostgresReplicaURL leads to the replica of the pair. While there is none, a connection fails.
func (s *Stack) PostgresReplicaURL() string { return s.pairURL("standby") }

func (s *Stack) pairURL(target string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d,127.0.0.1:%d/%s?sslmode=disable&target_session_attrs=%s",
		postgresName, s.ports.Postgres, s.ports.PostgresReplica, postgresName, target)
}

func (s *Stack) startReplica(ctx context.Context) (int, error) {
	home, err := s.postgresAt(PostgresReplica)
	if err != nil {
		return 0, err
	}
	s.ports.PostgresReplica, err = s.launchPostgres(ctx, PostgresReplica, s.options.Ports.PostgresReplica, home)
	return s.ports.PostgresReplica, err
}

// Promote makes the replica the primary. The old primary is killed first, so that there are never two; restarted, it is the
// new one's replica. Until then the new primary acknowledges without a replica.
func (s *Stack) Promote(ctx context.Context) error {
	old := s.PostgresPrimary()
	next := other(old)
	if s.Process(next) == nil {
		return errors.New("promote: there is no replica")
	}
	if err := s.Process(old).Kill(); err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	// An operator who starts the old one by hand does not get a second primary.
	at, err := s.postgresAt(old)
	if err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	if err := os.WriteFile(filepath.Join(at.data, standbySignal), nil, 0o644); err != nil {
		return fmt.Errorf("promote: fence the old primary: %w", err)
	}
	s.mu.Lock()
	s.primary = next
	s.mu.Unlock()
	port := s.portOf(next)
	if err := s.ackWithoutReplica(ctx, port); err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	if err := postgresExec(ctx, postgresURL(port, postgresName), "alter system reset recovery_min_apply_delay",
		"select pg_reload_conf()"); err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	for {
		err := postgresExec(ctx, postgresURL(port, postgresName), "select 1 / pg_promote()::int")
		switch code := codeOf(err); {
		case err == nil, code == "55000": // it is the primary already: "recovery is not in progress"
			return nil
		case code != "40001": // what it replays ends the sessions in its way, and ours may be one
			return fmt.Errorf("promote: %w", err)
		}
	}
}

// codeOf is Postgres' code for an error, "" when it is none of its.
func codeOf(err error) string {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refusal.Code
	}
	return ""
}

// DelayReplica lets the replica show what happened so long ago, and 0 what happens now. It has the rest all the same.
func (s *Stack) DelayReplica(ctx context.Context, by time.Duration) error {
	url := postgresURL(s.portOf(other(s.PostgresPrimary())), postgresName)
	if err := postgresExec(ctx, url,
		fmt.Sprintf("alter system set recovery_min_apply_delay = %d", by.Milliseconds()), "select pg_reload_conf()"); err != nil {
		return fmt.Errorf("delay the replica: %w", err)
	}
	for { // the server reads its settings when it comes to it, and a new session has what it has read
		err := postgresExec(ctx, url, fmt.Sprintf(
			"select 1 / (setting::bigint = %d)::int from pg_settings where name = 'recovery_min_apply_delay'", by.Milliseconds()))
		if codeOf(err) != "22012" { // a division by zero
			return err
		}
	}
}

func other(service Service) Service {
	if service == Postgres {
		return PostgresReplica
	}
	return Postgres
}

// PostgresPrimary is the one of the pair that takes writes now.
func (s *Stack) PostgresPrimary() Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.primary
}

func (s *Stack) leads(service Service) bool { return s.PostgresPrimary() == service }

func (s *Stack) portOf(service Service) int {
	if service == Postgres {
		return s.ports.Postgres
	}
	return s.ports.PostgresReplica
}

// primaryPort is where the primary listens.
func (s *Stack) primaryPort() int { return s.portOf(s.PostgresPrimary()) }

// replicaName is how the primary knows that it is followed by ours, and not just copied.
const replicaName = "replica"

// ackWithoutReplica lets a Postgres acknowledge without its replica.
func (s *Stack) ackWithoutReplica(ctx context.Context, port int) error {
	return postgresExec(ctx, postgresURL(port, postgresName), "alter system reset synchronous_standby_names", "select pg_reload_conf()")
}

// ackWithReplica lets the primary acknowledge only what its replica has too. It fails until the replica follows.
func (s *Stack) ackWithReplica(ctx context.Context) error {
	return postgresExec(ctx, postgresURL(s.primaryPort(), postgresName),
		"select 1 / count(*) from pg_stat_replication where state = 'streaming' and application_name = '"+replicaName+"'",
		"alter system set synchronous_standby_names = '"+replicaName+"'", "select pg_reload_conf()")
}

// copyPrimary makes a data folder as a copy of the primary's, which follows the primary from there. A replica is copied at every start,
// so that its earlier data do not matter.
func (s *Stack) copyPrimary(ctx context.Context, at postgresPlace) error {
	unfinished := at.data + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("remove an unfinished data folder: %w", err)
	}
	spec := at.Spec
	spec.Name = "pg_basebackup"
	spec.Path = filepath.Join(at.binaries, "pg_basebackup")
	spec.Args = []string{"--pgdata", unfinished, "--checkpoint=fast", "--write-recovery-conf",
		"--dbname", fmt.Sprintf("host=127.0.0.1 port=%d user=%s application_name=%s", s.primaryPort(), postgresName, replicaName)}
	if s.folder.throwAway {
		spec.Args = append(spec.Args, "--no-sync")
	}
	if err := finish(ctx, spec); err != nil {
		return err
	}
	if err := os.RemoveAll(at.data); err != nil {
		return fmt.Errorf("remove the old data folder: %w", err)
	}
	if err := os.Rename(unfinished, at.data); err != nil {
		return fmt.Errorf("name the data folder: %w", err)
	}
	return nil
}

// succeed moves the data of a promoted replica to the primary's folder, when a kept folder is used again.
func (s *Stack) succeed(home postgresPlace) error {
	exists := func(path ...string) bool {
		_, err := os.Stat(filepath.Join(path...))
		return err == nil
	}
	if !exists(s.folder.path, string(PostgresReplica)) {
		return nil
	}
	heir, err := s.postgresAt(PostgresReplica)
	if err != nil {
		return err
	}
	fence := filepath.Join(home.data, standbySignal)
	switch {
	case exists(heir.data) && !exists(heir.data, standbySignal):
		if err := os.RemoveAll(home.data); err != nil {
			return fmt.Errorf("remove the former primary's data: %w", err)
		}
		return os.Rename(heir.data, home.data)
	case exists(fence):
		return os.Remove(fence) // no replica was promoted
	}
	return nil
}
