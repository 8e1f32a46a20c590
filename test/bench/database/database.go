// Package database measures reads from a database of millions of payments. Its rule: it measures what users get. A real API process on
// a real Postgres answers HTTP requests at a constant rate that does not wait for responses; latency counts from when a request was
// due; and the plans are those of the API's own statements, as the server ran them.
package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/report"
)

// Options says how much to measure.
type Options struct {
	Program  string // the onlywave binary
	Env      []string
	Out      io.Writer
	Report   string // the Markdown file whose tables are replaced; "": none
	Dir      string // where the database is kept for the next run; "": it is deleted
	Payments int
	Rate     float64       // requests a second
	Length   time.Duration // of the measurement
	Seed     uint64
}

// bench is one run.
type bench struct {
	Options
	stack *devstack.Stack
	conn  *pgx.Conn
	store *postgres.Store
	http  *http.Client
	keys  map[string]string // by client
	url   string            // of the measured API process
}

// Run fills the database, measures, and prints the tables and the plans.
func Run(ctx context.Context, o Options) (err error) {
	b := &bench{Options: o, keys: map[string]string{}, http: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 256},
	}}
	dir := o.Dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "onlywave-database-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if b.stack, err = devstack.Start(ctx, devstack.Options{
		Dir: o.Dir, Services: []devstack.Service{devstack.Postgres, devstack.Redis}, Out: o.Out,
	}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stack.Stop()) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer b.store.Close()
	defer b.conn.Close(context.WithoutCancel(ctx))

	api, err := b.startAPI(ctx, dir, "api", "")
	if err != nil {
		return err
	}
	defer api.Kill()
	b.url = api.url
	answers, err := b.ask(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "\n%s\n", answers.table())
	plans, err := b.plans(ctx, dir, answers.questions)
	if err != nil {
		return err
	}
	indexes, err := b.indexes(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "\n%s\n%s\n", plans, indexes)
	if o.Report == "" {
		return nil
	}
	for name, text := range map[string]string{"measured": answers.table(), "plans": plans, "indexes": indexes} {
		if err := report.Keep(o.Report, name, text); err != nil {
			return err
		}
	}
	return nil
}

// until is the end of the two years: the beginning of today, so that all runs of one day make the same database.
func until() time.Time { return time.Now().UTC().Truncate(24 * time.Hour) }

// prepare fills the database, unless it was kept from an earlier run.
func (b *bench) prepare(ctx context.Context) (err error) {
	url := b.stack.PostgresURL()
	if err := postgres.Migrate(ctx, url, quiet); err != nil {
		return err
	}
	if b.store, err = postgres.Open(ctx, url, 2); err != nil {
		return err
	}
	if b.conn, err = pgx.Connect(ctx, url); err != nil {
		return err
	}
	var there bool
	if err := b.conn.QueryRow(ctx, `select exists (select from payments)`).Scan(&there); err != nil {
		return err
	}
	if !there {
		fmt.Fprintf(b.Out, "Writing %d payments\n", b.Payments)
		if err := fill(ctx, b.store, b.conn, b.Payments, until(), b.Out); err != nil {
			return err
		}
	}
	for _, client := range clients {
		if b.keys[client], err = b.store.IssueAPIKey(ctx, audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: client, Scopes: access.Scopes()}, time.Now()); err != nil {
			return err
		}
	}
	_, err = b.conn.Exec(ctx, `select pg_stat_reset()`)
	return err
}

// api is an API process on the database.
type api struct {
	*devstack.Process
	url string
}

// startAPI starts an API process whose other dependencies are unavailable, which reads do not need. more is added to DATABASE_URL.
func (b *bench) startAPI(ctx context.Context, dir, name, more string) (*api, error) {
	port, err := devstack.FreePort(0)
	if err != nil {
		return nil, err
	}
	const unavailable = "127.0.0.1:1"
	address := fmt.Sprintf("127.0.0.1:%d", port)
	settings := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "API_ADDRESS=" + address, "PUBLIC_URL=http://" + address,
		"DATABASE_URL=" + b.stack.PostgresURL() + more, "REDIS_URL=" + b.stack.RedisURL(), "RABBITMQ_URLS=amqp://" + unavailable + "/",
		"TEMPORAL_ADDRESS=" + unavailable, "TEMPORAL_PAYLOAD_KEYS=k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "CURSOR_SECRET=" + strings.Repeat("bench-database-", 3), "MERCADOPAGO_WEBHOOK_SECRETS=bench-database",
		"RATE_LIMIT_READS=100000", "RATE_LIMIT_OPERATIONS=100000", "LOG_LEVEL=warn", "DRAIN_WAIT=0s",
	}
	if more != "" {
		settings = append(settings, "DATABASE_CONNS=1") // so that each statement is run on the same connection again
	}
	process, err := devstack.StartProcess(ctx, devstack.Spec{
		Name: name, Path: b.Program, Args: []string{"api"}, Env: append(settings, b.Env...),
		LogFile: filepath.Join(b.stack.Logs(), name+".log"), Port: port,
	})
	if err != nil {
		return nil, err
	}
	return &api{Process: process, url: "http://" + address}, nil
}

// get sends one request, and reads its response to the end.
func (b *bench) get(ctx context.Context, base string, p path) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+p.address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+b.keys[p.client])
	answer, err := b.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", p.address, answer.Status, body)
	}
	return body, err
}

// machine describes the machine and its load.
func machine(before string) string {
	return fmt.Sprintf("Measured on %d cores with %s; the machine's load average was %s before and %s after.",
		runtime.NumCPU(), runtime.Version(), before, loadAverage())
}

// loadAverage is the machine's load average over one minute.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
