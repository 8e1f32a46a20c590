package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const postgresName = "onlywave" // of the superuser and of the database

// PostgresURL is the URL of the database "onlywave", which exists; the user may do everything. With a replica it names
// both, and leads to the one that takes writes.
func (s *Stack) PostgresURL() string {
	if s.ports.PostgresReplica == 0 {
		return postgresURL(s.ports.Postgres, postgresName)
	}
	return s.pairURL("read-write")
}

func postgresURL(port int, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", postgresName, port, database)
}

func (s *Stack) startPostgres(ctx context.Context) (int, error) {
	home, err := s.postgresAt(Postgres)
	if err != nil {
		return 0, err
	}
	if err := s.succeed(home); err != nil {
		return 0, err
	}
	if err := s.initPostgres(ctx, home); err != nil {
		return 0, err
	}
	if s.ports.Postgres, err = s.launchPostgres(ctx, Postgres, s.options.Ports.Postgres, home); err != nil {
		return 0, err
	}
	return s.ports.Postgres, s.ackWithoutReplica(ctx, s.ports.Postgres)
}

// postgresPlace is where one Postgres lives.
type postgresPlace struct {
	Spec            // what its programs have in common
	data     string // its data folder
	binaries string // the folder of its programs
}

func (s *Stack) postgresAt(service Service) (at postgresPlace, err error) {
	if at.Spec, err = s.spec(service); err != nil {
		return at, err
	}
	if at.User, at.Dir, err = s.postgresHome(at.Dir); err != nil {
		return at, err
	}
	at.data = filepath.Join(at.Dir, "data")
	at.binaries, err = postgresBinaries(at.data)
	return at, err
}

func (s *Stack) launchPostgres(ctx context.Context, service Service, preferred int, at postgresPlace) (int, error) {
	return s.launch(ctx, service, preferred, func(port int) (Spec, error) {
		spec := at.Spec
		spec.Path = filepath.Join(at.binaries, "postgres")
		spec.Args = postgresArgs(at.data, port, s.folder.throwAway)
		spec.StopSignal = syscall.SIGINT // "fast": SIGTERM would wait for every client to leave
		spec.Port = port
		spec.Prepare = func(ctx context.Context) error {
			if err := awaitVacated(ctx, at.data); err != nil || s.leads(service) {
				return err
			}
			return s.copyPrimary(ctx, at)
		}
		spec.Ready = func(ctx context.Context) error {
			if err := postgresReady(ctx, port); err != nil || s.leads(service) {
				return err
			}
			return s.ackWithReplica(ctx)
		}
		return spec, nil
	})
}

// postgresHome is the user to run Postgres as and the folder that user can work in. Postgres refuses to be root, so
// root runs it as user postgres; a checkout under a folder closed to others (/root) sends the data to that user's home.
func (s *Stack) postgresHome(dir string) (name, home string, err error) {
	if os.Geteuid() != 0 {
		return "", dir, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return "", "", fmt.Errorf("root cannot run postgres itself: %w", err)
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return "", "", err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return "", "", err
	}
	if closed := closedTo(uint32(uid), uint32(gid), filepath.Dir(dir)); closed != "" {
		if dir, err = s.movePostgres(dir, account.HomeDir); err != nil {
			return "", "", fmt.Errorf("move its data to the home of user postgres: %w", err)
		}
		s.say("%-9s keeps its data in %s, because user postgres cannot enter %s", Postgres, dir, closed)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return "", "", fmt.Errorf("give its folder to user postgres: %w", err)
	}
	return account.Username, dir, nil
}

