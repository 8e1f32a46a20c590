package compose

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// environment is the environment of a Postgres' scripts, with its programs first in PATH.
func environment(t *testing.T, data string, port int) []string {
	t.Helper()
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	require.NoError(t, err)
	slices.Sort(programs)
	all := []string{"PATH=" + strings.Join(append(programs[len(programs)-1:], os.Getenv("PATH")), ":"), "PGHOST=127.0.0.1", "PGPORT=" + strconv.Itoa(port)}
	for name, value := range service(t, "postgres").Environment {
		if name != "PGDATA" {
			all = append(all, name+"="+*value)
		}
	}
	return append(all, "PGDATA="+data)
}

func ask[T any](t *testing.T, url, question string) (answer T) {
	t.Helper()
	conn, err := pgx.Connect(within(t), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(within(t), question).Scan(&answer))
	return answer
}

// The replica copies the primary once and follows it from then on, and has everything that the primary acknowledges. The operators'
// command makes it again.
func TestAReplicaFollowsThePrimary(t *testing.T) {
	t.Parallel()
	primary := devstacktest.Start(t, devstack.Postgres)
	url := primary.PostgresURL()
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)

	set := exec.CommandContext(t.Context(), own(t, "primary.sh"))
	set.Env = environment(t, ask[string](t, url, "show data_directory"), int(config.Port))
	output, err := set.CombinedOutput()
	require.NoError(t, err, string(output))
	ask[bool](t, url, "select pg_reload_conf()")
	require.Equal(t, "replica", ask[string](t, url, "show synchronous_standby_names"))
	require.Equal(t, 1, ask[int](t, url, `select count(*) from pg_hba_file_rules where database = '{replication}' and address = 'samenet'`))
	require.Zero(t, ask[int](t, url, "select count(*) from pg_hba_file_rules where error is not null"))

	home, port := folder(t), freePort(t)
	data := filepath.Join(home, "data")
	spec := devstack.Spec{Name: "replica", Env: environment(t, data, port), Dir: home, Port: port, StopSignal: syscall.SIGINT}
	if os.Geteuid() == 0 {
		spec.User = "postgres"
	}
	from := fmt.Sprintf("%s '127.0.0.1 port=%d'", own(t, "follow.sh"), config.Port)
	postgres := "exec postgres -c unix_socket_directories= -c listen_addresses=127.0.0.1"
	replica := run(t, spec, script(t, "postgres-replica", "/follow.sh postgres", from, "exec postgres", postgres))
	follows := func() {
		t.Helper()
		require.Eventually(t, func() bool {
			return ask[int](t, url, "select count(*) from pg_stat_replication where state = 'streaming' and sync_state = 'sync'") == 1
		}, timeout, tick)
	}
	follows()
	kept, err := os.ReadFile(filepath.Join(data, "postgresql.auto.conf"))
	require.NoError(t, err)
	require.Contains(t, string(kept), "password=onlywave", "it will be let in again")
	require.True(t, ask[bool](t, strings.Replace(url, strconv.Itoa(int(config.Port)), strconv.Itoa(port), 1), "select pg_is_in_recovery()"))

	mark := filepath.Join(data, "mark")
	require.NoError(t, os.WriteFile(mark, nil, 0o600))
	require.NoError(t, replica.Stop())
	require.NoError(t, replica.Restart(within(t)))
	follows()
	require.FileExists(t, mark, "it went on with what it had")

	require.NoError(t, replica.Stop())
	follow := func(from string) error {
		command := []string{"/bin/sh", "-c", from}
		if spec.User != "" {
			command = append([]string{"setpriv", "--reuid=" + spec.User, "--regid=" + spec.User, "--clear-groups"}, command...)
		}
		cmd := exec.CommandContext(within(t), command[0], command[1:]...)
		cmd.Env = spec.Env
		return cmd.Run()
	}
	require.Error(t, follow(fmt.Sprintf("%s '127.0.0.1 port=%d'", own(t, "follow.sh"), freePort(t))))
	require.FileExists(t, mark, "an unreachable primary is not followed, and no data is deleted")
	require.NoError(t, follow(from))
	require.NoFileExists(t, mark, "it was copied again")
	require.NoError(t, replica.Restart(within(t)))
	follows()
}

// Every user of the machine can read a program's arguments.
func TestThePasswordIsNoArgument(t *testing.T) {
	t.Parallel()
	home := folder(t)
	said := filepath.Join(home, "said")
	require.NoError(t, os.WriteFile(filepath.Join(home, "pg_basebackup"), []byte("#!/bin/sh\necho \"$@\" >"+said+"; exit 1\n"), 0o700))
	follow := exec.CommandContext(within(t), own(t, "follow.sh"), "primary")
	follow.Env = []string{"PATH=" + home + ":" + os.Getenv("PATH"), "PGDATA=" + filepath.Join(home, "data"), "POSTGRES_USER=onlywave", "POSTGRES_PASSWORD=hunter2"}
	require.Error(t, follow.Run())
	arguments, err := os.ReadFile(said)
	require.NoError(t, err)
	require.Contains(t, string(arguments), "host=primary")
	require.NotContains(t, string(arguments), "hunter2")
}