// movePostgres makes a folder under home, once, and leaves a link to it in dir: after the stack's folder was removed,
// the next start begins without the old data.
func (s *Stack) movePostgres(dir, home string) (string, error) {
	link := filepath.Join(dir, "moved")
	if moved, err := filepath.EvalSymlinks(link); err == nil {
		return moved, nil
	}
	moved, err := os.MkdirTemp(home, "onlywave-")
	if err != nil {
		return "", err
	}
	if s.folder.throwAway {
		s.mu.Lock()
		s.moved = append(s.moved, moved)
		s.mu.Unlock()
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := os.Symlink(moved, link); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(link)
}

// closedTo is the first folder on the way to dir, itself included, that the user may not pass through; empty if none.
func closedTo(uid, gid uint32, dir string) string {
	if dir != "/" {
		if closed := closedTo(uid, gid, filepath.Dir(dir)); closed != "" {
			return closed
		}
	}
	info, err := os.Stat(dir)
	if err != nil {
		return dir
	}
	owner, pass := info.Sys().(*syscall.Stat_t), os.FileMode(0o001)
	switch {
	case owner.Uid == uid:
		pass = 0o100
	case owner.Gid == gid:
		pass = 0o010
	}
	if info.Mode()&pass == 0 {
		return dir
	}
	return ""
}

// postgresBinaries is the folder of the server's programs: of the version that wrote the data, else of the newest.
func postgresBinaries(data string) (string, error) {
	const debian = "/usr/lib/postgresql/*/bin"
	if version, err := os.ReadFile(filepath.Join(data, "PG_VERSION")); err == nil {
		folder := strings.Replace(debian, "*", strings.TrimSpace(string(version)), 1)
		if _, err := os.Stat(filepath.Join(folder, "postgres")); err == nil {
			return folder, nil
		}
	}
	initdb, err := program("initdb", debian)
	if err != nil {
		return "", err
	}
	return filepath.Dir(initdb), nil
}

// initPostgres makes the data folder once, under another name first: one that was interrupted is never taken for whole. A throw-away stack
// copies the folder that an earlier one has kept.
func (s *Stack) initPostgres(ctx context.Context, at postgresPlace) error {
	if _, err := os.Stat(at.data); err == nil {
		return nil
	}
	unfinished := at.data + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("remove an unfinished data folder: %w", err)
	}
	if s.folder.throwAway {
		if err := copyFresh(ctx, at, unfinished); err != nil {
			return err
		}
	} else if err := initdb(ctx, at, unfinished); err != nil {
		return err
	}
	if err := os.Rename(unfinished, at.data); err != nil {
		return fmt.Errorf("name the data folder: %w", err)
	}
	return nil
}

func initdb(ctx context.Context, at postgresPlace, data string, more ...string) error {
	spec := at.Spec
	spec.Name, spec.Path = "initdb", filepath.Join(at.binaries, "initdb")
	spec.Args = append([]string{"-D", data, "-U", postgresName, "--auth=trust", "--encoding=UTF8", "--locale=C"}, more...)
	return finish(ctx, spec)
}

func postgresArgs(data string, port int, throwAway bool) []string {
	args := []string{"-D", data, "-p", strconv.Itoa(port)}
	settings := []string{"listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300",
		"wal_retrieve_retry_interval=200ms"} // a replica finds its primary again at once
	if throwAway {
		// Safe against SIGKILL, not against a power cut; and nothing is left in /dev/shm, but in the data folder.
		settings = append(settings, "fsync=off", "full_page_writes=off", "dynamic_shared_memory_type=mmap")
	}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// postgresReady asks for an answer from our database, which it creates the first time.
func postgresReady(ctx context.Context, port int) error {
	err := postgresExec(ctx, postgresURL(port, postgresName), "select 1")
	const noSuchDatabase = "3D000"
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == noSuchDatabase {
		return postgresExec(ctx, postgresURL(port, "postgres"), "create database "+postgresName)
	}
	return err
}

func postgresExec(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// awaitVacated waits until no process of a former Postgres works in the data folder. Then its pid file is stale, and
// Postgres knows what to do with it, unless the number belongs to some other process by now: that it would respect.
func awaitVacated(ctx context.Context, data string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("another postgres is still running on "+data))
	defer cancel()
	for slices.ContainsFunc(pids(), func(pid int) bool { return worksIn(pid, data) }) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pollEvery):
		}
	}
	file := filepath.Join(data, "postmaster.pid")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil // stopped in good order
	}
	number, _, _ := strings.Cut(string(text), "\n")
	if pid, err := strconv.Atoi(strings.TrimSpace(number)); err == nil {
		if _, alive := readStat(pid); !alive {
			return nil
		}
	}
	if err := os.Remove(file); err != nil {
		return fmt.Errorf("remove a stale pid file: %w", err)
	}
	return nil
}

// worksIn is true for a live process whose working directory is dir, as is that of every Postgres process.
func worksIn(pid int, dir string) bool {
	at, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	if err != nil || at != dir {
		return false
	}
	_, alive := readStat(pid)
	return alive
}
